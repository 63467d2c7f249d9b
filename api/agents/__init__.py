"""The agents' seats: who may log in at which extension, and the secrets of their phones."""
