"""Two routers of one node: one writes, the other waits and takes over, never two at once."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.kit.database import Database
from api.router.lease import Lease, LeaseLostError

TAKEOVER_SECONDS = 5.0
# The main node's lock alone: what watches over promises holds another for a moment.
HOLDERS = """
    SELECT activity.pid FROM pg_locks JOIN pg_stat_activity AS activity USING (pid)
    WHERE locktype = 'advisory' AND granted AND datname = current_database()
    AND (classid::bigint << 32) | objid::bigint = hashtextextended('zhitong router main', 0)
"""
END_HOLDERS = HOLDERS.replace("activity.pid", "pg_terminate_backend(activity.pid)", 1)


async def until(look: Callable[[], object], what: str, seconds: float = TAKEOVER_SECONDS) -> float:
    """Wait until something is so; give how long it took."""
    started = time.monotonic()
    while not look():
        assert time.monotonic() - started < seconds, what
        await asyncio.sleep(0.02)
    return time.monotonic() - started


@asynccontextmanager
async def leases(url: str, *nodes: str) -> AsyncIterator[list[Lease]]:
    made = [Lease(url, node) for node in nodes]
    try:
        yield made
    finally:
        for lease in made:
            await lease.release()


def end_sessions(url: str) -> int:
    """Let PostgreSQL end the session of whoever holds the lock, as an administrator or a failover would."""
    with psycopg.connect(url, autocommit=True) as connection:
        return len(connection.execute(END_HOLDERS).fetchall())


async def test_the_second_waits_until_the_first_gives_way(database_url: str) -> None:
    async with leases(database_url, "main", "main") as (first, second):
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        await asyncio.sleep(1.2)
        assert not waiting.done()
        await first.release()
        await until(waiting.done, "the second takes over")
        assert second.held


async def test_routers_of_two_nodes_work_side_by_side(database_url: str) -> None:
    async with leases(database_url, "north", "south") as (north, south), asyncio.timeout(5):
        await north.acquire()
        await south.acquire()


async def test_who_lost_the_session_writes_nothing_more(database: Database) -> None:
    async with leases(database.url, "main", "main") as (first, second):
        await first.acquire()
        waiting = asyncio.create_task(second.acquire())
        async with first.session() as session:
            await session.execute(text("CREATE TABLE written (by text)"))

        async def write_while_the_lock_is_lost() -> None:
            async with first.session() as session:
                await session.execute(text("INSERT INTO written VALUES ('first, too late')"))
                assert end_sessions(database.url) == 1
                await until(waiting.done, "the second takes over")

        with pytest.raises(DBAPIError):
            await write_while_the_lock_is_lost()
        async with second.session() as session:
            await session.execute(text("INSERT INTO written VALUES ('second')"))
        with pytest.raises(LeaseLostError):
            async with first.session() as session:
                await session.execute(text("INSERT INTO written VALUES ('first again')"))
        async with database.session() as session:
            assert list(await session.scalars(text("SELECT by FROM written"))) == ["second"]


async def test_alone_a_lost_session_is_opened_again(database_url: str) -> None:
    async with leases(database_url, "main") as [lease]:
        await lease.acquire()
        end_sessions(database_url)
        with pytest.raises(DBAPIError):
            async with lease.session() as session:
                await session.execute(text("SELECT 1"))
        async with lease.session() as session:
            assert await session.scalar(text("SELECT 1")) == 1


async def test_an_error_of_ours_does_not_cost_the_lock(database_url: str) -> None:
    async with leases(database_url, "main") as [lease]:
        await lease.acquire()
        with pytest.raises(DBAPIError):
            async with lease.session() as session:
                await session.execute(text("SELECT 1 / 0"))
        assert lease.held


@pytest.mark.usefixtures("database")
async def test_a_router_that_is_killed_or_loses_its_session_is_replaced_within_seconds(
    database_url: str, tmp_path: Path
) -> None:
    environment = {**os.environ, "ZHITONG_DATA": str(tmp_path), "ZHITONG_DATABASE_URL": database_url}
    environment["ZHITONG_AMI__PORT"] = "1"  # no Asterisk: whose turn it is does not depend on it
    routers: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        router = subprocess.Popen(
            [sys.executable, "-m", "api.cli", "router"], env=environment, stderr=subprocess.DEVNULL
        )
        routers.append(router)
        return router

    with psycopg.connect(database_url, autocommit=True) as connection:

        def holders() -> list[int]:
            return [pid for (pid,) in connection.execute(HOLDERS).fetchall()]

        def states() -> set[tuple[int, bool]]:
            return set(connection.execute("SELECT pid, standby FROM heartbeats WHERE process = 'router'").fetchall())

        try:
            first = start()
            await until(holders, "the first holds the lock", 20)
            [held_by] = holders()
            second = start()
            await until(lambda: states() >= {(first.pid, False), (second.pid, True)}, "the second stands by", 20)
            end_sessions(database_url)
            took = await until(lambda: holders() not in ([], [held_by]), "one of them takes over")
            print(f"took over {took:.2f} s after the session was ended")  # noqa: T201 - the measurement
            turned = {(first.pid, True), (second.pid, False)}
            await until(lambda: states() >= turned, "the second is at work, and the first stands by", 10)

            [held_by] = holders()
            second.send_signal(signal.SIGKILL)
            took = await until(lambda: holders() not in ([], [held_by]), "the first takes over")
            print(f"took over {took:.2f} s after kill -9")  # noqa: T201 - the measurement
            await until(lambda: (first.pid, False) in states(), "the first says that it is at work")
            assert len(holders()) == 1
        finally:
            for router in routers:
                router.terminate()
                router.wait(10)
