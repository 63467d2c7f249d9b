"""Counted quarters and raw calls give the same figures, whatever the calls and however the period is cut."""

import asyncio
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from api.agents.service import store_revisions
from api.calls.service import store_calls
from api.kit.database import Database
from api.kit.migrate import head, upgrade
from api.queues.period import Period
from api.queues.repository import RollupRepository, Wanted
from api.queues.rollup import recompute, roll_up, roll_up_all
from api.queues.sums import AgentSums, CallSums
from telephony.agents.model import Revision, State
from telephony.calls.model import Call, Segment
from tests.api.queues import facts
from tests.api.queues.facts import at, call

HOUR = Period(at(0), at(3600))
# Two days of UTC and parts of two others: NINE is an hour after its midnight.
THREE_DAYS = Period(at(0), at(72 * 3600))
LATER = at(144 * 3600)
ZONE = "Asia/Shanghai"
# Talks and wrap-ups more often: which wrap-up is of which call is what can go wrong.
STATES: tuple[State, ...] = ("talking", "wrap_up", "idle", "talking", "wrap_up", "ringing", "paused", "offline")
OUTCOMES = ("answered", "abandoned", "short_abandoned", "failed", "in_progress")


async def store(database: Database, calls: Sequence[Call], revisions: Sequence[Revision] = ()) -> None:
    async with database.session() as session:
        await store_calls(session, calls)
        await store_revisions(session, revisions)


async def sums(
    database: Database, period: Period, by: Any = None, queue: str | None = "hotline"
) -> tuple[dict[Any, CallSums], dict[Any, AgentSums]]:
    async with database.session() as session:
        repository = RollupRepository(session)
        marked = await repository.marked(period)
        wanted = Wanted(period, queue, by, ZONE)
        return await repository.call_sums(wanted, marked), await repository.agent_sums(wanted, marked, LATER)


async def whole(database: Database, period: Period) -> tuple[CallSums, AgentSums]:
    calls, agents = await sums(database, period)
    return calls.get(None, CallSums()), agents.get(None, AgentSums())


@st.composite
def days(draw: st.DrawFn, hours: int) -> tuple[list[Call], list[Revision]]:
    """Calls and spells of so many hours."""
    seconds = st.integers(0, hours * 3600 * 1_000_000).map(lambda micro: micro / 1e6)
    calls = []
    for number in range(draw(st.integers(0, 12))):
        outcome = draw(st.sampled_from(OUTCOMES))
        calls.append(
            call(
                f"c{number}",
                draw(seconds),
                outcome,  # type: ignore[arg-type]
                wait=draw(st.integers(0, 200_000_000)) / 1e6,
                talk=draw(st.integers(0, 900_000_000)) / 1e6,
                agents=draw(st.lists(st.sampled_from(("8001", "8002")), min_size=1, max_size=2, unique=True)),
                queue=draw(st.sampled_from(("hotline", "dialect"))),
                queued=draw(st.booleans()),
                over=outcome != "answered" or draw(st.booleans()),
            )
        )
    refs: list[str | None] = [one.call_ref for one in calls] or [None]
    revisions = []
    for agent in ("8001", "8002"):
        begins = sorted(draw(st.sets(st.integers(-900, hours * 3600), max_size=12)))
        states: list[tuple[State, float]] = [(draw(st.sampled_from(STATES)), float(begin)) for begin in begins]
        if states:
            of_talks = [draw(st.sampled_from(refs)) for _ in states]
            revisions.append(facts.spells(agent, *states, call_refs=of_talks))
    return calls, revisions


