"""A staffing plan as it is sent. Shares lie between 0 and 1, times have a zone."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, Field


class Words(BaseModel):
    """The same in Chinese and English."""

    zh: str
    en: str


class TargetsOut(BaseModel):
    """What the plan is to reach."""

    service_level: float
    within_seconds: float
    abandoned: float
    occupancy: float


class LeftOutOut(BaseModel):
    """A day that nothing was learnt from: so unlike its kind were its calls."""

    date: date
    calls: int
    expected: float


class AssumptionOut(BaseModel):
    """What was not measured, the value taken for it, and why."""

    what: Literal["calls_per_day", "talk_seconds", "wrap_up_seconds", "patience_seconds", "ring_seconds"]
    value: float
    why: Words


class GrainsOut(BaseModel):
    """One figure by quarter-hour, hour and day."""

    quarter: float
    hour: float
    day: float


class BacktestOut(BaseModel):
    """Past weeks forecast from the days before them. `wape`: Σ |actual − forecast| ÷ Σ actual.

    `naive_wape`: of "as a week before"; `bias`: Σ (forecast − actual) ÷ Σ actual; `coverage`: actual counts within
    intervals that were made from the other weeks.
    """

    weeks: int
    days: int
    wape: GrainsOut
    naive_wape: GrainsOut
    bias: float
    coverage: float


class DayOut(BaseModel):
    """A day of the period. `provisional`: its year's holidays are not published yet, it goes by its weekday.

    `basis`: learnt from such days; from workdays or weekends, since such a day was never seen; or assumed.
    """

    date: date
    kind: Literal["workday", "weekend", "holiday", "adjusted_workday"]
    holiday: Words | None
    provisional: bool
    basis: Literal["history", "like_workday", "like_weekend", "assumed"]
    calls: float


class ExpectedOut(BaseModel):
    """What the planned agents are expected to reach."""

    service_level: float
    abandoned: float
    asa_seconds: float
    occupancy: float


class ActualOut(BaseModel):
    """What came. `service_level`: answered in time ÷ (answered + abandoned, short ones left out)."""

    calls: int
    answered: int
    answered_within: int
    abandoned: int
    short_abandoned: int
    service_level: float | None
    agents_on_duty: float | None


class PeriodOut(BaseModel):
    """A quarter-hour or an hour. `agents` on duty meet the targets; `agents_high` if `calls_high` call.

    `rostered`: `agents` and those who are away. Hours have the agents of their busiest quarter.
    """

    starts_at: datetime
    calls: float
    calls_low: float | None
    calls_high: float | None
    handling_seconds: float
    agents: int
    agents_high: int | None
    rostered: int
    expected: ExpectedOut
    actual: ActualOut | None


class StaffedOut(BaseModel):
    """So many people take a shift that begins on a day."""

    date: date
    shift: str
    start: str
    hours: float
    people: int


class StaffingOut(BaseModel):
    """A period planned, and what all of it rests on; both days are included."""

    queue: str
    first: date = Field(alias="from")
    last: date = Field(alias="to")
    targets: TargetsOut
    shrinkage: float
    patience_seconds: float
    ring_seconds: float
    history_days: int
    left_out: list[LeftOutOut]
    assumptions: list[AssumptionOut]
    backtest: BacktestOut | None
    days: list[DayOut]
    hours: list[PeriodOut]
    quarters: list[PeriodOut]
    shifts: list[StaffedOut]
