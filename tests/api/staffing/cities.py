"""Histories of cities whose truth is known: what a forecast should have found."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np

from api.staffing.days import Day, day_of
from api.staffing.forecast import Floats

# Share of a day's calls by hour, per cent; quarters within an hour differ by a little slope.
HOURS = (
    *(0.8, 0.5, 0.4, 0.3, 0.3, 0.5, 1.2, 2.6, 6.2, 9.6, 10.0, 7.6),
    *(4.6, 4.8, 7.8, 8.4, 7.8, 6.0, 4.4, 4.2, 4.0, 3.6, 2.8, 1.6),
)
WEEKDAYS = (1.15, 1.05, 1.02, 1.0, 1.02, 0.7, 0.62)
HOLIDAY, ADJUSTED = 0.5, 0.95


@dataclass(frozen=True)
class City:
    """A city's calls: so many on an average day, growing, wavering from day to day by chance."""

    calls: float = 14_000
    growth_a_week: float = 0.0
    waver: float = 0.04
    start: date = date(2026, 6, 1)
    odd_days: Mapping[date, float] = field(default_factory=dict)

    def expected(self, when: date) -> Floats:
        """The truth, by quarter."""
        day = day_of(when)
        weeks = (when - self.start).days / 7
        total = self.calls * (1 + self.growth_a_week) ** weeks * _kind(day)
        shares = np.repeat(np.array(HOURS) / sum(HOURS) / 4, 4) * np.tile((0.94, 0.98, 1.02, 1.06), 24)
        # Weekends rise later.
        return np.asarray(total * (shares if day.works else np.roll(shares, 4)))

    def history(self, until: date, *, missing: tuple[date, ...] = (), seed: int = 7) -> dict[date, tuple[int, ...]]:
        """What was counted on each day from the start to the day before `until`."""
        dice = np.random.default_rng(seed)
        found = {}
        for number in range((until - self.start).days):
            when = self.start + timedelta(days=number)
            mean = self.expected(when) * dice.lognormal(0, self.waver) * self.odd_days.get(when, 1.0)
            counts = tuple(int(count) for count in dice.poisson(mean))
            if when not in missing:
                found[when] = counts
        return found


def _kind(day: Day) -> float:
    if day.kind == "holiday":
        return HOLIDAY
    return ADJUSTED if day.kind == "adjusted_workday" else WEEKDAYS[day.date.weekday()]
