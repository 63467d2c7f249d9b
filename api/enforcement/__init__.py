"""What is done when the queue's figures leave what was promised, and what it achieved."""
