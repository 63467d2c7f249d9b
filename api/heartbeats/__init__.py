"""Signs of life of the processes that answer no requests, over however many machines."""
