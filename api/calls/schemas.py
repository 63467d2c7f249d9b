"""Calls as they are sent."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

Outcome = Literal["in_progress", "answered", "abandoned", "short_abandoned", "failed"]
TranscriptState = Literal["none", "pending", "live", "deferred", "complete", "partial", "failed"]


class SegmentOut(BaseModel):
    """One agent's part of a call."""

    agent: str
    started_at: datetime
    ended_at: datetime | None
    talk_seconds: float | None
    began: Literal["answered", "blind_transfer", "attended_transfer", "conference"]
    hold_seconds: float | None
    recording_id: str | None
    recording_state: Literal["recording", "stored", "transcribed", "failed"] | None


class WaitOut(BaseModel):
    """One stay of the caller in a queue."""

    queue: str
    joined_at: datetime
    left_at: datetime | None
    ended: Literal["connected", "abandoned", "timed_out", "redirected", "withdrawn", "unknown"] | None


class OfferOut(BaseModel):
    """One agent's phone rang for the call."""

    agent: str
    rang_at: datetime
    ended_at: datetime | None
    result: Literal["answered", "missed", "cancelled"] | None


class CallOut(BaseModel):
    """One caller's contact, from ring to hangup."""

    call_ref: str
    caller: str | None
    queue: str | None
    outcome: Outcome
    via: Literal["queue", "sticky", "overflow"] | None
    offered_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    wait_seconds: float | None
    talk_seconds: float | None
    agent: str | None
    node: str
    dialled: str | None
    hold_seconds: float | None
    hung_up_by: Literal["citizen", "agent", "system"] | None
    waits: list[WaitOut]
    offers: list[OfferOut]
    segments: list[SegmentOut]
    transcript_state: TranscriptState
    ticket_id: str | None


class CallPage(BaseModel):
    """Calls, latest first; `next_cursor` is null on the last page."""

    items: list[CallOut]
    next_cursor: str | None
