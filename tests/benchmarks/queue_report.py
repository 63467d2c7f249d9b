"""`python -m tests.benchmarks.queue_report`: a year's report on ten million calls, against reading its rollups.

Fills a database of its own by SQL: the calls of a year, segments and waits in its first and last days (where the
period's edges are read from them), what 105 agents did, and every quarter and day counted by the program's own
statements. The floor, in the same run, is a bare sum over the rollup rows of the same year. The live figures of the
year's last evening are told beside.
"""
# ruff: noqa: T201, S608 - a benchmark prints, and its SQL is made of its own constants

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
from sqlalchemy import text

from api.kit.database import Database
from api.kit.migrate import upgrade
from api.kit.postgres import EmbeddedPostgres
from api.queues.formulas import Limits
from api.queues.live import live_figures
from api.queues.period import By, Period
from api.queues.repository import RollupRepository
from api.queues.service import report

BEGIN, END = datetime(2025, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, tzinfo=UTC)
# Both ends lie within a quarter: they are counted call by call.
YEAR = Period(BEGIN + timedelta(minutes=7), END - timedelta(minutes=7))
STEP = timedelta(days=14)
GOAL_SECONDS = 0.3
ROUNDS = 5
ZONE = "Asia/Shanghai"

# About 35 of 105 agents in each of three shifts.
CALLS = """
INSERT INTO calls (call_ref, caller, queue, outcome, via, offered_at, answered_at, ended_at, wait_seconds, agent)
SELECT number::text, '13800000000', 'hotline',
    CASE WHEN number % 25 = 0 THEN 'abandoned' WHEN number % 60 = 1 THEN 'short_abandoned' ELSE 'answered' END, 'queue',
    offered, CASE WHEN answered THEN offered + wait * interval '1 second' END,
    offered + (wait + 180) * interval '1 second', wait,
    CASE WHEN answered THEN (8000 + number % 35 + 35 * shift)::text END
FROM (
    SELECT *, extract(hour FROM offered AT TIME ZONE 'UTC')::int / 8 AS shift
    FROM (
        SELECT number, number % 97 * 0.3 AS wait, number % 25 <> 0 AND number % 60 <> 1 AS answered,
            timestamptz '{begin}' + (number::float8 / {calls}) * interval '365 days' AS offered
        FROM generate_series(0, {calls} - 1) number
    ) one
) made
"""
EDGES = "(offered_at < timestamptz '{begin}' + interval '1 day' OR offered_at > timestamptz '{end}' - interval '1 day')"
SEGMENTS = f"""
INSERT INTO call_segments (call_ref, ordinal, agent, started_at, ended_at, talk_seconds)
SELECT call_ref, 0, agent, answered_at, ended_at, 180 FROM calls WHERE answered_at IS NOT NULL AND {EDGES}
"""
WAITS = f"""
INSERT INTO call_waits (call_ref, ordinal, queue, joined_at, left_at, ended)
SELECT call_ref, 0, queue, offered_at, offered_at + wait_seconds * interval '1 second', 'unknown'
FROM calls WHERE {EDGES}
"""
# All agents of a shift talk for 12 minutes of each quarter, and idle for 3.
SPELLS = """
INSERT INTO agent_spells (node, agent, state, started_at, ended_at)
SELECT 'main', (8000 + seat)::text, state, quarter + begins, quarter + ends
FROM generate_series(0, 104) seat
CROSS JOIN generate_series(timestamptz '{begin}', timestamptz '{end}' - interval '15 minutes', '15 minutes') quarter
CROSS JOIN (VALUES
    ('talking', interval '0', interval '12 minutes'), ('idle', interval '12 minutes', interval '15 minutes')
) state(state, begins, ends)
WHERE extract(hour FROM quarter AT TIME ZONE 'UTC')::int / 8 = seat / 35
"""
FLOOR = """
SELECT sum(waiting), sum(answered), sum(abandoned), sum(short_abandoned), sum(failed), sum(queued), sum(queued_waiting),
    sum(queued_abandoned), sum(queued_short_abandoned), sum(answered_within[3]), sum(answered_wait_microseconds),
    sum(unanswered_wait_microseconds), max(longest_wait_microseconds), sum(handled), sum(talk_microseconds),
    sum(wrap_up_microseconds)
FROM queue_rollups WHERE queue = 'hotline' AND agent = '' AND quarter >= :since AND quarter < :until
"""


