"""How wrong the forecast was: past weeks forecast from what came before them, beside what really came. Pure.

The interval of a forecast is that of its past errors, for counts of about the same size (split conformal prediction:
Lei, G'Sell, Rinaldo, Tibshirani and Wasserman 2018, "Distribution-free predictive inference for regression").
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

import numpy as np
import numpy.typing as npt

from api.staffing.days import day_of
from api.staffing.forecast import LEAST_DAYS, Floats, History, TooLittleHistory, learn

WEEKS = 4
Grain = Literal["quarter", "hour", "day"]
_QUARTERS: dict[Grain, int] = {"quarter": 1, "hour": 4, "day": 96}
_LEAST_ERRORS, _MOST_SIZES = 100, 6


@dataclass(frozen=True, slots=True)
class Spread:
    """Errors as multiples of the root of the expected count: below `sizes[i]` calls they lie in [low[i], high[i]]."""

    sizes: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]

    def around(self, calls: float) -> tuple[float, float]:
        """Return the interval of a forecast."""
        index = int(np.searchsorted(self.sizes[:-1], calls))
        root = math.sqrt(calls + 1)
        return max(0.0, calls + min(0.0, self.low[index]) * root), calls + max(0.0, self.high[index]) * root


@dataclass(frozen=True, slots=True)
class Backtest:
    """What the forecast missed in the past `weeks`, as shares.

    `wape`: Σ |actual − forecast| ÷ Σ actual, by quarter, hour and day; `naive_wape`: of "as a week before";
    `bias`: Σ (forecast − actual) ÷ Σ actual; `coverage`: actual quarters within intervals made from the other weeks.
    """

    weeks: int
    days: int
    wape: dict[Grain, float]
    naive_wape: dict[Grain, float]
    bias: float
    coverage: float
    spreads: dict[Grain, Spread]


def backtest(history: History, interval: float) -> Backtest | None:
    """Forecast each of the latest weeks from the days before it; None where there are too few.

    `interval` is the share of actual counts that intervals are to hold. Days that were left out as too unlike others
    are no measure and are left out here too.
    """
    try:
        odd = {each.date for each in learn(history).left_out}
    except TooLittleHistory:
        return None
    weeks = [each for each in (_week(history, odd, ago) for ago in range(WEEKS)) if each is not None]
    if len(weeks) < 2:  # noqa: PLR2004 - one week's intervals are measured on another
        return None
    expected, actual, before = (np.concatenate([week[part] for week in weeks]) for part in range(3))
    inside = [
        _covered(week, _spread([each for other, each in enumerate(weeks) if other != index], "quarter", interval))
        for index, week in enumerate(weeks)
    ]
    total = float(actual.sum()) or 1.0
    return Backtest(
        weeks=len(weeks),
        days=len(actual),
        wape={grain: float(abs(_sums(actual - expected, grain)).sum()) / total for grain in _QUARTERS},
        naive_wape={grain: float(abs(_sums(actual - before, grain)).sum()) / total for grain in _QUARTERS},
        bias=float((expected - actual).sum()) / total,
        coverage=float(np.concatenate(inside).mean()),
        spreads={grain: _spread(weeks, grain, interval) for grain in _QUARTERS},
    )


_Week = tuple[Floats, Floats, Floats]


def _week(history: History, odd: set[date], ago: int) -> _Week | None:
    """Return expected, actual and a week before; a row for each day of the week that ended `ago` weeks ago."""
    end = max(history) - timedelta(weeks=ago)
    days = [end - timedelta(days=number) for number in range(7)]
    past = {when: counts for when, counts in history.items() if when < days[-1]}
    usable = [when for when in days if when in history and when not in odd]
    if len(past) < LEAST_DAYS or not usable:
        return None
    try:
        pattern = learn(past)
    except TooLittleHistory:
        return None
    expected = np.array([pattern.forecast(day_of(when)).calls for when in usable])
    actual = np.array([history[when] for when in usable], dtype=np.float64)
    before = np.array([history.get(when - timedelta(weeks=1), [0] * actual.shape[1]) for when in usable])
    return expected, actual, before.astype(np.float64)


def _sums(counts: Floats, grain: Grain) -> Floats:
    return np.asarray(counts.reshape(-1, _QUARTERS[grain]).sum(axis=1))


def _spread(weeks: Sequence[_Week], grain: Grain, interval: float) -> Spread:
    expected = _sums(np.concatenate([week[0] for week in weeks]), grain)
    actual = _sums(np.concatenate([week[1] for week in weeks]), grain)
    errors = (actual - expected) / np.sqrt(expected + 1)
    parts = max(1, min(_MOST_SIZES, len(errors) // _LEAST_ERRORS))
    split = np.array_split(np.argsort(expected), parts)
    bounds = [_quantiles(errors[part], interval) for part in split]
    return Spread(
        sizes=tuple(float(expected[part].max()) for part in split),
        low=tuple(low for low, _ in bounds),
        high=tuple(high for _, high in bounds),
    )


def _quantiles(errors: Floats, interval: float) -> tuple[float, float]:
    """Return the quantiles that hold a new error with the wanted probability, one more than those seen counted in."""
    outside = (1 - interval) / 2
    ordered = np.sort(errors)
    rank = max(0, math.floor((len(ordered) + 1) * outside) - 1)
    return float(ordered[rank]), float(ordered[-1 - rank])


def _covered(week: _Week, spread: Spread) -> npt.NDArray[np.bool_]:
    expected, actual = week[0].ravel(), week[1].ravel()
    bounds = np.array([spread.around(float(calls)) for calls in expected])
    return (bounds[:, 0] <= actual) & (actual <= bounds[:, 1])
