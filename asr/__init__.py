"""Sound to words to a draft ticket."""
