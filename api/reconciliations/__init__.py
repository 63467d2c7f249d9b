"""Stored calls compared with Asterisk's own records: when it was done, and what was found."""
