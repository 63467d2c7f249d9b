"""A city's calls without Asterisk: a plan of them, and a manager port that tells them as the recorded one did."""
