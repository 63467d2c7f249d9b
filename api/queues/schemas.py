"""Figures as they are sent."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel

from telephony.agents.model import State


class FigureOut(BaseModel):
    """One metric: `value` is numerator ÷ denominator, null where there is nothing to divide by.

    `excluded`: what stands in neither, by reason; `formula` and `source` say what was computed and who defines it.
    """

    metric: str
    numerator: float
    denominator: float
    value: float | None
    unit: Literal["share", "seconds"]
    excluded: dict[str, float]
    formula: str
    source: str


class CountsOut(BaseModel):
    """How many calls were offered, and what became of them."""

    offered: int
    answered: int
    abandoned: int
    short_abandoned: int
    failed: int
    waiting: int
    queued: int


class LineOut(BaseModel):
    """The figures of one part of a period; `key` is its start, its agent or its queue."""

    key: str | None
    counts: CountsOut
    metrics: dict[str, FigureOut]


class ReportOut(BaseModel):
    """A period's figures, as a whole and by its parts."""

    queue: str
    since: datetime
    until: datetime
    counts: CountsOut
    metrics: dict[str, FigureOut]
    rows: list[LineOut]


class AgentNowOut(BaseModel):
    """What an agent does, since when and why."""

    agent: str
    name: str | None
    state: State
    reason: str | None
    since: datetime
    call_ref: str | None


class LiveOut(BaseModel):
    """A queue this moment; agents are those of the whole hall."""

    queue: str
    at: datetime
    waiting: int
    longest_wait_seconds: float
    talking: int
    agents_by_state: dict[State, int]
    agents: list[AgentNowOut]
    last_15_minutes: dict[str, FigureOut]
    today: dict[str, FigureOut]


class QueueOut(BaseModel):
    """A queue, and how it stands."""

    name: str
    waiting: int
    longest_wait_seconds: float
    talking: int


class QueueList(BaseModel):
    """All queues, by name."""

    items: list[QueueOut]
