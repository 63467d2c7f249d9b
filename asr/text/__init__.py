"""Recognised Chinese as people read it: joined, with digits and punctuation, each character tied to its words."""

from asr.text.normalise import Shown, normalise_text, show, tidy

__all__ = ["Shown", "normalise_text", "show", "tidy"]