async def agrees(
    database_url: str, day: tuple[list[Call], list[Revision]], within: Period, cuts: Sequence[int], recounted: int
) -> None:
    """Check every figure of a period, cut at so many seconds, against an independent count."""
    calls, revisions = day
    told = [spell for revision in revisions for spell in revision.spells]
    hotline = [one for one in calls if one.queue == "hotline"]
    places = [within.since, *(at(cut) for cut in sorted(set(cuts) - {0}) if at(cut) < within.until), within.until]
    database = Database(database_url, pool_size=2)
    tables = "calls, agent_spells, queue_rollups, agent_rollups, queue_days, agent_days, rollup_marks"
    async with database.session() as session:
        await session.execute(text(f"TRUNCATE {tables} CASCADE"))
    # Some is counted before the rest arrives: those quarters are marked again.
    await store(database, calls[: recounted // 4], revisions[:1])
    await roll_up_all(database)
    await store(database, calls, revisions)

    async def check(period: Period) -> None:
        expected = facts.counted(hotline, told, period.since, period.until)
        assert await whole(database, period) == (expected, facts.spent(told, period.since, period.until, LATER))
        by_agent, time = await sums(database, period, by="agent")
        for agent in ("8001", "8002"):
            expected = facts.counted(hotline, told, period.since, period.until, agent)
            assert by_agent.get(agent, CallSums()) == expected
            assert time.get(agent, AgentSums()) == facts.spent(told, period.since, period.until, LATER, agent)

    await check(within)
    await roll_up_all(database)
    for since, until in pairwise(places):
        await check(Period(since, until))
    await check(within)
    async with database.session() as session:
        assert await recompute(session, within) == []
    await database.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(day=days(1), cuts=st.lists(st.integers(0, 3600), max_size=3), recounted=st.integers(0, 40))
def test_counted_quarters_and_raw_calls_agree_for_any_cut_of_the_period(
    database_url: str, day: tuple[list[Call], list[Revision]], cuts: list[int], recounted: int
) -> None:
    asyncio.run(agrees(database_url, day, HOUR, cuts, recounted))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(day=days(72), cuts=st.lists(st.integers(0, 72 * 3600), max_size=2), recounted=st.integers(0, 40))
def test_counted_days_and_raw_calls_agree_for_any_cut_of_the_period(
    database_url: str, day: tuple[list[Call], list[Revision]], cuts: list[int], recounted: int
) -> None:
    asyncio.run(agrees(database_url, day, THREE_DAYS, cuts, recounted))


async def _rows(database: Database) -> int:
    async with database.session() as session:
        return await session.scalar(text("SELECT count(*) FROM queue_rollups")) or 0


async def test_counting_again_changes_nothing(database: Database) -> None:
    await store(database, [call("1", 10), call("2", 1000, "abandoned", wait=9.0)])
    assert await roll_up_all(database) == 2
    before = await whole(database, HOUR)
    assert await roll_up_all(database) == 0
    await store(database, [call("1", 10), call("2", 1000, "abandoned", wait=9.0)])
    assert await roll_up_all(database) == 0, "what did not change marks nothing"
    assert await whole(database, HOUR) == before
    assert await _rows(database) == 3


async def test_figures_are_exact_while_nobody_counts(database: Database) -> None:
    await store(database, [call("1", 10)])
    await roll_up_all(database)
    await store(database, [call("2", 20, "abandoned", wait=30.0)])
    calls, _ = await whole(database, HOUR)
    assert (calls.answered, calls.abandoned) == (1, 1)


async def test_a_call_that_moves_or_goes_leaves_its_quarter(database: Database) -> None:
    await store(database, [call("1", 890), call("2", 10)])
    await roll_up_all(database)
    moved = replace(call("1", 890), offered_at=at(901))
    await store(database, [moved])
    assert await roll_up_all(database) == 2
    by_quarter, _ = await sums(database, HOUR, by="quarter")
    assert {key: found.answered for key, found in by_quarter.items()} == {at(0): 1, at(900): 1}
    async with database.session() as session:
        await session.execute(text("DELETE FROM calls WHERE call_ref = '2'"))
    await roll_up_all(database)
    by_quarter, _ = await sums(database, HOUR, by="quarter")
    assert {key: found.answered for key, found in by_quarter.items()} == {at(900): 1}


async def test_a_wrap_up_that_ends_an_hour_later_counts_for_its_call(database: Database) -> None:
    await store(database, [call("1", 10)], [facts.spells("8001", ("talking", 20), ("wrap_up", 80), call_refs=["1"])])
    await roll_up_all(database)
    states: list[tuple[State, float]] = [("talking", 20), ("wrap_up", 80), ("idle", 5000)]
    await store(database, [], [facts.spells("8001", *states, call_refs=["1"])])
    await roll_up_all(database)
    calls, time = await whole(database, HOUR)
    assert calls.wrap_up_microseconds == 4920 * 1_000_000
    assert time.wrap_up_microseconds == (3600 - 80) * 1_000_000


async def test_a_wrap_up_of_a_later_quarter_counts_for_its_call(database: Database) -> None:
    states: list[tuple[State, float]] = [("talking", 20), ("wrap_up", 1000)]
    await store(database, [call("1", 10)], [facts.spells("8001", *states, call_refs=["1"])])
    await roll_up_all(database)
    await store(database, [], [facts.spells("8001", *states, ("idle", 1100), call_refs=["1"])])
    await roll_up_all(database)
    by_quarter, _ = await sums(database, HOUR, by="quarter")
    assert {key: found.wrap_up_microseconds for key, found in by_quarter.items()} == {at(0): 100_000_000}


async def test_a_talk_that_is_learnt_of_late_takes_the_wrap_up_over(database: Database) -> None:
    calls = [call("1", 10), call("2", 1000)]
    states: list[tuple[State, float]] = [("talking", 20), ("idle", 80), ("wrap_up", 1100), ("idle", 1200)]
    await store(database, calls, [facts.spells("8001", *states, call_refs=["1"])])
    await roll_up_all(database)
    states.insert(2, ("talking", 1050))
    await store(database, [], [facts.spells("8001", *states, call_refs=["1", "2"])])
    await roll_up_all(database)
    by_quarter, _ = await sums(database, HOUR, by="quarter")
    assert {key: found.wrap_up_microseconds for key, found in by_quarter.items()} == {at(0): 0, at(900): 100_000_000}
    async with database.session() as session:
        assert await recompute(session, HOUR) == []


async def test_a_change_that_commits_late_is_counted_all_the_same(database: Database) -> None:
    await store(database, [call("1", 10)])
    async with database.session() as late:
        await store_calls(late, [call("2", 20)])
        # Counted while the second call is not committed: only the first is seen.
        await roll_up_all(database)
    assert await roll_up_all(database) == 1
    async with database.session() as session:
        stored = await session.scalar(text("SELECT answered FROM queue_rollups WHERE agent = ''"))
    assert stored == 2


async def test_two_who_count_at_once_do_not_get_in_each_others_way(database: Database) -> None:
    await store(database, [call("1", 10)])
    async with database.session() as first:
        assert await roll_up(first) == 1
        async with database.session() as second:
            assert await roll_up(second) == 0


async def test_what_was_tampered_with_is_told_and_put_right(database: Database) -> None:
    await store(database, [call("1", 10), call("2", 1000)])
    await roll_up_all(database)
    async with database.session() as session:
        await session.execute(
            text("UPDATE queue_rollups SET answered = 7 WHERE agent = '' AND quarter = :at"), {"at": at(0)}
        )
    async with database.session() as session:
        [difference] = await recompute(session, HOUR)
        assert difference.row[:3] == ("queue_rollups", "hotline", "")
        assert await recompute(session, HOUR) == []


async def test_a_day_that_was_tampered_with_is_told_and_put_right(database: Database) -> None:
    """Whoever asks about an hour of it, and nobody while a quarter of that day is known to be out of date."""
    await store(database, [call("1", 10), call("2", 7200)])
    await roll_up_all(database)
    change = text("UPDATE queue_days SET answered = 7 WHERE agent = '8001'")
    async with database.session() as session:
        await session.execute(change)
        [difference] = await recompute(session, HOUR)
        assert difference.row == ("queue_days", "hotline", "8001", at(-3600).isoformat())
        assert await recompute(session, HOUR) == []
        await session.execute(change)
    await store(database, [call("3", 7300)])
    async with database.session() as session:
        assert await recompute(session, HOUR) == []
    by_agent, _ = await sums(database, THREE_DAYS, by="agent")
    assert by_agent["8001"].answered == 3


async def test_a_call_of_a_past_day_changes_that_day_only(database: Database) -> None:
    await store(database, [call(str(day), day * 86400) for day in range(3)])
    await roll_up_all(database)
    await store(database, [call("late", 86400 + 40_000)])
    await roll_up_all(database)
    async with database.session() as session:
        rows = await session.execute(text("SELECT day, answered FROM queue_days WHERE agent = '8001' ORDER BY day"))
    assert [tuple(row) for row in rows] == [(at(day * 86400 - 3600), 2 if day == 1 else 1) for day in range(3)]


async def test_whoever_was_called_in_served_nobody(database: Database) -> None:
    one = call("1", 10)
    unit = Segment("02886001122", at(40), at(80), 40.0, began="conference")
    await store(database, [replace(one, segments=(*one.segments, unit))])
    by_agent, _ = await sums(database, HOUR, by="agent")
    assert {agent: (found.answered, found.handled, found.talk_microseconds) for agent, found in by_agent.items()} == {
        "8001": (1, 1, 60_000_000)
    }
    whole, _ = await sums(database, HOUR)
    assert [found.talk_microseconds for found in whole.values()] == [60_000_000]


async def test_years_of_scattered_quarters_not_counted_yet_are_reported_on(database: Database) -> None:
    calls = [call(str(number), number * 86_400) for number in range(50)]
    await store(database, calls)
    period = Period(at(0), at(3 * 365 * 86400))
    async with database.session() as session:
        await session.execute(
            text("INSERT INTO rollup_marks (quarter) SELECT generate_series(:since, :until, interval '30 minutes')"),
            {"since": period.since, "until": period.until},
        )
    found, _ = await sums(database, period, by="agent")
    assert found["8001"].answered == len(calls)


async def test_what_was_counted_before_there_were_days_is_added_up(database: Database) -> None:
    states: list[tuple[State, float]] = [("talking", 20), ("wrap_up", 80), ("idle", 90), ("offline", 90_000)]
    calls = [call("1", 10), call("2", 7200, "abandoned", wait=9.0), call("3", 90_000, agents=("8001", "8002"))]
    await store(database, calls, [facts.spells("8001", *states, call_refs=["1"])])
    await roll_up_all(database)
    async with database.session() as session:
        before = await RollupRepository(session).stored(THREE_DAYS, Period(at(-3600), at(72 * 3600)))
        await session.execute(text("DROP TABLE queue_days, agent_days"))
        await session.execute(text("UPDATE alembic_version SET version_num = '0011'"))
    await asyncio.to_thread(upgrade, database.url, "0012")
    async with database.session() as session:
        await session.execute(text("UPDATE alembic_version SET version_num = :newest"), {"newest": head()})
        after = await RollupRepository(session).stored(THREE_DAYS, Period(at(-3600), at(72 * 3600)))
        assert {row[0] for row in after} == {"queue_rollups", "agent_rollups", "queue_days", "agent_days"}
        assert after == before


async def test_hours_and_days_are_the_citys(database: Database) -> None:
    await store(database, [call("1", 10), call("2", 3600 * 15.5)])
    period = Period(at(-9 * 3600), at(24 * 3600))
    by_day, _ = await sums(database, period, by="day")
    assert {key + timedelta(hours=8): found.answered for key, found in by_day.items()} == {
        at(-9 * 3600) + timedelta(hours=8): 1,
        at(15 * 3600) + timedelta(hours=8): 1,
    }
    by_queue, _ = await sums(database, period, by="queue", queue=None)
    assert {key: found.answered for key, found in by_queue.items()} == {"hotline": 2}


async def test_the_command_line_proves_that_history_is_as_it_was_counted(database: Database, tmp_path: Path) -> None:
    await store(database, [call("1", 10), call("2", 1000)])
    await roll_up_all(database)

    async def run() -> tuple[int | None, str]:
        command = ["-m", "api.cli", "metrics", "recompute", "--from", "2026-11-23", "--to", "2026-11-23"]
        environment = {**os.environ, "ZHITONG_DATA": str(tmp_path), "ZHITONG_DATABASE_URL": database.url}
        child = await asyncio.create_subprocess_exec(
            sys.executable, *command, env=environment, stdout=asyncio.subprocess.PIPE
        )
        out, _ = await child.communicate()
        return child.returncode, out.decode()

    assert (await run())[0] == 0
    async with database.session() as session:
        await session.execute(text("DELETE FROM queue_rollups WHERE agent <> ''"))
    status, told = await run()
    assert status == 1
    assert "2026-11-23 09:15 queue_rollups hotline 8001: None →" in told
    assert (await run())[0] == 0
