"""Acts of enforcement as they are sent."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from api.enforcement.metrics import Metric, Window
from api.enforcement.policy import Act


class TargetOut(BaseModel):
    """What was promised: a metric, its window, and the limit of seconds where it has one."""

    name: str
    zh: str
    en: str
    metric: Metric
    window: Window
    seconds: float | None
    unit: Literal["callers", "seconds", "share"]
    more_is_worse: bool


class FigureOut(BaseModel):
    """A figure: numerator ÷ denominator where there is one; `excluded` calls are in neither."""

    value: float | None
    numerator: float | None
    denominator: float | None
    excluded: int


class EffectOut(FigureOut):
    """The same figure, so many seconds after the act."""

    after_seconds: int


class OrderOut(BaseModel):
    """One thing that was done to one subject, or undone; `result` is the command's, `node` the one it was given to."""

    subject: str
    verb: str
    undo: bool
    arguments: dict[str, Any]
    ordered_at: datetime
    command_id: int | None
    node: str | None
    result: Literal["announced", "ordered", "running", "done", "failed", "expired"] | None
    error: str | None


class ActOut(BaseModel):
    """One rung that began, by which figure, and what came of it."""

    act_id: int
    desk: str
    act: Act
    rung: int
    zh: str
    en: str
    target: TargetOut
    figure: FigureOut
    limit: float
    done_at: datetime
    done_by: str
    undone_at: datetime | None
    undone_value: float | None
    undone_reason: Literal["eased", "policy_ended"] | None
    orders: list[OrderOut]
    effects: list[EffectOut]
    policy: str
    policy_sha256: str


class ActPage(BaseModel):
    """A page of acts and where the next one begins."""

    items: list[ActOut]
    next_cursor: str | None
