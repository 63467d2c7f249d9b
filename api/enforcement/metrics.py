"""The figures that a promise can be made about."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from api.kit import clock

Metric = Literal[
    "waiting",
    "longest_wait",
    "longest_wrap_up",
    "connected",
    "answer_in_time",
    "service_level",
    "abandoned",
    "asa",
]
Window = Literal["now", "15min", "today", "24h"]
_LENGTHS = {"15min": timedelta(minutes=15), "24h": timedelta(hours=24)}


@dataclass(frozen=True, slots=True)
class Kind:
    """What a metric is like: whether more of it is worse, its unit (`share` lies between 0 and 1), its names."""

    more_is_worse: bool
    unit: Literal["callers", "seconds", "share"]
    now: bool
    limited: bool
    zh: str
    en: str


# `now`: how things stand, else of the calls offered in a window. `limited`: counts answers within some seconds.
KINDS: dict[Metric, Kind] = {
    "waiting": Kind(True, "callers", True, False, "排队人数", "callers waiting"),
    "longest_wait": Kind(True, "seconds", True, False, "最长等待", "longest wait"),
    "longest_wrap_up": Kind(True, "seconds", True, False, "最长话后", "longest wrap-up"),
    "connected": Kind(False, "share", False, False, "接通率", "connected rate"),
    "answer_in_time": Kind(False, "share", False, True, "限时接通率", "answered in time ÷ offered"),
    "service_level": Kind(False, "share", False, True, "服务水平", "service level"),
    "abandoned": Kind(True, "share", False, False, "放弃率", "abandon rate"),
    "asa": Kind(True, "seconds", False, False, "平均等待", "mean wait of answered"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure as measured: its value is numerator ÷ denominator, None where there is nothing to divide by.

    `excluded` calls are in neither; a figure of the present has no denominator.
    """

    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    excluded: int = 0


def window_start(window: Window, now: datetime, timezone: str) -> datetime:
    """Return since when calls count; the present has no length."""
    if window == "today":
        return clock.day_bounds(now, timezone)[0]
    return now - _LENGTHS.get(window, timedelta())
