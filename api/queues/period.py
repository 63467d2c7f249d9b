"""Periods and the quarter-hours in them. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from api.kit.problems import BadRequest

QUARTER = timedelta(minutes=15)
DAY = timedelta(days=1)
LONGEST = timedelta(days=3 * 366)
MOST_ROWS = 3000
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

By = Literal["quarter", "hour", "day", "agent", "queue"]
_WIDTHS = {"quarter": QUARTER, "hour": timedelta(hours=1), "day": DAY}


class BadPeriod(BadRequest):
    """A period that cannot be reported on."""

    error_id = "bad_period"


@dataclass(frozen=True, slots=True)
class Period:
    """From `since` to `until`, half open."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Sources:
    """Where a period's sums come from: what was counted of whole days and of whole quarters, or the calls themselves.

    Spans in order, which together are the period, each moment once. Days are UTC's: what was counted of them does not
    depend on where the city is.
    """

    days: tuple[Period, ...]
    quarters: tuple[Period, ...]
    raw: tuple[Period, ...]


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


def day_of(moment: datetime) -> datetime:
    """Return the start of UTC's day that holds `moment`."""
    return moment.astimezone(UTC) - (moment - _EPOCH) % DAY


def days_of(period: Period) -> list[datetime]:
    """Return the starts of UTC's days that a period touches."""
    first = day_of(period.since)
    return [first + DAY * number for number in range(-((first - period.until) // DAY))]


def joined(spans: Iterable[Period]) -> list[Period]:
    """Return spans, given in order, without the cuts between those that touch."""
    found: list[Period] = []
    for span in spans:
        if found and found[-1].until == span.since:
            found[-1] = Period(found[-1].since, span.until)
        else:
            found.append(span)
    return found


def sources(period: Period, marked: Iterable[datetime], *, whole_days: bool) -> Sources:
    """Say where to read a period: whole days where wanted, whole quarters, and the calls of all else.

    The calls are read of what sticks out of the clock's quarters, and of quarters `marked` (in order) as out of date; a
    day with one of these is read by quarters.
    """
    first, last = -(-(period.since - _EPOCH) // QUARTER) * QUARTER + _EPOCH, quarter_of(period.until)
    if first >= last:
        return Sources((), (), (period,))
    edges = Period(period.since, first), Period(last, period.until)
    stale = (Period(moment, moment + QUARTER) for moment in marked if first <= moment < last)
    raw = joined(span for span in (edges[0], *stale, edges[1]) if span.since < span.until)
    borders = [period.since, *(moment for span in raw for moment in (span.since, span.until)), period.until]
    days, quarters = [], []
    for since, until in zip(borders[::2], borders[1::2], strict=True):
        morning, evening = -(-(since - _EPOCH) // DAY) * DAY + _EPOCH, day_of(until)
        if whole_days and morning < evening:
            days.append(Period(morning, evening))
            quarters += [Period(since, morning), Period(evening, until)]
        else:
            quarters.append(Period(since, until))
    return Sources(tuple(days), tuple(span for span in quarters if span.since < span.until), tuple(raw))
