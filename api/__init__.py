"""What is stored, who may see it, and the processes that do the work."""
