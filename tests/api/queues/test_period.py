from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.queues.period import DAY, QUARTER, BadPeriod, Period, Sources, checked, day_of, joined, quarter_of, sources
from tests.api.queues.facts import at


def test_a_period_is_whole_quarters_and_edges() -> None:
    assert quarter_of(at(899.999999)) == at(0)
    parts = sources(Period(at(10), at(2000)), [], whole_days=True)
    edges = (Period(at(10), at(900)), Period(at(1800), at(2000)))
    assert parts == Sources((), (Period(at(900), at(1800)),), (), edges)
    assert sources(Period(at(0), at(900)), [], whole_days=True).raw == ()
    for short in (Period(at(10), at(20)), Period(at(800), at(1000))):
        assert sources(short, [], whole_days=True) == Sources((), (), (), (short,))


# NINE is an hour after UTC's midnight.
MIDNIGHT = at(-3600)


def test_a_day_with_a_quarter_out_of_date_is_read_by_quarters() -> None:
    period = Period(MIDNIGHT, MIDNIGHT + 3 * DAY)
    assert sources(period, [], whole_days=True) == Sources((period,), (), (), ())
    assert sources(period, [], whole_days=False) == Sources((), (period,), (), ())
    stale = MIDNIGHT + DAY + QUARTER
    assert sources(period, [stale, stale + QUARTER], whole_days=True) == Sources(
        (Period(MIDNIGHT, MIDNIGHT + DAY), Period(MIDNIGHT + 2 * DAY, MIDNIGHT + 3 * DAY)),
        (Period(MIDNIGHT + DAY, MIDNIGHT + 2 * DAY),),
        (stale, stale + QUARTER),
        (Period(stale, stale + 2 * QUARTER),),
    )


def _quarters(span: Period) -> list[datetime]:
    assert quarter_of(span.since) == span.since
    return [span.since + QUARTER * number for number in range((span.until - span.since) // QUARTER)]


@given(
    start=st.integers(-200_000, 200_000),
    length=st.integers(1, 500_000),
    stale=st.sets(st.integers(-400, 800), max_size=9),
    whole_days=st.booleans(),
)
def test_each_moment_of_a_period_is_read_once(start: int, length: int, stale: set[int], whole_days: bool) -> None:
    period = Period(at(start), at(start + length))
    marked = [at(quarter * 900) for quarter in sorted(stale)]
    found = sources(period, marked, whole_days=whole_days)
    counted = [moment for span in found.quarters for moment in _quarters(span) if moment not in found.stale]
    spans = [*found.days, *(Period(moment, moment + QUARTER) for moment in counted), *found.raw]
    assert joined(sorted(spans, key=lambda span: span.since)) == [period]
    assert sum((span.until - span.since for span in spans), timedelta()) == period.until - period.since
    assert set(found.stale) <= set(marked)
    assert not set(counted) & set(marked)
    assert not any(span.since <= moment < span.until for span in found.days for moment in marked)
    assert all(day_of(moment) == moment for span in found.days for moment in (span.since, span.until))
    assert whole_days or not found.days


@pytest.mark.parametrize(
    ("since", "until", "by"), [(10, 10, None), (10, 0, None), (0, 4e8, None), (0, 3.2e7, "quarter")]
)
def test_periods_that_make_no_sense_are_refused(since: float, until: float, by: str | None) -> None:
    with pytest.raises(BadPeriod):
        checked(at(since), at(until), by)  # type: ignore[arg-type]
