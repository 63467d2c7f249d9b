"""How the pages say things: Chinese first, English beside it; times in the city's zone."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

_LONGEST_CALLER = 40

STATES: dict[str, tuple[str, str]] = {
    "waiting": ("等待", "waiting"),
    "talking": ("通话中", "in call"),
    "answered": ("已接听", "answered"),
    "abandoned": ("放弃", "abandoned"),
    "short_abandoned": ("短时放弃", "short abandon"),
    "failed": ("失败", "failed"),
}
VIA: dict[str, tuple[str, str]] = {
    "queue": ("排队", "queue"),
    "sticky": ("熟悉的话务员", "known agent"),
    "overflow": ("溢出", "overflow"),
}
TRANSCRIPT_STATES: dict[str, tuple[str, str]] = {
    "none": ("无录音", "nothing recorded"),
    "pending": ("转写中", "transcribing"),
    "live": ("实时转写", "words arrive now"),
    "deferred": ("通话后转写", "transcribed after the call"),
    "complete": ("已转写", "transcribed"),
    "partial": ("部分转写", "partly transcribed"),
    "failed": ("无法转写", "cannot be transcribed"),
}
FIELDS: dict[str, tuple[str, str]] = {
    "summary": ("诉求摘要", "summary"),
    "urgency": ("紧急程度", "urgency"),
    "category": ("类别", "category"),
    "place": ("地点", "place"),
    "district": ("区县", "district"),
    "street": ("街道", "street"),
    "happened_at": ("发生时间", "when"),
    "respondent": ("被反映对象", "about whom"),
    "unit": ("承办单位", "unit"),
    "contact_name": ("联系人", "name"),
    "contact_phone": ("联系电话", "phone"),
    "complexity": ("复杂程度", "complexity"),
}
VALUES: dict[str, dict[str, tuple[str, str]]] = {
    "urgency": {"urgent": ("紧急", "urgent"), "normal": ("一般", "normal")},
    "complexity": {"simple": ("简单", "simple"), "complex": ("复杂", "complex")},
}
SUSPECTED = ("疑似紧急", "possibly urgent")


def state_of(call: Mapping[str, Any]) -> str:
    """Return a call's state as the pages show it: one in progress either waits or talks."""
    if call["outcome"] != "in_progress":
        return str(call["outcome"])
    return "talking" if call["answered_at"] else "waiting"


def caller(number: str | None) -> str:
    """Return a caller's number as it fits a line; what is no number is shown all the same."""
    if not number:
        return "未知号码"
    return number if len(number) <= _LONGEST_CALLER else number[: _LONGEST_CALLER - 1] + "…"


def clock_time(moment: str | datetime | None, timezone: str) -> str:
    """Return the city's time of day, to the second."""
    if moment is None:
        return "–"
    point = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return point.astimezone(ZoneInfo(timezone)).strftime("%H:%M:%S")


def day_time(moment: str, timezone: str) -> str:
    """Return the city's date and time of day, to the second."""
    return datetime.fromisoformat(moment).astimezone(ZoneInfo(timezone)).strftime("%m-%d %H:%M:%S")


def seconds(value: float | None) -> str:
    """Return a duration: `7.3 秒` is `7.3`, longer ones `4:07` or `1:02:03`."""
    if value is None:
        return "–"
    if value < 60:  # noqa: PLR2004 - a minute
        return f"{value:.1f}″"
    whole = round(value)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"


def position(value: float) -> str:
    """Return a place in a recording as `0:07.3`."""
    tenths = round(value * 10)
    return f"{tenths // 600}:{tenths // 10 % 60:02d}.{tenths % 10}"


def percent(value: float | None) -> str:
    """Return a confidence as whole per cent."""
    return "–" if value is None else f"{round(value * 100)}%"
