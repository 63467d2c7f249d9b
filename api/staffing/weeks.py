"""ISO weeks as people write them: 2026-W49 is Monday to Sunday."""

import re
from datetime import date, timedelta

from api.kit.problems import BadRequest

_WEEK = re.compile(r"(\d{4})-W(\d{2})")


class BadWeek(BadRequest):
    """There is no such week."""

    error_id = "staffing.bad_week"


def days_of(week: str) -> tuple[date, date]:
    """Return Monday and Sunday of an ISO week. Raises BadWeek."""
    found = _WEEK.fullmatch(week)
    try:
        monday = date.fromisocalendar(int(found[1]), int(found[2]), 1) if found else None
    except ValueError:
        monday = None
    if monday is None:
        raise BadWeek(f"没有这一周。 There is no week {week!r}: write it like 2026-W49.")
    return monday, monday + timedelta(days=6)


def week_of(day: date) -> str:
    """Return the ISO week that holds a day."""
    year, week, _ = day.isocalendar()
    return f"{year}-W{week:02d}"
