"""Tickets as they are sent."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel


class EvidenceOut(BaseModel):
    """Where a value was heard: an utterance of the call's transcript and seconds of its recording."""

    utterance: int
    start: float
    end: float
    text: str
    recording_id: str | None = None


class FieldOut(BaseModel):
    """What the machine suggests or a human confirmed."""

    value: Any
    confidence: float | None
    confirmed: bool
    evidence: list[EvidenceOut]


class TicketOut(BaseModel):
    """A ticket; `reason` says why the machine could not fill it in, null where it could."""

    ticket_id: str
    call_ref: str
    state: Literal["draft"]
    fields: dict[str, FieldOut]
    reason: str | None
    created_at: datetime
    changed_at: datetime


class TicketPage(BaseModel):
    """Tickets, latest first; `next_cursor` is null on the last page."""

    items: list[TicketOut]
    next_cursor: str | None
