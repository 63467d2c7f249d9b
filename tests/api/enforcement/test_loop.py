"""The loop: reads the file again, waits for the database, never looks beside another one."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest

from api.calls import service as calls
from api.enforcement.loop import Enforcement
from api.enforcement.repository import ActFilter, EnforcementRepository
from api.kit import clock
from api.kit.database import Database
from tests.api.enforcement.conftest import FILE, waiting

IMPATIENT = FILE.replace("hold_seconds = 5", "hold_seconds = 0").replace("until = 2026-12-01\n", "")


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "service_levels.toml").write_text(IMPATIENT, encoding="utf-8")
    return tmp_path


@pytest.fixture
async def pressed(database: Database) -> Database:
    """Six callers wait."""
    async with database.session() as session:
        at = clock.now() - timedelta(seconds=20)
        await calls.store_calls(session, [waiting(f"1.{number}", at) for number in range(6)])
    return database


def loop_of(database: Database, config: Path) -> Enforcement:
    return Enforcement(database, config, "Asia/Shanghai", {("hotline", "8003"): 5, ("hotline", "8004"): 5})


async def _acts(database: Database) -> list[str]:
    async with database.session() as session:
        return [each.act for each in await EnforcementRepository(session).page(ActFilter(), None, 10)][::-1]


async def test_it_looks_by_the_databases_clock(pressed: Database, config: Path) -> None:
    await loop_of(pressed, config).look()
    assert await _acts(pressed) == ["warn_wall"]


async def test_while_another_process_looks_it_does_not(pressed: Database, config: Path) -> None:
    async with pressed.session() as other:
        assert await EnforcementRepository(other).lock()
        await loop_of(pressed, config).look()
    assert await _acts(pressed) == []


async def test_two_loops_at_once_act_once(pressed: Database, config: Path) -> None:
    loops = [loop_of(pressed, config) for _ in range(3)]
    for _ in range(4):
        await asyncio.gather(*(loop.look() for loop in loops))
    assert await _acts(pressed) == ["warn_wall", "call_reserve"]


async def test_a_slip_of_the_pen_ends_nothing_and_is_told_until_it_is_corrected(
    pressed: Database, config: Path
) -> None:
    loop = loop_of(pressed, config)
    file = config / "service_levels.toml"
    await loop.look()
    file.write_text(IMPATIENT.replace("ends_at = 1", "ends_at = 9"), encoding="utf-8")
    os.utime(file, (1, 1))
    await loop.look()
    assert await _acts(pressed) == ["warn_wall", "call_reserve"], "the promises that held go on"
    assert "ends_at 9 must lie below begins_at 3" in str(loop.pulse().detail)
    file.write_text(IMPATIENT.replace("hotline-2026", "x"), encoding="utf-8")
    await loop.look()
    assert loop.pulse().detail == "服务水平 promises: test"


async def test_a_database_that_is_away_is_waited_for(config: Path) -> None:
    away = Database("postgresql://zhitong@127.0.0.1:1/zhitong", pool_size=1)
    loop = loop_of(away, config)
    running = asyncio.create_task(loop.run())
    async with asyncio.timeout(20):
        while "refused" not in str(loop.pulse().detail):
            await asyncio.sleep(0.02)
    assert not running.done()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await away.close()
