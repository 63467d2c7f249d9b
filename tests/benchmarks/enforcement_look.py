# ruff: noqa: T201 - it prints a table
"""What one look at the shipped promises costs, with the abandons of its day to follow, on a million stored calls."""

import asyncio
import shutil
import statistics
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from api.callbacks.following import follow
from api.enforcement.enforcing import Enforcer, enforce
from api.enforcement.load import load_service_levels
from api.enforcement.repository import EnforcementRepository
from api.kit.database import Database
from api.kit.migrate import upgrade
from api.kit.postgres import EmbeddedPostgres

CONFIG = Path(__file__).parents[2] / "config"
CALLS = 1_000_000
A_DAY = 14_000
LOOKS = 30
# The loop looks every 3 s: a look must stay a small part of that.
GOAL_MILLISECONDS = 150.0
FILL = """
INSERT INTO calls (call_ref, caller, queue, outcome, offered_at, answered_at, ended_at, wait_seconds)
SELECT n::text, '138' || lpad((n::bigint * 7919 % 100000000)::text, 8, '0'), 'hotline',
    CASE WHEN n % 20 = 0 THEN 'abandoned' WHEN n <= 12 THEN 'in_progress' ELSE 'answered' END,
    at, CASE WHEN n % 20 <> 0 AND n > 12 THEN at + interval '9 seconds' END,
    CASE WHEN n > 12 OR n % 20 = 0 THEN at + interval '200 seconds' END, 9
FROM (SELECT n, now() - n * interval '1 day' / :a_day - interval '5 seconds' AS at FROM generate_series(1, :calls) AS n)
"""
WAITS = "INSERT INTO call_waits SELECT call_ref, 0, queue, offered_at, coalesce(answered_at, ended_at) FROM calls"


async def measured(url: str) -> list[float]:
    """Return how long each look took, in milliseconds; the first one has three days of abandons to follow."""
    database = Database(url)
    async with database.session() as session:
        await session.execute(text(FILL), {"a_day": A_DAY, "calls": CALLS})
        await session.execute(text(WAITS))
    async with database.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("VACUUM ANALYZE"))
    enforcer = Enforcer(load_service_levels(CONFIG), "Asia/Shanghai", {("hotline", "8004"): 5}, "bench:1")
    took: list[float] = []
    for _ in range(LOOKS):
        started = time.perf_counter()
        async with database.session() as session:
            now = await EnforcementRepository(session).now() + timedelta(seconds=3 * len(took))
            await enforce(session, enforcer, now)
            await follow(session, enforcer.levels, enforcer.timezone, now)
        took.append((time.perf_counter() - started) * 1000)
    await database.close()
    return took


def main() -> int:
    """Print the table; 1 when a look takes too long."""
    directory = Path(tempfile.mkdtemp(prefix="zhitong-bench-"))
    server = EmbeddedPostgres(directory)
    server.start()
    try:
        upgrade(server.url)
        took = asyncio.run(measured(server.url))
    finally:
        server.stop()
        shutil.rmtree(directory, ignore_errors=True)
    median = statistics.median(took)
    met = median <= GOAL_MILLISECONDS
    print(
        f"looks with callbacks to catch up: {', '.join(f'{each:.0f}' for each in took[:5])} ms, longest {max(took):.0f}"
    )
    print(f"a look, median {median:.1f} ms (<= {GOAL_MILLISECONDS:.0f}) {'met' if met else 'MISSED'}")
    return 0 if met else 1


if __name__ == "__main__":
    raise SystemExit(main())
