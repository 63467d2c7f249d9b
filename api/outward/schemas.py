"""Calls that agents place, as they are sent."""

from datetime import datetime

from pydantic import BaseModel

from telephony.calls.outward import Ending


class OutwardOut(BaseModel):
    """One call: `result` is null while it goes on; the last three are what it is about."""

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
    callback_id: int | None
    ticket_id: str | None
    call_ref: str | None


class OutwardPage(BaseModel):
    """Calls, the latest first; `next_cursor` is null on the last page."""

    items: list[OutwardOut]
    next_cursor: str | None
