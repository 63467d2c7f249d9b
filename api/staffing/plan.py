"""Agents needed for the calls that are expected, quarter by quarter, and what they are expected to reach. Pure.

Each quarter-hour is a queue of its own in steady state (SIPP: Green, Kolesar and Soares 2001, "Improving the SIPP
approach for staffing service systems that have cyclic demands", Operations Research 49).
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from api.staffing.backtest import Grain, Spread
from api.staffing.erlang import Load, Performance, Targets, agents_needed, performance
from api.staffing.forecast import QUARTERS, DayForecast
from api.staffing.policy import Shift, StaffingPolicy
from api.staffing.shifts import Slot, cover
from api.staffing.workload import Workload

QUARTER_SECONDS = 900
Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Actual:
    """What really came. `answered_within`: of the answered, those in time; `abandoned`: short ones apart.

    `agents_on_duty`: idle, ringing, talking or wrapping up, on average; None where no agent's state was stored.
    """

    calls: int = 0
    answered: int = 0
    answered_within: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    agents_on_duty: float | None = None

    @property
    def service_level(self) -> float | None:
        """Answered in time ÷ (answered + abandoned, short ones left out); None without such calls."""
        counted = self.answered + self.abandoned
        return self.answered_within / counted if counted else None

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape."""
        return {
            "calls": self.calls,
            "answered": self.answered,
            "answered_within": self.answered_within,
            "abandoned": self.abandoned,
            "short_abandoned": self.short_abandoned,
            "service_level": self.service_level,
            "agents_on_duty": self.agents_on_duty,
        }


@dataclass(frozen=True, slots=True)
class Period:
    """A quarter-hour, or an hour made of four: what is expected, who is needed, what came.

    `interval` of the calls, None where past errors are not known; `agents` on duty that meet the targets, `agents_high`
    if as many call as the interval's end; `rostered`: `agents` and those who are away.
    """

    starts_at: datetime
    calls: float
    interval: Interval | None
    handling_seconds: float
    agents: int
    agents_high: int | None
    rostered: int
    expected: Performance
    actual: Actual | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape."""
        low, high = self.interval or (None, None)
        return {
            "starts_at": self.starts_at.isoformat(),
            "calls": round(self.calls, 2),
            "calls_low": None if low is None else round(low, 2),
            "calls_high": None if high is None else round(high, 2),
            "handling_seconds": round(self.handling_seconds, 1),
            "agents": self.agents,
            "agents_high": self.agents_high,
            "rostered": self.rostered,
            "expected": {
                "service_level": round(self.expected.service_level, 4),
                "abandoned": round(self.expected.abandoned, 4),
                "asa_seconds": round(self.expected.asa_seconds, 1),
                "occupancy": round(self.expected.occupancy, 4),
            },
            "actual": self.actual.to_json() if self.actual else None,
        }


@dataclass(frozen=True, slots=True)
class Staffed:
    """So many people take a shift that begins on a day."""

    date: date
    shift: str
    start: time
    hours: float
    people: int

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape."""
        return {
            "date": self.date.isoformat(),
            "shift": self.shift,
            "start": f"{self.start:%H:%M}",
            "hours": self.hours,
            "people": self.people,
        }


