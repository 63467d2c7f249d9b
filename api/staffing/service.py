"""The staffing plan of a period: what is expected and needed, beside what came where it is over."""

import asyncio
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from api.kit import clock
from api.kit.problems import BadRequest
from api.kit.settings import Settings
from api.queues.sums import CallSums
from api.staffing.backtest import Backtest, backtest
from api.staffing.days import Day, day_of
from api.staffing.forecast import (
    QUARTERS,
    RECENT_WEEKS,
    DayForecast,
    History,
    LeftOut,
    TooLittleHistory,
    assumed,
    learn,
)
from api.staffing.plan import QUARTER_SECONDS, Actual, Period, Staffed, beside, hours, quarters, shifts
from api.staffing.policy import StaffingPolicy
from api.staffing.repository import StaffingRepository
from api.staffing.workload import Assumption, Measured, Workload, workload

MOST_DAYS = 31
# Holidays are learnt from those of a year.
_HOLIDAY_WEEKS = 57
_WORKLOAD_WEEKS = 4


class BadStaffingPeriod(BadRequest):
    """The period cannot be planned."""

    error_id = "bad_staffing_period"


@dataclass(frozen=True, slots=True)
class Question:
    """Which queue, from which day of the city to which, both included, asked at `now`."""

    queue: str
    first: date
    last: date
    now: datetime

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise BadStaffingPeriod(
                f"结束日期早于开始日期。 The period ends ({self.last}) before it begins ({self.first}): "
                "exchange from and to."
            )
        if (self.last - self.first).days >= MOST_DAYS:
            raise BadStaffingPeriod(f"最多{MOST_DAYS}天。 At most {MOST_DAYS} days are planned at once.")

    @property
    def days(self) -> list[Day]:
        """The days of the period."""
        return [day_of(self.first + timedelta(days=number)) for number in range((self.last - self.first).days + 1)]


