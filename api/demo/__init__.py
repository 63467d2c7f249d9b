"""What `zhitong demo` says and does: agents that answer and speak, citizens who call with real matters."""
