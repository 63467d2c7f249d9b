"""Stored calls against each of Asterisk's own records: pure comparison, every difference with what to do about it."""
