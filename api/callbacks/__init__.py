"""Callers who gave up waiting are called back."""