def fill(url: str, calls: int) -> None:
    """Write the calls without indexes and triggers, which come when all rows are there (PostgreSQL manual, 14.4)."""
    given = {"begin": BEGIN.isoformat(), "end": END.isoformat(), "calls": calls}
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET maintenance_work_mem = '512MB'")
        connection.execute("ALTER TABLE calls DROP CONSTRAINT pk_calls CASCADE")
        for index in ("ix_calls_offered_at_call_ref", "ix_calls_sip_call_id", "ix_calls_agent"):
            connection.execute(f"DROP INDEX {index}")
        connection.execute(CALLS.format(**given))
        connection.execute("ALTER TABLE calls ADD CONSTRAINT pk_calls PRIMARY KEY (call_ref)")
        connection.execute("CREATE INDEX ix_calls_offered_at_call_ref ON calls (offered_at, call_ref)")
        for parts in (SEGMENTS, WAITS, SPELLS):
            connection.execute(parts.format(**given))
        connection.execute("VACUUM ANALYZE")


async def count_quarters(database: Database) -> None:
    """Count every quarter of the year, two weeks in a transaction."""
    start = BEGIN
    while start < END:
        async with database.session() as session:
            await RollupRepository(session).count_anew([Period(start, min(start + STEP, END))])
        start += STEP


async def seconds_of(work: Callable[[], Awaitable[object]]) -> float:
    """Return the best of several rounds."""
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await work()
        best = min(best, time.perf_counter() - began)
    return best


async def measure(database: Database, calls: int) -> bool:
    """Print the floor and the reports; says whether the goal was met."""

    async def floor() -> None:
        async with database.session() as session:
            await session.execute(text(FLOOR), {"since": YEAR.since, "until": YEAR.until})

    def a_year(by: By | None) -> Callable[[], Awaitable[None]]:
        async def ask() -> None:
            async with database.session() as session:
                await report(session, "hotline", YEAR, END, Limits(), by=by, timezone=ZONE)

        return ask

    least = await seconds_of(floor)
    print(f"  bare sum of the year's rollup rows   {least * 1000:7.1f} ms")
    met = True
    divisions: tuple[tuple[By | None, str], ...] = ((None, "as a whole"), ("day", "by day"), ("agent", "by agent"))
    for by, name in divisions:
        taken = await seconds_of(a_year(by))
        reached = taken <= GOAL_SECONDS
        met = met and reached
        verdict = "met" if reached else "MISSED"
        print(
            f"  a year's report {name:<13} {taken * 1000:7.1f} ms, {taken / least:.1f} of the floor; "
            f"goal ≤ {GOAL_SECONDS * 1000:.0f} ms: {verdict}"
        )

    async def now() -> None:
        async with database.session() as session:
            await live_figures(session, "hotline", YEAR.until, timezone=ZONE)

    print(f"  live figures, {(await seconds_of(now)) * 1000:.1f} ms, of a day of {calls // 365:,} calls")
    return met


async def run(url: str, calls: int) -> bool:
    """Fill and measure one database."""
    began = time.perf_counter()
    await asyncio.to_thread(fill, url, calls)
    written = time.perf_counter()
    database = Database(url, pool_size=1)
    try:
        await count_quarters(database)
        async with database.session() as session:
            rows = await session.scalar(text("SELECT count(*) FROM queue_rollups"))
            size = await session.scalar(text("SELECT pg_database_size(current_database())"))
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        counted = time.perf_counter()
        print(
            f"{calls:,} calls, {rows:,} rollup rows, {(size or 0) / 1e9:.1f} GB; written in {written - began:.0f} s, "
            f"counted in {counted - written:.0f} s"
        )
        return await measure(database, calls)
    finally:
        await database.close()


def main() -> int:
    """Run in a directory that is removed afterwards."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=10_000_000)
    calls = parser.parse_args().calls
    directory = Path(tempfile.mkdtemp(prefix="zhitong-bench-"))
    server = EmbeddedPostgres(directory)
    server.start()
    try:
        with psycopg.connect(server.url, autocommit=True) as connection:
            # Only its own figures are at stake; how fast the disk is, is not the question.
            for setting in ("fsync = off", "max_wal_size = '8GB'", "wal_level = minimal", "max_wal_senders = 0"):
                connection.execute(f"ALTER SYSTEM SET {setting}")
        server.stop()
        server.start()
        upgrade(server.url)
        return 0 if asyncio.run(run(server.url, calls)) else 1
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
