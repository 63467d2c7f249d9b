"""The Asterisk Manager Interface: framing, parsing, one wrapped client per connection, reconnecting."""
