"""What can be ordered of Asterisk over its manager port: one verb a file."""
