"""Asterisk and its calls: from AMI events to calls, and everything that makes a telephone ring."""
