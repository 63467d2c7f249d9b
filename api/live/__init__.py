"""Transcription while the call runs: which worker hears which recording, and the words not yet final."""
