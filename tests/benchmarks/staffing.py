# ruff: noqa: T201 - it prints a table
"""What planning a city's week costs, and how near the forecast comes to a city whose truth is known.

The database holds 15 weeks of such a city, counted by the program's own statements; the arrivals' floor, in the same
run, is a bare count of the calls by quarter.
"""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import psycopg
from sqlalchemy import text

from api.kit.database import Database
from api.kit.migrate import upgrade
from api.kit.postgres import EmbeddedPostgres
from api.kit.settings import ROOT, load
from api.queues.period import Period
from api.queues.repository import RollupRepository
from api.staffing.backtest import backtest
from api.staffing.days import day_of
from api.staffing.erlang import Load, Targets, agents_needed
from api.staffing.forecast import History, learn
from api.staffing.plan import quarters
from api.staffing.policy import load_policy
from api.staffing.repository import StaffingRepository
from api.staffing.service import Question, make_plan
from api.staffing.workload import Workload
from tests.api.staffing.cities import City

MONDAY = date(2026, 9, 14)
MOST_SECONDS = 2.0
SEEDS = 10
ZONE = ZoneInfo("Asia/Shanghai")

# Of ten callers one hangs up; the others talk for three minutes, and their agents write for half a minute.
CALLS = """
INSERT INTO calls (call_ref, caller, queue, outcome, via, offered_at, answered_at, ended_at, wait_seconds,
    talk_seconds, agent)
SELECT number::text, '13800000000', 'hotline', CASE WHEN number % 10 = 0 THEN 'abandoned' ELSE 'answered' END, 'queue',
    offered, CASE WHEN number % 10 > 0 THEN offered + interval '9 seconds' END, offered + interval '189 seconds', 9,
    CASE WHEN number % 10 > 0 THEN 180 ELSE 0 END, CASE WHEN number % 10 > 0 THEN (8000 + number % 400)::text END
FROM (
    SELECT row_number() OVER () AS number, quarter + place * interval '900 seconds' / calls AS offered
    FROM made CROSS JOIN LATERAL generate_series(0, calls - 1) place
) one
"""
PARTS = (
    """
    INSERT INTO call_segments (call_ref, ordinal, agent, started_at, ended_at, talk_seconds)
    SELECT call_ref, 0, agent, answered_at, ended_at, 180 FROM calls WHERE answered_at IS NOT NULL
    """,
    """
    INSERT INTO call_offers (call_ref, ordinal, agent, rang_at, ended_at, result)
    SELECT call_ref, 0, agent, offered_at + interval '5 seconds', answered_at, 'answered'
    FROM calls WHERE answered_at IS NOT NULL
    """,
    """
    INSERT INTO agent_spells (node, agent, state, call_ref, started_at, ended_at)
    SELECT 'main', agent, 'talking', call_ref, answered_at, ended_at FROM calls WHERE answered_at IS NOT NULL
    UNION ALL
    SELECT 'main', agent, 'wrap_up', NULL, ended_at, ended_at + interval '30 seconds'
    FROM calls WHERE answered_at IS NOT NULL
    ON CONFLICT DO NOTHING
    """,
)
FLOOR = """
SELECT date_bin('15 minutes', offered_at, 'epoch'::timestamptz), count(*) FROM calls
WHERE offered_at >= :since AND offered_at < :until AND queue = 'hotline' GROUP BY 1
"""


def seconds(work: Callable[[], object]) -> float:
    """Return the CPU seconds of the best of three runs."""
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZONE)


