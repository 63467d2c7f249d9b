"""Callbacks as they are sent."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from api.callbacks.owed import Result, State

Reason = Literal["withheld", "nuisance", "got_through", "was_answered", "same_caller"]


class TryOut(BaseModel):
    """One attempt; `result` is null while it goes on. `heard`: what the call itself told; `told_by` overruled it."""

    ordinal: int
    agent: str
    dialled_at: datetime
    dialled_by: str
    call_ref: str | None
    result: Result | None
    ended_at: datetime | None
    heard: Result | None
    talk_seconds: float | None
    recording_id: str | None
    told_by: str | None
    reason: str | None
    error: str | None


class CallbackOut(BaseModel):
    """What is owed for one abandoned call."""

    callback_id: int
    call_ref: str
    caller: str | None
    desk: str | None
    state: State
    reason: Reason | None
    merged_into: int | None
    abandoned_at: datetime
    last_abandoned_at: datetime
    due_at: datetime
    overdue: bool
    next_try_at: datetime
    tries_allowed: int
    tries: list[TryOut]
    closed_at: datetime | None
    closed_by_call: str | None


class CallbackPage(BaseModel):
    """A page of callbacks and where the next one begins."""

    items: list[CallbackOut]
    next_cursor: str | None


class DialIn(BaseModel):
    """Whose phone rings first."""

    model_config = ConfigDict(extra="forbid")
    agent: str = Field(pattern=r"^\d{2,8}$")


class ResultIn(BaseModel):
    """What a person heard of a try, and why that counts instead of what the call told."""

    model_config = ConfigDict(extra="forbid")
    result: Result
    reason: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^\x00\r\n]+$")
    ]
