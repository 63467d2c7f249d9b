"""A plan as a drawing: where lines and areas run in an SVG. Pure; what they look like is the page's matter."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from api.staffing.days import Day
from api.staffing.plan import QUARTER_SECONDS, Period
from api.staffing.service import Plan

LEFT, WIDTH, HEIGHT, TOP = 46, 1344, 190, 12
_STEPS = (1, 2, 5)


@dataclass(frozen=True, slots=True)
class Tick:
    """A number beside the vertical axis."""

    y: float
    label: int


@dataclass(frozen=True, slots=True)
class Column:
    """A day's part of the drawing."""

    x: float
    width: float
    day: Day


@dataclass(frozen=True, slots=True)
class Chart:
    """Paths in SVG's own language; empty ones draw nothing. `short`: where fewer were there than needed."""

    columns: tuple[Column, ...]
    now_x: float | None
    calls_ticks: tuple[Tick, ...]
    band: str
    forecast: str
    came: str
    agents_ticks: tuple[Tick, ...]
    needed: str
    on_duty: str
    short: str


def draw(plan: Plan) -> Chart:
    """Draw a plan's quarters: calls with their interval and what came, agents needed and who was there."""
    periods = plan.quarters
    step = WIDTH / len(periods)
    calls_top, calls_ticks = _axis(max([*(_highest(each) for each in periods), 1]))
    agents_top, agents_ticks = _axis(max([*(max(each.agents, _duty(each) or 0) for each in periods), 1]))

    def calls_y(value: float) -> float:
        return TOP + HEIGHT * (1 - value / calls_top)

    def agents_y(value: float) -> float:
        return TOP + HEIGHT * (1 - value / agents_top)

    def middle(index: int) -> float:
        return LEFT + (index + 0.5) * step

    def edge(index: int) -> float:
        return LEFT + index * step

    over = [(index, each) for index, each in enumerate(periods) if each.actual]
    there = [(index, duty, each.agents) for index, each in over if (duty := _duty(each)) is not None]
    band = [(index, each.interval) for index, each in enumerate(periods) if each.interval]
    upper = [(middle(index), calls_y(high)) for index, (_, high) in band]
    lower = [(middle(index), calls_y(low)) for index, (low, _) in reversed(band)]
    return Chart(
        columns=tuple(Column(edge(number * 96), step * 96, forecast.day) for number, forecast in enumerate(plan.days)),
        now_x=_now(periods, plan.question.now, step),
        calls_ticks=tuple(Tick(calls_y(value), value) for value in calls_ticks),
        band=_line([*upper, *lower]) + "Z" if band else "",
        forecast=_line([(middle(index), calls_y(each.calls)) for index, each in enumerate(periods)]),
        came=_line([(middle(index), calls_y(each.actual.calls)) for index, each in over if each.actual]),
        agents_ticks=tuple(Tick(agents_y(value), value) for value in agents_ticks),
        needed=_steps([(edge(index), edge(index + 1), agents_y(each.agents)) for index, each in enumerate(periods)]),
        on_duty=_steps([(edge(index), edge(index + 1), agents_y(duty)) for index, duty, _ in there]),
        short="".join(
            f"M{edge(index):.1f} {agents_y(duty):.1f}H{edge(index + 1):.1f}V{agents_y(agents):.1f}H{edge(index):.1f}Z"
            for index, duty, agents in there
            if duty < agents
        ),
    )


def _highest(each: Period) -> float:
    return max(each.calls, each.interval[1] if each.interval else 0, each.actual.calls if each.actual else 0)


def _duty(each: Period) -> float | None:
    return each.actual.agents_on_duty if each.actual else None


def _axis(highest: float) -> tuple[float, list[int]]:
    """Return the end of an axis and at most five round numbers on it."""
    rough = highest / 4
    power = 10 ** max(0, math.floor(math.log10(rough))) if rough >= 1 else 1
    step = next((power * each for each in _STEPS if power * each >= rough), power * 10)
    return max(highest * 1.05, step), list(range(0, math.floor(highest) + 1, step))


def _now(periods: Sequence[Period], now: datetime, step: float) -> float | None:
    at = (now - periods[0].starts_at).total_seconds() / QUARTER_SECONDS
    return LEFT + at * step if 0 <= at <= len(periods) else None


def _line(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points) if points else ""


def _steps(flats: Sequence[tuple[float, float, float]]) -> str:
    """Return a line of steps; it is broken where nothing is known."""
    path, reached = "", -math.inf
    for start, end, y in flats:
        path += f"V{y:.1f}H{end:.1f}" if abs(start - reached) < 0.01 else f"M{start:.1f} {y:.1f}H{end:.1f}"  # noqa: PLR2004 - a hair
        reached = end
    return path
