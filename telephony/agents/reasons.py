"""The reasons that stand in a queue's pause: part of the pause's meaning, so they are the same everywhere."""

# Set when a call ends, while the agent finishes the record.
WRAP_UP = "wrap-up"
# Set when an agent logs out: the phone stays registered, the agent is gone.
OFF_DUTY = "off-duty"
# app_queue's own word (app_queue.c) when `autopause` pauses a member who did not answer.
AUTO_PAUSE = "Auto-Pause"
# Not a pause: the reason of an agent who is offline because the phone cannot be reached.
UNREACHABLE = "unreachable"
