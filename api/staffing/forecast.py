"""Calls by quarter-hour, learnt from past weeks. Pure: counts in, expected counts out.

A day's calls are level × what its kind of day is to the level × the share of each quarter. All three are medians or
sums over many days, so that a storm, an outage or a missing day moves none of them:
- the level of each week is the median of its days, freed of their weekday; its trend is the line of Theil and Sen
  (Sen 1968, "Estimates of the regression coefficient based on Kendall's tau") through the latest weeks, where it is
  more than chance (Mann 1945, "Nonparametric tests against trend");
- a weekday, a holiday, an adjusted workday is the median of such days beside their week's level;
- shares lean on those of their group of days, and those on their hour, as a Dirichlet prior of so many calls does:
  where calls are few, the pattern stays smooth.
"""

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import combinations
from typing import Literal

import numpy as np
import numpy.typing as npt

from api.staffing.days import Day, day_of

QUARTERS = 96
LEAST_DAYS = 14
RECENT_WEEKS = 13
TREND_WEEKS = 8
_LEAST_TREND_WEEKS = 4
_TREND_DEVIATIONS = 1.64
_STEEPEST = 0.03
_FARTHEST_WEEKS = 4
_LEAST_ALIKE = 2
# A day is left out when its calls lie so many deviations, and at least so far (in logarithms), from what was expected.
_DEVIATIONS, _LEAST_DEVIATION = 4.0, 0.3
# Calls that a prior counts as. More would be better still for cities whose weekdays are all alike; few are.
_HOUR_PRIOR, _GROUP_PRIOR = 3000.0, 20_000.0

Basis = Literal["history", "like_workday", "like_weekend", "assumed"]
Floats = npt.NDArray[np.float64]
History = Mapping[date, Sequence[int]]


