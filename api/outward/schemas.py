"""Calls that agents place, as they are sent."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from api.calls.schemas import TranscriptState
from telephony.calls.outward import Ending


class SoundOut(BaseModel):
    """One recording of a call: the agent's, or that of whoever was called into it, whose number is `agent` then."""

    recording_id: str
    agent: str
    state: Literal["recording", "stored", "transcribed", "failed"]
    reason: str | None
    started_at: datetime
    duration_seconds: float | None


class OutwardOut(BaseModel):
    """One call: `result` is null while it goes on; `recording_id` is the agent's; the last three: what it is about."""

    dial_ref: str
    node: str
    command_id: int | None
    agent: str | None
    number: str | None
    ordered_at: datetime
    ordered_by: str | None
    picked_up_at: datetime | None
    ended_at: datetime | None
    result: Ending | None
    talk_seconds: float | None
    recording_id: str | None
    recordings: list[SoundOut]
    transcript_state: TranscriptState
    callback_id: int | None
    ticket_id: str | None
    call_ref: str | None


class OutwardPage(BaseModel):
    """Calls, the latest first; `next_cursor` is null on the last page."""

    items: list[OutwardOut]
    next_cursor: str | None