@dataclass(frozen=True, slots=True)
class Plan:
    """A period planned: its days, quarters and hours, who begins which shift, and what all of it rests on."""

    question: Question
    policy: StaffingPolicy
    work: Workload
    days: tuple[DayForecast, ...]
    quarters: tuple[Period, ...]
    hours: tuple[Period, ...]
    shifts: tuple[Staffed, ...]
    history: History
    left_out: tuple[LeftOut, ...]
    tested: Backtest | None

    @property
    def assumptions(self) -> tuple[Assumption, ...]:
        """Everything that is taken for granted, because it could not be learnt."""
        if any(each.basis == "assumed" for each in self.days):
            known = sum(1 for counts in self.history.values() if sum(counts))
            why = (f"只有{known}天完整历史，至少需要14天", f"{known} whole days of history, 14 are needed")
            per_day = round(sum(self.days[0].calls), 1)
            return (Assumption("calls_per_day", per_day, why), *self.work.assumed)
        return self.work.assumed

    @property
    def roster(self) -> list[tuple[date, list[int]]]:
        """People by day and shift, the day before included: its night shift reaches into the period."""
        people = {(each.date, each.shift, each.start): each.people for each in self.shifts}
        dates = [self.question.first - timedelta(days=1), *(each.day.date for each in self.days)]
        return [(day, [people.get((day, each.name, each.start), 0) for each in self.policy.shift]) for day in dates]

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape."""
        return {
            "queue": self.question.queue,
            "from": self.question.first.isoformat(),
            "to": self.question.last.isoformat(),
            "targets": self.policy.targets.model_dump(),
            "shrinkage": self.policy.shrinkage,
            "patience_seconds": round(self.work.patience_seconds, 1),
            "ring_seconds": round(self.work.ring_seconds, 1),
            "history_days": sum(1 for counts in self.history.values() if sum(counts)),
            "left_out": [
                {"date": each.date.isoformat(), "calls": each.calls, "expected": round(each.expected)}
                for each in self.left_out
            ],
            "assumptions": [each.to_json() for each in self.assumptions],
            "backtest": _tested_json(self.tested) if self.tested else None,
            "days": [_day_json(each) for each in self.days],
            "hours": [each.to_json() for each in self.hours],
            "quarters": [each.to_json() for each in self.quarters],
            "shifts": [each.to_json() for each in self.shifts],
        }


async def make_plan(session: AsyncSession, question: Question, settings: Settings, policy: StaffingPolicy) -> Plan:
    """Plan a period from what was counted before it, and put what came beside what is over.

    The forecast of a past period uses nothing of that period, so that plan and actual can be compared honestly.
    """
    repository = StaffingRepository(session)
    zone = ZoneInfo(settings.timezone)
    until = min(question.first, clock.local_date(question.now, settings.timezone))
    plain = all(day.kind in {"workday", "weekend"} for day in question.days)
    since = until - timedelta(weeks=RECENT_WEEKS if plain else _HOLIDAY_WEEKS)
    bounds = _start(since, settings), _start(until, settings)
    history = by_day(await repository.calls_by_quarter(question.queue, *bounds), since, until, zone)
    measured_since = _start(until - timedelta(weeks=_WORKLOAD_WEEKS), settings)
    measured = await repository.measured(question.queue, measured_since, bounds[1], settings.timezone)
    actual = await _actual(repository, question, settings, policy)
    return await asyncio.to_thread(_plan, question, settings, policy, history, measured, actual)


def by_day(counted: dict[int, int], since: date, until: date, zone: ZoneInfo) -> dict[date, list[int]]:
    """Return whole days of counts from the day after the first call on: the day a site starts is no whole day."""
    days = [since + timedelta(days=number) for number in range((until - since).days)]
    found = {}
    for day in days:
        midnight = int(datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()) // QUARTER_SECONDS
        found[day] = [counted.get(midnight + quarter, 0) for quarter in range(QUARTERS)]
    first = next((index for index, day in enumerate(days) if sum(found[day])), len(days))
    began = first + 1 if first else 0
    return {day: found[day] for day in days[began:]}


def _plan(
    question: Question,
    settings: Settings,
    policy: StaffingPolicy,
    history: History,
    measured: Measured,
    actual: dict[int, Actual],
) -> Plan:
    left_out: tuple[LeftOut, ...] = ()
    try:
        pattern = learn(history)
        days, left_out = tuple(pattern.forecast(day) for day in question.days), pattern.left_out
    except TooLittleHistory:
        level = _level(history, policy)
        days = tuple(assumed(day, level, policy.assumed.hour_shares) for day in question.days)
    tested = backtest(history, policy.interval)
    spreads = tested.spreads if tested else None
    work = workload(measured, policy.assumed)
    zone = ZoneInfo(settings.timezone)
    planned = quarters(days, spreads, work, policy, settings.queue.short_abandon_seconds, zone)
    planned = beside(planned, actual, question.now)
    return Plan(
        question=question,
        policy=policy,
        work=work,
        days=days,
        quarters=tuple(planned),
        hours=tuple(hours(planned, spreads)),
        shifts=tuple(shifts(question.first, planned, policy.shift)),
        history=history,
        left_out=left_out,
        tested=tested,
    )


def _level(history: History, policy: StaffingPolicy) -> float:
    """Return the calls of a day: the mean of the few whole days there are, else what is assumed."""
    totals = [sum(counts) for counts in history.values() if sum(counts)]
    return sum(totals) / len(totals) if totals else policy.assumed.calls_per_day


async def _actual(
    repository: StaffingRepository, question: Question, settings: Settings, policy: StaffingPolicy
) -> dict[int, Actual]:
    since = _start(question.first, settings)
    until = min(question.now, clock.date_bounds(question.last, settings.timezone)[1])
    if until <= since:
        return {}
    came = await repository.came(question.queue, since, until)
    there = await repository.on_duty(since, until)
    found = {}
    for quarter in came.keys() | there.keys():
        calls = came.get(quarter, CallSums())
        found[quarter] = Actual(
            calls=calls.offered,
            answered=calls.answered,
            answered_within=calls.within(policy.targets.within_seconds),
            abandoned=calls.abandoned,
            short_abandoned=calls.short_abandoned,
            agents_on_duty=there.get(quarter),
        )
    return found


def _start(day: date, settings: Settings) -> datetime:
    return clock.date_bounds(day, settings.timezone)[0]


def _day_json(each: DayForecast) -> dict[str, Any]:
    name = {"zh": each.day.name[0], "en": each.day.name[1]} if each.day.name else None
    return {
        "date": each.day.date.isoformat(),
        "kind": each.day.kind,
        "holiday": name,
        "provisional": each.day.provisional,
        "basis": each.basis,
        "calls": round(sum(each.calls), 1),
    }


def _tested_json(tested: Backtest) -> dict[str, Any]:
    return {
        "weeks": tested.weeks,
        "days": tested.days,
        "wape": {grain: round(value, 4) for grain, value in tested.wape.items()},
        "naive_wape": {grain: round(value, 4) for grain, value in tested.naive_wape.items()},
        "bias": round(tested.bias, 4),
        "coverage": round(tested.coverage, 4),
    }
