"""Orders to Asterisk: who ordered what, the router that carries it out, and what became of it."""