def fill(url: str, history: History) -> None:
    """Write the city's calls, segments, rings and agents' spells."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET session_replication_role = replica")
        connection.execute("CREATE TEMP TABLE made (quarter timestamptz, calls integer)")
        with connection.cursor().copy("COPY made FROM STDIN") as copy:
            for day, counts in history.items():
                for quarter, calls in enumerate(counts):
                    copy.write_row((_midnight(day) + timedelta(minutes=15 * quarter), calls))
        for statement in (CALLS, *PARTS):
            connection.execute(statement)
        connection.execute("VACUUM ANALYZE")


async def measure(url: str, history: History, directory: Path) -> None:
    """Count the quarters and print how long a plan takes."""
    database = Database(url, pool_size=1)
    first, last = _midnight(min(history)), _midnight(MONDAY)

    async def best(work: Callable[[], Awaitable[object]]) -> float:
        found = float("inf")
        for _ in range(3):
            began = time.perf_counter()
            await work()
            found = min(found, time.perf_counter() - began)
        return found

    async def bare() -> None:
        async with database.session() as session:
            (await session.execute(text(FLOOR), {"since": first, "until": last})).all()

    async def arrivals() -> None:
        async with database.session() as session:
            await StaffingRepository(session).calls_by_quarter("hotline", first, last)

    async def plan() -> None:
        question = Question("hotline", MONDAY - timedelta(days=7), MONDAY - timedelta(days=1), last)
        async with database.session() as session:
            await make_plan(session, question, load(directory), load_policy(ROOT / "config"))

    try:
        start = first
        while start < last:
            async with database.session() as session:
                await RollupRepository(session).count_anew([Period(start, min(start + timedelta(days=14), last))])
            start += timedelta(days=14)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("VACUUM ANALYZE")
        least, counted, whole = await best(bare), await best(arrivals), await best(plan)
    finally:
        await database.close()
    calls = sum(map(sum, history.values()))
    print(f"arrivals of {len(history)} days, {calls:,} calls: counted from the calls {least * 1000:.0f} ms,")
    print(
        f"  from the rollups {counted * 1000:.0f} ms, {counted / least:.2f} of that; a past week's plan {whole:.2f} s"
    )


def print_database(history: History) -> None:
    """Measure in a directory that is removed afterwards."""
    directory = Path(tempfile.mkdtemp(prefix="zhitong-bench-"))
    server = EmbeddedPostgres(directory)
    server.start()
    try:
        upgrade(server.url)
        fill(server.url, history)
        asyncio.run(measure(server.url, history, directory))
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)


def main() -> None:
    """Print the tables."""
    policy = load_policy(ROOT / "config")
    history = City().history(MONDAY)
    pattern = learn(history)
    days = [pattern.forecast(day_of(MONDAY + timedelta(days=number))) for number in range(7)]
    work = Workload((240.0,) * 24, 120.0, 3.0, ())
    learning = seconds(lambda: backtest(history, 0.8))
    staffing = seconds(lambda: quarters(days, None, work, policy, 5.0, ZoneInfo("Asia/Shanghai")))
    whole = learning + staffing
    verdict = "met" if whole <= MOST_SECONDS else "MISSED"
    print(f"a week of 14,000 calls a day, CPU s: learn and test {learning:.2f}, staff 672 quarters {staffing:.2f}")
    print(f"  a week is planned in {whole:.2f} s (goal {MOST_SECONDS:g}) {verdict}")
    print_database(history)
    print("agents for 80/15 and 5 % abandoned, CPU ms")
    for erlangs in (10, 93, 1000, 15_000):
        load = Load(erlangs / 240, 240, 120)
        targets = Targets(0.8, 15, 5, 0.05)
        spent = seconds(lambda load=load, targets=targets: agents_needed(load, targets))  # type: ignore[misc]
        print(f"  {erlangs:6} erlangs  {agents_needed(load, targets):6} agents  {spent * 1000:6.2f}")
    print(f"quarters forecast a week ahead against the truth behind chance, mean of {SEEDS} histories")
    for calls in (14_000, 1400, 200):
        city, missed = City(calls=calls), []
        for seed in range(SEEDS):
            found = learn(city.history(MONDAY, seed=seed))
            ahead = [day_of(MONDAY + timedelta(days=number)) for number in range(7)]
            truth = np.array([city.expected(day.date) for day in ahead])
            missed.append(abs(np.array([found.forecast(day).calls for day in ahead]) - truth).sum() / truth.sum())
        print(f"  {calls:6} calls a day  WAPE {np.mean(missed):.1%}")


if __name__ == "__main__":
    main()
