"""Tickets as they are sent."""

from datetime import datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field


class EvidenceOut(BaseModel):
    """Where a value was heard: an utterance of the call's transcript and seconds of its recording."""

    utterance: int
    start: float
    end: float
    text: str
    recording_id: str | None = None


class MachineOut(BaseModel):
    """What the machine suggests for a field that a human decided, or that follows one."""

    value: Any
    confidence: float
    doubtful: bool
    evidence: list[EvidenceOut]


class FieldOut(BaseModel):
    """What the machine suggests or a human decided.

    `confidence` is null for a value that is not the machine's. `doubtful`: take care, it may be wrong (urgency: 疑似).
    `machine` stands beside a value that a human decided; `follows` names the decided field that a value was taken from.
    """

    value: Any
    confidence: float | None
    confirmed: bool
    doubtful: bool = False
    evidence: list[EvidenceOut]
    machine: MachineOut | None = None
    follows: str | None = None


class TicketOut(BaseModel):
    """A ticket; `reason` says why the machine could not fill it in, null where it could."""

    ticket_id: str
    call_ref: str
    state: Literal["draft"]
    fields: dict[str, FieldOut]
    reason: str | None
    version: int
    created_at: datetime
    changed_at: datetime


class TicketPage(BaseModel):
    """Tickets, latest first; `next_cursor` is null on the last page."""

    items: list[TicketOut]
    next_cursor: str | None


class CorrectIn(BaseModel):
    """An agent's value of a field; null empties it. `seen` is the value that the agent had before the eyes."""

    model_config = ConfigDict(extra="forbid")

    field: str = Field(max_length=40)
    value: str | None = Field(max_length=4000)
    seen: str | None = Field(default=None, max_length=4000)


class ConfirmIn(BaseModel):
    """The values that the agent had before the eyes; without them whatever the draft says now is confirmed."""

    model_config = ConfigDict(extra="forbid")

    seen: dict[Annotated[str, Field(max_length=40)], Annotated[str, Field(max_length=4000)] | None] | None = Field(
        default=None, max_length=40
    )
