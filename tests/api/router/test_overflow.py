"""Pressure on stored calls leads real callers to another desk, by a real router that dies: end to end."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from api.calls import service as calls
from api.calls.repository import CallFilter, CallRepository
from api.enforcement.repository import ActFilter, EnforcementRepository
from api.kit import clock
from api.kit.database import Database
from api.kit.settings import ROOT, load
from api.supervisor.site import asterisk_site
from telephony.asterisk.install import find_or_fetch
from telephony.asterisk.process import AsteriskProcess
from tests.api.enforcement.conftest import answered, waiting
from tests.support.own_asterisk import Hotline, router

PROMISE = """
[[policy]]
name = "test"
zh = "热线"
en = "hotline"
desk = "hotline"
from = 2026-01-01

[[policy.target]]
name = "waiting"
zh = "排队人数"
en = "callers waiting"
metric = "waiting"
window = "now"

[[policy.target.rung]]
act = "overflow"
to = "enterprise"
zh = "溢出"
en = "overflow"
begins_at = 5
ends_at = 1
hold_seconds = 0
cool_down_seconds = 0
"""


async def until_ordered(database: Database, *verbs: str) -> None:
    """Wait until exactly these orders of the act are done."""
    async with asyncio.timeout(40):
        while await _done(database) != sorted(verbs):
            await asyncio.sleep(0.1)


async def _done(database: Database) -> list[str]:
    async with database.session() as session:
        acts = await EnforcementRepository(session).page(ActFilter(), None, 10)
    done = [each for act in acts for each in act.orders if each.command and each.command.state == "done"]
    return sorted(each.verb for each in done)


async def test_pressure_leads_the_next_caller_to_another_desk_also_when_the_router_is_dead_and_its_end_leads_back(
    environment: dict[str, str], folder: Path, database: Database, sound: Path
) -> None:
    (folder / "config/service_levels.toml").write_text(PROMISE, encoding="utf-8")
    site, install = asterisk_site(load(folder / "data")), find_or_fetch(ROOT / ".tools", print)
    hotline = Hotline(site, install, sound)
    # The pressure is another node's, whose calls this router does not touch.
    at = clock.now() - timedelta(seconds=20)
    pressure = [replace(waiting(f"east-1.{number}", at), node="east") for number in range(6)]
    with AsteriskProcess(site, install):
        async with hotline.agent("8001"), hotline.agent("8004"):
            with router(environment, folder):
                assert await hotline.call("13800000001") == "8001"
                async with database.session() as session:
                    await calls.store_calls(session, pressure)
                await until_ordered(database, "overflow")
                assert await hotline.call("13800000002") == "8004"
            assert await hotline.call("13800000003") == "8004", "nobody of ours is alive"
            async with database.session() as session:
                await calls.store_calls(
                    session, [replace(answered(each.call_ref, at, 20), node="east") for each in pressure]
                )
            with router(environment, folder):
                await until_ordered(database, "overflow", "end_overflow")
                assert await hotline.call("13800000004") == "8001"
                booked = await _booked(database)
    assert booked == {
        "13800000001": ("answered", "queue", "hotline", ["hotline"], 1),
        "13800000002": ("answered", "overflow", "hotline", ["enterprise"], 1),
        "13800000003": ("answered", "overflow", "hotline", ["enterprise"], 1),
        "13800000004": ("answered", "queue", "hotline", ["hotline"], 1),
    }


async def _booked(database: Database) -> dict[str | None, tuple[str, str | None, str | None, list[str], int]]:
    async with asyncio.timeout(20):
        while True:
            async with database.session() as session:
                rows = await CallRepository(session).page(CallFilter(node="main"), None, 20)
                found = {
                    row.caller: (row.outcome, row.via, row.queue, [wait.queue for wait in row.waits], len(row.segments))
                    for row in rows
                }
            if len(found) == len(rows) == 4 and all(row.ended_at for row in rows):
                return found
            await asyncio.sleep(0.1)
