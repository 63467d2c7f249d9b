"""Advice about whom a call shall reach, decided from facts (pure); the dialplan follows it without any of us."""
