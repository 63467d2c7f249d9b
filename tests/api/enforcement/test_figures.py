"""Calls in, figures out; asked again later of the same moment, the same."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from api.agents.models import SpellRow
from api.enforcement.figures import FigureRepository
from api.enforcement.metrics import KINDS, Figure, Metric
from api.enforcement.policy import Rung, Target
from api.kit.database import Database
from api.queues.formulas import Limits
from api.queues.live import live_figures
from tests.api.enforcement.conftest import NOON, Desk, abandoned, answered, waiting
from tests.api.samples import call

MINUTE = timedelta(minutes=1)


def target(metric: Metric, window: str, seconds: float | None = None) -> Target:
    begins_at, ends_at = (1.0, 0.5) if KINDS[metric].more_is_worse else (0.5, 1.0)
    step = Rung(
        act="warn_wall", zh="级", en="rung", begins_at=begins_at, ends_at=ends_at, hold_seconds=0, cool_down_seconds=0
    )
    given: dict[str, Any] = {"metric": metric, "window": window, "seconds": seconds}
    return Target(name="t", zh="指标", en="target", rung=(step,), **given)


async def figure(database: Database, one: Target, now: Any = NOON) -> Figure:
    async with database.session() as session:
        return await FigureRepository(session).one("hotline", one, now, "Asia/Shanghai")


@pytest.fixture
async def hour(desk: Desk) -> Desk:
    """Eight calls of the last minutes, one of this morning, one of yesterday, one of another desk, one that waits."""
    at = NOON - 5 * MINUTE
    await desk.store(
        answered("1.1", at, 4),
        answered("1.2", at, 15),
        answered("1.3", at, 18),
        answered("1.4", at, 40),
        abandoned("1.5", at, 30),
        abandoned("1.6", at, 8),
        call("1.7", "short_abandoned", offered_at=at, wait_seconds=2),
        call("1.8", "failed", offered_at=at),
        answered("2.1", NOON - timedelta(hours=3), 50),
        abandoned("2.2", NOON - timedelta(hours=20), 50),
        replace(answered("3.1", at), queue="enterprise"),
        waiting("4.1", NOON - timedelta(seconds=33)),
    )
    return desk


@pytest.mark.parametrize(
    ("metric", "window", "seconds", "numerator", "denominator", "excluded"),
    [
        ("connected", "15min", None, 4, 8, 1),
        ("connected", "today", None, 5, 9, 1),
        ("connected", "24h", None, 5, 10, 1),
        ("answer_in_time", "15min", 15, 2, 8, 1),
        ("service_level", "15min", 20, 3, 6, 3),
        ("abandoned", "15min", None, 2, 6, 3),
        ("asa", "15min", None, 77, 4, 5),
    ],
)
async def test_each_figure_names_what_is_above_below_and_left_out(
    hour: Desk,
    metric: Metric,
    window: str,
    seconds: float | None,
    numerator: float,
    denominator: float,
    excluded: int,
) -> None:
    found = await figure(hour.database, target(metric, window, seconds))
    assert (found.numerator, found.denominator, found.excluded) == (numerator, denominator, excluded)
    assert found.value == pytest.approx(numerator / denominator)


async def test_the_present_has_no_denominator(hour: Desk) -> None:
    assert await figure(hour.database, target("waiting", "now")) == Figure(1.0)
    assert await figure(hour.database, target("longest_wait", "now")) == Figure(33.0)
    assert await figure(hour.database, target("waiting", "now"), NOON - timedelta(hours=1)) == Figure(0.0)


async def test_without_calls_there_is_no_figure(desk: Desk) -> None:
    assert await figure(desk.database, target("connected", "15min")) == Figure(None, 0.0, 0.0, 0)


async def test_a_moment_that_has_passed_gives_the_figure_it_had(hour: Desk) -> None:
    moment = NOON - 5 * MINUTE + timedelta(seconds=16)
    # Then two were answered, the short abandon, the failed and one abandon were over, three still waited.
    then = await figure(hour.database, target("connected", "15min"), moment)
    assert (then.numerator, then.denominator, then.excluded) == (2, 5, 3)
    assert (await figure(hour.database, target("waiting", "now"), moment)).value == 3
    assert (await figure(hour.database, target("longest_wait", "now"), moment)).value == 16


async def test_a_call_whose_end_was_never_told_waits_for_an_hour_at_most(desk: Desk) -> None:
    await desk.store(waiting("1.1", NOON - timedelta(hours=2)))
    assert await figure(desk.database, target("waiting", "now")) == Figure(0.0)


async def test_the_longest_wrap_up(desk: Desk) -> None:
    async with desk.database.session() as session:
        for agent, state, began, ended in (
            ("8001", "wrap_up", 200, None),
            ("8002", "wrap_up", 500, 300),
            ("8003", "paused", 900, None),
        ):
            session.add(
                SpellRow(
                    agent=agent,
                    node="main",
                    state=state,
                    started_at=NOON - timedelta(seconds=began),
                    ended_at=None if ended is None else NOON - timedelta(seconds=ended),
                )
            )
    assert await figure(desk.database, target("longest_wrap_up", "now")) == Figure(200.0)
    assert (await figure(desk.database, target("longest_wrap_up", "now"), NOON - 6 * MINUTE)).value == 140


@pytest.mark.parametrize(("window", "of"), [("15min", "last_15_minutes"), ("today", "today")])
async def test_what_is_enforced_is_what_the_wall_shows(hour: Desk, window: str, of: str) -> None:
    async with hour.database.session() as session:
        shown = await live_figures(session, "hotline", NOON, limits=Limits(15, 20), timezone="Asia/Shanghai")
    assert shown.waiting == (await figure(hour.database, target("waiting", "now"))).value
    assert shown.longest_wait_seconds == (await figure(hour.database, target("longest_wait", "now"))).value
    seconds = {"answer_in_time": 15.0, "service_level": 20.0}
    metrics: tuple[Metric, ...] = ("connected", "answer_in_time", "service_level", "abandoned", "asa")
    for metric in metrics:
        enforced = await figure(hour.database, target(metric, window, seconds.get(metric)))
        wall = getattr(shown, of)[metric]
        assert (enforced.numerator, enforced.denominator) == (wall.numerator, wall.denominator), metric
        assert enforced.value == pytest.approx(wall.value), metric
