"""Raw AMI messages to calls: pure, deterministic, tolerant of repetition and order."""