class TooLittleHistory(Exception):
    """There are not days enough to learn from; what is used instead must be said."""

    error_id = "staffing.too_little_history"


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A day that nothing was learnt from, because its calls were so unlike those of its kind."""

    date: date
    calls: int
    expected: float


@dataclass(frozen=True, slots=True)
class DayForecast:
    """The expected calls of a day, a number for each quarter-hour, and what they were learnt from."""

    day: Day
    calls: tuple[float, ...]
    basis: Basis


@dataclass(frozen=True, slots=True)
class Pattern:
    """What was learnt: `level` (log of an average day's calls) on `last`, its change a week, and the kinds of days."""

    last: date
    level: float
    slope: float
    effects: Mapping[Hashable, float]
    shares: Mapping[Hashable, Floats]
    left_out: tuple[LeftOut, ...]
    days: int

    def forecast(self, day: Day) -> DayForecast:
        """Return the expected calls of a day."""
        key, basis = _known(day, self.effects)
        weeks = min(_FARTHEST_WEEKS, max(0, (day.date - self.last).days) / 7)
        total = np.exp(self.level + self.slope * weeks + self.effects[key])
        return DayForecast(day, tuple(float(share) for share in total * self.shares[key]), basis)


def assumed(day: Day, calls_per_day: float, hour_shares: Sequence[float]) -> DayForecast:
    """Return the calls of a day of an average city, where nothing is known of this one; shares are of 24 hours."""
    whole = sum(hour_shares)
    calls = tuple(calls_per_day * hour_shares[quarter // 4] / whole / 4 for quarter in range(QUARTERS))
    return DayForecast(day, calls, "assumed")


def learn(history: History) -> Pattern:
    """Learn the pattern of these days; each has 96 counts. Days that are missing were not counted.

    Raises TooLittleHistory for fewer than 14 days with calls, or hardly a workday among them.
    """
    days = [day_of(when) for when in sorted(history) if sum(history[when])]
    workdays = sum(day.kind == "workday" for day in days)
    if len(days) < LEAST_DAYS or workdays < _LEAST_ALIKE:
        raise TooLittleHistory(
            f"{len(days)} whole days with calls are stored, {workdays} of them ordinary workdays; "
            f"it takes {LEAST_DAYS} and {_LEAST_ALIKE} to learn from. "
            "Until then the assumptions of config/staffing.toml stand."
        )
    table = _Table(days, history)
    for _ in range(3):
        table.settle()
    level, slope = _trend(table)
    effects = _effects(table)
    kept = table.recent & table.kept
    fitted = np.exp(table.expected()[kept])
    # Medians of logarithms lie a little below means; the sums of calls must agree.
    level += float(np.log(table.totals[kept].sum() / fitted.sum()))
    left_out = tuple(
        LeftOut(days[index].date, int(table.totals[index]), float(np.exp(table.expected()[index])))
        for index in np.flatnonzero(~table.kept & table.recent)
    )
    return Pattern(days[-1].date, level, slope, effects, _shares(table, effects), left_out, int(kept.sum()))


class _Table:
    """Days as arrays: their kind, their week (0 is the latest), their calls, their week's level."""

    def __init__(self, days: Sequence[Day], history: History) -> None:
        self.days = days
        self.counts = np.array([history[day.date] for day in days], dtype=np.float64)
        self.totals = self.counts.sum(axis=1)
        self.logs = np.log(self.totals)
        self.weeks = np.array([(days[-1].date - day.date).days // 7 for day in days])
        self.keys = [_key(day) for day in days]
        self.plain = np.array([isinstance(key, int) for key in self.keys])
        self.recent = self.weeks < RECENT_WEEKS
        self.kept = np.ones(len(days), dtype=bool)
        self.effects = np.zeros(len(days))
        self.levels = np.full(len(days), np.median(self.logs))

    def expected(self) -> Floats:
        """Return the logarithm of each day's expected calls."""
        return self.levels + self.effects

    def settle(self) -> None:
        """Work out effects beside levels, levels beside effects, and who is too far away."""
        beside = self.logs - self.levels
        for key in set(self.keys):
            alike = np.array([each == key for each in self.keys])
            near = alike & self.kept & self.recent if np.any(alike & self.kept & self.recent) else alike
            self.effects[alike] = np.median(beside[near])
        plain = self.plain & self.kept
        known = {
            week: float(np.median((self.logs - self.effects)[plain & (self.weeks == week)]))
            for week in np.unique(self.weeks[plain])
        }
        nearest = np.array(sorted(known))
        self.levels = np.array([known[int(nearest[np.argmin(abs(nearest - week))])] for week in self.weeks])
        away = self.logs - self.expected()
        usual = 1.4826 * float(np.median(abs(away[plain])))
        # A day's count also varies by chance, by the root of it.
        limit = np.maximum(_LEAST_DEVIATION, _DEVIATIONS * np.sqrt(usual**2 + np.exp(-self.expected())))
        self.kept = ~self.plain | (abs(away) <= limit)


def _key(day: Day) -> Hashable:
    if day.kind == "holiday":
        return day.name
    return "adjusted_workday" if day.kind == "adjusted_workday" else day.date.weekday()


def _known(day: Day, effects: Mapping[Hashable, float]) -> tuple[Hashable, Basis]:
    key = _key(day)
    if key in effects:
        return key, "history"
    if day.kind == "holiday" and "holiday" in effects:
        return "holiday", "history"
    return ("workday", "like_workday") if day.works else ("weekend", "like_weekend")


def _trend(table: _Table) -> tuple[float, float]:
    """Return the level on the last day and its change a week, both in logarithms."""
    weeks = {int(week): float(level) for week, level in zip(table.weeks, table.levels, strict=True)}
    late = [(-week, level) for week, level in sorted(weeks.items()) if week < TREND_WEEKS]
    slopes = [(later - level) / (at - before) for (at, later), (before, level) in combinations(late, 2)]
    rises, number = float(np.sign(slopes).sum()), len(late)
    # Mann 1945: how far rises outnumber falls where there is no trend.
    chance = math.sqrt(number * (number - 1) * (2 * number + 5) / 18)
    trends = number >= _LEAST_TREND_WEEKS and abs(rises) > _TREND_DEVIATIONS * chance
    slope = float(np.median(slopes)) if trends else 0.0
    slope = float(np.clip(slope, -_STEEPEST, _STEEPEST))
    # A week's level is that of its middle, three days before its end.
    return float(np.median([level - slope * (week - 3 / 7) for week, level in late])), slope


def _effects(table: _Table) -> dict[Hashable, float]:
    """Return what each kind of day is to the level; kinds that were seen too seldom are left out."""
    beside = table.logs - table.levels

    def median(chosen: Iterable[bool]) -> float | None:
        wanted = np.array(list(chosen), dtype=bool) & table.kept
        return float(np.median(beside[wanted])) if wanted.sum() >= _LEAST_ALIKE else None

    found: dict[Hashable, float | None] = {}
    for key, plain in {(each, isinstance(each, int)) for each in table.keys}:
        found[key] = median(
            each == key and (bool(new) or not plain) for each, new in zip(table.keys, table.recent, strict=True)
        )
    found["holiday"] = median(day.kind == "holiday" for day in table.days)
    found["workday"] = median(
        day.kind == "workday" and bool(new) for day, new in zip(table.days, table.recent, strict=True)
    )
    weekend = median(day.kind == "weekend" and bool(new) for day, new in zip(table.days, table.recent, strict=True))
    found["weekend"] = found["workday"] if weekend is None else weekend
    return {key: effect for key, effect in found.items() if effect is not None}


def _shares(table: _Table, effects: Mapping[Hashable, float]) -> dict[Hashable, Floats]:
    def counted(chosen: Iterable[bool]) -> Floats:
        wanted = np.array(list(chosen), dtype=bool) & table.kept
        return np.asarray(_without_bursts(table.counts[wanted]).sum(axis=0))

    everything = counted(bool(new) for new in table.recent)
    groups = {
        works: _lean(
            counted(day.works == works and bool(new) for day, new in zip(table.days, table.recent, strict=True)),
            _by_hour(everything),
            _HOUR_PRIOR,
        )
        for works in (True, False)
    }
    shares: dict[Hashable, Floats] = {"workday": groups[True], "weekend": groups[False]}
    for key in effects:
        if key in shares:
            continue
        alike = [
            each == key or (key == "holiday" and day.kind == "holiday")
            for each, day in zip(table.keys, table.days, strict=True)
        ]
        works = key == "adjusted_workday" or any(
            day.kind == "workday" for day, one in zip(table.days, alike, strict=True) if one
        )
        shares[key] = _lean(counted(alike), groups[works], _GROUP_PRIOR)
    return shares


def _without_bursts(counts: Floats) -> Floats:
    """Cut a quarter's count that lies far out among those of like days: three lengths of the box (Tukey 1977)."""
    if len(counts) < LEAST_DAYS // 2:
        return counts
    low, high = np.quantile(counts, (0.25, 0.75), axis=0)
    return np.asarray(np.minimum(counts, high + 3 * (high - low) + 3))


def _by_hour(counts: Floats) -> Floats:
    """Return shares that are the same in all quarters of an hour, none of them zero."""
    hours = counts.reshape(-1, 4).sum(axis=1) + 0.5
    return np.repeat(hours / hours.sum() / 4, 4)


def _lean(counts: Floats, prior: Floats, weight: float) -> Floats:
    return np.asarray((counts + weight * prior) / (counts.sum() + weight), dtype=np.float64)
