"""The forecast against cities whose truth is known."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.staffing.backtest import backtest
from api.staffing.days import day_of
from api.staffing.forecast import QUARTERS, DayForecast, History, TooLittleHistory, assumed, learn
from tests.api.staffing.cities import HOURS, City

MONDAY = date(2026, 9, 14)


def _week(history: History, first: date = MONDAY, days: int = 7) -> list[DayForecast]:
    pattern = learn(history)
    return [pattern.forecast(day_of(first + timedelta(days=number))) for number in range(days)]


def _missed(city: City, forecasts: list[DayForecast]) -> float:
    """Σ |forecast − truth| ÷ Σ truth, by quarter."""
    truth = np.array([city.expected(each.day.date) for each in forecasts])
    return float(abs(np.array([each.calls for each in forecasts]) - truth).sum() / truth.sum())


@pytest.mark.parametrize(
    ("city", "most"),
    [
        (City(), 0.05),
        (City(growth_a_week=0.01), 0.05),
        (City(growth_a_week=-0.02), 0.05),
        (City(calls=200), 0.15),
        (City(calls=30), 0.25),
    ],
    ids=["steady", "growing", "shrinking", "a town", "a village"],
)
def test_the_truth_is_found_behind_chance(city: City, most: float) -> None:
    for seed in (1, 2, 3):
        assert _missed(city, _week(city.history(MONDAY, seed=seed))) < most


def test_storms_outages_and_gaps_change_little_and_are_told() -> None:
    odd = {date(2026, 9, 3): 1.9, date(2026, 8, 20): 0.3}
    gaps = tuple(date(2026, 7, 20) + timedelta(days=number) for number in range(9))
    city = City(odd_days=odd)
    history = city.history(MONDAY, missing=(*gaps, date(2026, 9, 9)), seed=2)
    assert _missed(city, _week(history)) < 0.06
    told = learn(history).left_out
    assert [each.date for each in told] == sorted(odd)
    assert all(each.calls == sum(history[each.date]) for each in told)


def test_one_burst_within_a_day_moves_no_share() -> None:
    city = City()
    history = city.history(MONDAY)
    day = date(2026, 9, 7)
    burst = list(history[day])
    burst[80] += 900
    calm, shaken = _week(history), _week({**history, day: tuple(burst)})
    assert shaken[0].calls[80] < calm[0].calls[80] * 1.1


def test_holidays_and_adjusted_workdays_are_learnt_from_those_of_a_year() -> None:
    city = City(start=date(2025, 9, 1))
    forecasts = _week(city.history(date(2026, 9, 28)), date(2026, 9, 28), 14)
    for each in forecasts:
        truth = city.expected(each.day.date).sum()
        assert sum(each.calls) == pytest.approx(truth, rel=0.08), each.day
        assert each.basis == "history"


def test_what_was_never_seen_is_taken_for_the_likest_day_and_marked() -> None:
    forecasts = _week(City(start=date(2026, 6, 22)).history(date(2026, 9, 20)), date(2026, 9, 28), 14)
    basis = {each.day.date.day: each.basis for each in forecasts}
    assert basis[1] == "like_weekend", "no holiday since June"
    assert basis[10] == "like_workday", "the adjusted Saturday"
    assert basis[9] == basis[11] == "history"
    saturday, friday = forecasts[12], forecasts[11]
    assert sum(saturday.calls) > 0.9 * sum(friday.calls), "an adjusted Saturday is no Saturday"


def test_an_unpublished_year_is_forecast_by_weekday() -> None:
    pattern = learn(City().history(MONDAY))
    new_year = pattern.forecast(day_of(date(2099, 1, 1)))
    assert (new_year.day.provisional, new_year.basis) == (True, "history")


def test_too_little_history_is_refused_with_what_is_missing() -> None:
    history = City().history(date(2026, 6, 14))
    with pytest.raises(TooLittleHistory, match=r"13 whole days.*it takes 14"):
        learn(history)
    with pytest.raises(TooLittleHistory):
        learn({when: [0] * QUARTERS for when in City().history(MONDAY)})
    assert backtest(history, 0.8) is None


def test_an_assumed_day_has_the_shares_it_was_given() -> None:
    day = assumed(day_of(MONDAY), 14_000, HOURS)
    assert day.basis == "assumed"
    assert sum(day.calls) == pytest.approx(14_000)
    assert sum(day.calls[40:44]) == pytest.approx(1400)


def test_past_errors_are_about_what_chance_alone_leaves_and_better_than_last_week() -> None:
    city = City(growth_a_week=0.005)
    tested = backtest(city.history(MONDAY), 0.8)
    assert tested is not None
    assert (tested.weeks, tested.days) == (4, 28)
    # Poisson counts of 14,000 calls a day waver by 6.5 % a quarter, days by 4 %.
    assert tested.wape["quarter"] < 0.09
    assert tested.wape["day"] < 0.05
    assert all(tested.wape[grain] < tested.naive_wape[grain] for grain in tested.wape)
    assert abs(tested.bias) < 0.03


@pytest.mark.parametrize("calls", [14_000, 200])
def test_intervals_hold_as_many_new_counts_as_they_promise(calls: float) -> None:
    city = City(calls=calls)
    inside = total = 0
    for seed in range(4):
        counted = city.history(MONDAY + timedelta(days=7), seed=seed)
        known = {when: counts for when, counts in counted.items() if when < MONDAY}
        tested = backtest(known, 0.8)
        assert tested is not None
        assert tested.coverage == pytest.approx(0.8, abs=0.06)
        for forecast in _week(known):
            for expected, came in zip(forecast.calls, counted[forecast.day.date], strict=True):
                low, high = tested.spreads["quarter"].around(expected)
                assert low <= expected <= high
                inside += low <= came <= high
                total += 1
    assert inside / total == pytest.approx(0.8, abs=0.07)


@given(
    st.dictionaries(
        st.dates(date(2026, 5, 1), date(2026, 6, 30)),
        st.lists(st.integers(0, 400), min_size=QUARTERS, max_size=QUARTERS) | st.just([0] * QUARTERS),
        min_size=16,
        max_size=50,
    )
)
@settings(max_examples=25, deadline=None)
def test_any_history_gives_a_forecast_or_a_refusal(history: dict[date, list[int]]) -> None:
    try:
        forecasts = _week(history)
    except TooLittleHistory:
        return
    most = max(sum(counts) for counts in history.values())
    for each in forecasts:
        assert all(np.isfinite(calls) and calls >= 0 for calls in each.calls)
        assert sum(each.calls) <= 10 * most + 100
    backtest(history, 0.8)
