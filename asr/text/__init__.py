"""Recognised Chinese as people read it: joined, with digits and punctuation, each character tied to its words."""

from asr.text.normalise import Shown, normalise_text, show, tidy
from asr.text.pieces import Piece, pieces

__all__ = ["Piece", "Shown", "normalise_text", "pieces", "show", "tidy"]
