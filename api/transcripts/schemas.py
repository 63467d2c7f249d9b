"""Transcripts as they are sent."""

from typing import Literal

from pydantic import BaseModel

from api.calls.schemas import TranscriptState


class WordOut(BaseModel):
    """One recognised word; seconds of its recording."""

    text: str
    start: float
    end: float
    confidence: float


class UtteranceOut(BaseModel):
    """What one speaker said without a long pause."""

    speaker: Literal["citizen", "agent"]
    start: float
    end: float
    text: str
    confidence: float
    words: list[WordOut]
    recording_id: str | None = None


class TranscriptOut(BaseModel):
    """All that was heard in a call."""

    call_ref: str
    state: TranscriptState
    model: str
    utterances: list[UtteranceOut]
