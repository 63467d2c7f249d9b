"""Fetches what is not Python: Asterisk with SIPp, the speaking voice, the speech model, and for the tests a browser."""
