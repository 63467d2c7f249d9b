"""Callbacks as they are sent."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.callbacks.owed import Result, State

Reason = Literal["withheld", "nuisance", "got_through", "was_answered", "same_caller"]


class TryOut(BaseModel):
    """One attempt; `result` is null while it goes on."""

    ordinal: int
    agent: str
    dialled_at: datetime
    dialled_by: str
    call_ref: str | None
    result: Result | None
    ended_at: datetime | None
    told_by: str | None
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
    """What came of a try."""

    model_config = ConfigDict(extra="forbid")
    result: Result
