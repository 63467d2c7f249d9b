"""Periods and the quarter-hours in them. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from api.kit.problems import BadRequest

QUARTER = timedelta(minutes=15)
LONGEST = timedelta(days=3 * 366)
MOST_ROWS = 3000
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

By = Literal["quarter", "hour", "day", "agent", "queue"]
_WIDTHS = {"quarter": QUARTER, "hour": timedelta(hours=1), "day": timedelta(days=1)}


class BadPeriod(BadRequest):
    """A period that cannot be reported on."""

    error_id = "bad_period"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to `until`, half open."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Split:
    """A period as whole quarters (None where it holds none) and what sticks out of them at its edges."""

    whole: Period | None
    edges: tuple[Period, ...]


def quarter_of(moment: datetime) -> datetime:
    """Return the start of the quarter-hour that holds `moment`, in UTC."""
    return moment.astimezone(UTC) - (moment - _EPOCH) % QUARTER


def checked(since: datetime, until: datetime, by: By | None = None) -> Period:
    """Return a period that can be reported on, by whatever it is divided. Raises BadPeriod."""
    if until <= since:
        raise BadPeriod(f"The period ends before it begins: from {since.isoformat()} to {until.isoformat()}.")
    if until - since > LONGEST:
        raise BadPeriod(f"The period is longer than {LONGEST.days} days: ask for its parts.")
    if by in _WIDTHS and (until - since) / _WIDTHS[by] > MOST_ROWS:
        raise BadPeriod(f"This makes more than {MOST_ROWS} rows: ask for a shorter period, or by a longer unit.")
    return Period(since, until)


def split(period: Period) -> Split:
    """Divide a period at the quarters of the clock."""
    first = quarter_of(period.since)
    if first < period.since:
        first += QUARTER
    last = quarter_of(period.until)
    if first >= last:
        return Split(None, (period,))
    edges = (Period(period.since, first), Period(last, period.until))
    return Split(Period(first, last), tuple(edge for edge in edges if edge.since < edge.until))
