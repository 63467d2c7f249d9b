"""Calls that agents place, as they are sent."""

from datetime import datetime

from pydantic import BaseModel

from telephony.calls.outward import Ending


class OutwardOut(BaseModel):
    """One call: `result` is null while it goes on; the last three are what it is about."""

    dial_ref: str
    node: str
    agent: str | None
    number: str | None
    ordered_at: datetime | None
    ordered_by: str | None
    picked_up_at: datetime | None
    ended_at: datetime | None
    result: Ending | None
    talk_seconds: float | None
    recording_id: str | None
    callback_id: int | None
    ticket_id: str | None
    call_ref: str | None


class OutwardList(BaseModel):
    """Calls, the latest first."""

    items: list[OutwardOut]