def quarters(
    days: Iterable[DayForecast],
    spreads: Mapping[Grain, Spread] | None,
    work: Workload,
    policy: StaffingPolicy,
    short_abandon_seconds: float,
    zone: ZoneInfo,
) -> list[Period]:
    """Return every quarter-hour of the days, with the agents needed. Raises ImpossibleQueue."""
    found = []
    # The ring is part of the wait; only the rest can be spent queueing.
    targets = Targets(
        policy.targets.service_level,
        max(0.0, policy.targets.within_seconds - work.ring_seconds),
        short_abandon_seconds,
        policy.targets.abandoned,
        policy.targets.occupancy,
    )
    for forecast in days:
        for quarter, calls in enumerate(forecast.calls):
            handling = work.handling_seconds[quarter // 4]
            interval = spreads["quarter"].around(calls) if spreads else None

            def load(number: float, handling: float = handling) -> Load:
                return Load(number / QUARTER_SECONDS, handling + work.ring_seconds, work.patience_seconds)

            agents = max(policy.least_agents, agents_needed(load(calls), targets))
            reached = performance(load(calls), agents, targets.within_seconds, short_abandon_seconds)
            found.append(
                Period(
                    starts_at=datetime.combine(forecast.day.date, time(quarter // 4, quarter % 4 * 15), zone),
                    calls=calls,
                    interval=interval,
                    handling_seconds=handling,
                    agents=agents,
                    agents_high=max(agents, agents_needed(load(interval[1]), targets)) if interval else None,
                    rostered=math.ceil(agents / (1 - policy.shrinkage)),
                    expected=replace(reached, asa_seconds=reached.asa_seconds + work.ring_seconds),
                )
            )
    return found


def hours(planned: Sequence[Period], spreads: Mapping[Grain, Spread] | None) -> list[Period]:
    """Return hours for quarters that begin with a whole one: calls added up, agents of the busiest quarter."""
    return [_hour(planned[start : start + 4], spreads) for start in range(0, len(planned), 4)]


def _hour(four: Sequence[Period], spreads: Mapping[Grain, Spread] | None) -> Period:
    calls = sum(each.calls for each in four)

    def mean(name: str) -> float:
        values = [(each.calls, float(getattr(each.expected, name))) for each in four]
        return sum(weight * value for weight, value in values) / calls if calls else values[0][1]

    highs = [each.agents_high for each in four if each.agents_high is not None]
    names = ("waiting", "answered_within", "service_level", "abandoned", "asa_seconds", "wait_seconds", "occupancy")
    return replace(
        four[0],
        calls=calls,
        interval=spreads["hour"].around(calls) if spreads else None,
        agents=max(each.agents for each in four),
        agents_high=max(highs) if highs else None,
        rostered=max(each.rostered for each in four),
        expected=Performance(**{name: mean(name) for name in names}),
        actual=add([each.actual for each in four if each.actual]),
    )


def add(actuals: Sequence[Actual]) -> Actual | None:
    """Return what came in several periods of one length together; agents on duty are averaged."""
    if not actuals:
        return None
    on_duty = [each.agents_on_duty for each in actuals if each.agents_on_duty is not None]
    return Actual(
        calls=sum(each.calls for each in actuals),
        answered=sum(each.answered for each in actuals),
        answered_within=sum(each.answered_within for each in actuals),
        abandoned=sum(each.abandoned for each in actuals),
        short_abandoned=sum(each.short_abandoned for each in actuals),
        agents_on_duty=sum(on_duty) / len(on_duty) if on_duty else None,
    )


def beside(planned: Iterable[Period], actual: Mapping[int, Actual], until: datetime) -> list[Period]:
    """Put what came beside the quarters that have ended by `until`; `actual` by quarters since 1970."""
    quarter = timedelta(seconds=QUARTER_SECONDS)
    return [
        replace(each, actual=actual.get(int(each.starts_at.timestamp()) // QUARTER_SECONDS, Actual()))
        if each.starts_at + quarter <= until
        else each
        for each in planned
    ]


def shifts(first: date, planned: Sequence[Period], offered: Sequence[Shift]) -> list[Staffed]:
    """Return who begins when so that `rostered` people are there in every quarter, with the fewest shifts.

    Shifts of the day before `first` reach into it. Empty where no shifts are offered. Raises Uncovered.
    """
    if not offered:
        return []
    choices = [
        (first + timedelta(days=number), shift) for number in range(-1, len(planned) // QUARTERS) for shift in offered
    ]
    slots = []
    for day, shift in choices:
        begins = (day - first).days * QUARTERS + shift.start.hour * 4 + shift.start.minute // 15
        slots.append(Slot(begins, begins + round(shift.hours * 4)))
    people = cover([each.rostered for each in planned], slots)
    return [
        Staffed(day, shift.name, shift.start, shift.hours, number)
        for (day, shift), number in zip(choices, people, strict=True)
        if number
    ]
