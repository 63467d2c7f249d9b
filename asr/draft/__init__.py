"""Transcript to draft ticket: a pure function, every value with the seconds of speech that it rests on."""

from asr.draft.drafting import draft
from asr.draft.fields import Draft, Evidence, Field
from asr.draft.gazetteer import Gazetteer, Place
from asr.draft.load import load_gazetteer, load_taxonomy
from asr.draft.missing import missing
from asr.draft.taxonomy import Matter, Taxonomy

__all__ = [
    "Draft",
    "Evidence",
    "Field",
    "Gazetteer",
    "Matter",
    "Place",
    "Taxonomy",
    "draft",
    "load_gazetteer",
    "load_taxonomy",
    "missing",
]
