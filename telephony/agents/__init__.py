"""Agents: what each of them does, second by second, from what Asterisk says of its queues' members (pure)."""
