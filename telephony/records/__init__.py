"""Asterisk's own durable records (CEL, queue_log), read into the same calls as its live events."""
