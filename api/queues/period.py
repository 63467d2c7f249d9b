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

    Spans in order; without the `stale` ones of the `quarters` they together are the period, each moment once. Days are
    UTC's: what was counted of them does not depend on where the city is.
    """

    days: tuple[Period, ...]
    quarters: tuple[Period, ...]
    stale: tuple[datetime, ...]
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
    first, last = _up_to(period.since, QUARTER), quarter_of(period.until)
    if first >= last:
        return Sources((), (), (), (period,))
    stale = tuple(moment for moment in marked if first <= moment < last)
    again = (Period(moment, moment + QUARTER) for moment in stale)
    raw = joined(
        span for span in (Period(period.since, first), *again, Period(last, period.until)) if span.since < span.until
    )
    days: list[Period] = []
    if whole_days:
        touched = {day_of(moment) for moment in stale}
        inside = days_of(Period(_up_to(first, DAY), day_of(last)))
        days = joined(Period(day, day + DAY) for day in inside if day not in touched)
    borders = [first, *(moment for span in days for moment in (span.since, span.until)), last]
    rest = (Period(since, until) for since, until in zip(borders[::2], borders[1::2], strict=True))
    return Sources(tuple(days), tuple(span for span in rest if span.since < span.until), stale, tuple(raw))


def _up_to(moment: datetime, unit: timedelta) -> datetime:
    return -(-(moment - _EPOCH) // unit) * unit + _EPOCH
