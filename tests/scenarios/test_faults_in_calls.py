"""One fault after another while calls come and go: who could be served was, and every call is stored once.

Asterisk, the router, PostgreSQL and the telephones are real; after each fault the stored calls are compared with
Asterisk's own records, and no difference may be left.
"""

import asyncio
import os
import random
import signal
import subprocess
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from api.calls.models import CallRow
from api.kit.database import Database
from api.kit.migrate import upgrade
from api.kit.postgres import EmbeddedPostgres
from telephony.ami.connection import AmiConnection
from telephony.asterisk.process import AsteriskProcess
from telephony.records.cel import CEL_FILE
from tests.support.busy import BusyHotline, RouterProcess, hotline_of, temporary_folder
from tests.support.crowd import Agents, agents_on_duty, call_again_and_again
from tests.telephony.ami.cable import Cable

LINES, TALK_SECONDS = 6, 3.0
# Calls go on for so long before a fault and after it.
BEFORE_SECONDS, AFTER_SECONDS = 3.0, 4.5
KILL_SECONDS = 2.5
ASTERISK_LIVES_SECONDS = 10.0
PATIENCE_SECONDS = 12.0

folder = pytest.fixture(temporary_folder)


@dataclass(slots=True)
class Stage:
    """What a fault may lay hands on."""

    hotline: BusyHotline
    postgres: EmbeddedPostgres
    asterisk: AsteriskProcess
    router: RouterProcess
    cable: Cable
    agents: Agents
    dice: random.Random = field(default_factory=lambda: random.Random(12345))  # noqa: S311 - no secret

    async def pause_everybody(self, paused: bool) -> None:
        """By a manager of the test's own, not by the cable."""
        site = self.hotline.site
        async with AmiConnection("127.0.0.1", site.ami_port, site.ami_user, site.ami_secret) as asterisk:
            async with asyncio.timeout(10):
                while not asterisk.connected:
                    await asyncio.sleep(0.02)
            for seat in site.agents:
                interface, state = f"PJSIP/{seat.extension}", str(paused).lower()
                await asterisk.action("QueuePause", Interface=interface, Paused=state, Reason="meeting")


async def the_router_is_killed(stage: Stage, seconds: float) -> None:
    for _ in range(max(1, round(seconds / KILL_SECONDS))):
        await asyncio.to_thread(stage.router.kill)
        await asyncio.sleep(stage.dice.uniform(0, KILL_SECONDS / 2))
        stage.router.start()
        # Perhaps it has not even logged in when it dies again.
        await asyncio.sleep(stage.dice.uniform(0, KILL_SECONDS))


async def the_port_is_cut(stage: Stage, seconds: float) -> None:
    stage.cable.cut()
    await asyncio.sleep(seconds)
    stage.cable.mend()


async def the_records_are_rotated_in_a_gap(stage: Stage, seconds: float) -> None:
    stage.cable.cut()
    await asyncio.sleep(seconds / 2)
    site, install = stage.hotline.site, stage.hotline.install
    config = site.directories.etc / "asterisk.conf"
    command = install.asterisk.command("-C", str(config), "-rx", "logger rotate")
    await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True, env=install.asterisk.env())
    cel = site.directories.log / CEL_FILE
    cel.rename(cel.with_name("cel.csv.1"))
    await asyncio.sleep(seconds / 2)
    stage.cable.mend()


async def the_database_is_stopped(stage: Stage, seconds: float) -> None:
    await asyncio.to_thread(stage.postgres.stop)
    await asyncio.sleep(seconds)
    await asyncio.to_thread(stage.postgres.start)


async def everybody_is_paused(stage: Stage, seconds: float) -> None:
    await stage.pause_everybody(True)
    await asyncio.sleep(seconds)
    await stage.pause_everybody(False)


async def nobody_can_be_reached(stage: Stage, seconds: float) -> None:
    await stage.agents.register(0)
    await asyncio.sleep(seconds)
    await stage.agents.register()


async def asterisk_is_killed(stage: Stage, seconds: float) -> None:
    for _ in range(max(1, round(seconds / ASTERISK_LIVES_SECONDS))):
        assert stage.asterisk.pid is not None
        os.kill(stage.asterisk.pid, signal.SIGKILL)
        stage.asterisk.wait()
        stage.asterisk.start()
        await asyncio.to_thread(stage.asterisk.wait_ready)
        await stage.agents.register()
        await asyncio.sleep(min(seconds, ASTERISK_LIVES_SECONDS))


Fault = Callable[[Stage, float], Awaitable[None]]
# Asterisk goes on and somebody can answer: whoever calls is answered, if only later.
SERVED: dict[Fault, float] = {
    the_router_is_killed: 300,
    the_port_is_cut: 120,
    the_records_are_rotated_in_a_gap: 120,
    the_database_is_stopped: 60,
    everybody_is_paused: 60,
    nobody_can_be_reached: 60,
}


@pytest.fixture
def own_postgres(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path)
    server.start()
    upgrade(server.url)
    yield server
    server.stop()


@asynccontextmanager
async def staged(folder: Path, postgres: EmbeddedPostgres) -> AsyncIterator[Stage]:
    hotline = hotline_of(folder, postgres.url, LINES, TALK_SECONDS)
    async with AsyncExitStack() as stack:
        asterisk = stack.enter_context(AsteriskProcess(hotline.site, hotline.install))
        cable = await stack.enter_async_context(Cable(hotline.site.ami_port))
        router = stack.enter_context(RouterProcess(hotline, cable.port).running())
        await router.listening()
        agents = await stack.enter_async_context(agents_on_duty(hotline.install, hotline.site, hotline.sounds))
        yield Stage(hotline, postgres, asterisk, router, cable, agents)


async def suffer(stage: Stage, faults: dict[Fault, float]) -> tuple[Counter[str], list[CallRow]]:
    """Let calls come and go through these faults, each so many seconds long; give what telephones and database say."""
    began, over = datetime.now(UTC) - timedelta(seconds=5), asyncio.Event()
    hotline = stage.hotline
    calling = asyncio.create_task(
        call_again_and_again(
            hotline.install,
            hotline.site,
            hotline.sounds,
            hotline.callers,
            talk_seconds=TALK_SECONDS,
            over=over,
            # Whom a dead Asterisk has forgotten is answered by nobody.
            hangup_after=PATIENCE_SECONDS if asterisk_is_killed in faults else None,
        )
    )
    for fault, seconds in faults.items():
        await asyncio.sleep(BEFORE_SECONDS)
        await fault(stage, seconds)
    await asyncio.sleep(AFTER_SECONDS)
    over.set()
    seen = await calling
    database = Database(stage.postgres.url, pool_size=2)
    try:
        count = seen["answered"] if asterisk_is_killed not in faults else None
        calls = await hotline.stored(database, began, count)
    finally:
        await database.close()
    print(f"{', '.join(fault.__name__ for fault in faults)}: {len(calls)} calls, {dict(seen)}")  # noqa: T201 - measured
    return seen, calls


def assert_all_were_served(seen: Counter[str], calls: list[CallRow]) -> None:
    assert seen == Counter(answered=len(calls), citizen_hung_up=len(calls))
    assert Counter(call.outcome for call in calls) == Counter(answered=len(calls))


async def test_one_short_fault_after_another(folder: Path, own_postgres: EmbeddedPostgres) -> None:
    faults: dict[Fault, float] = dict.fromkeys(
        (the_router_is_killed, the_records_are_rotated_in_a_gap, the_database_is_stopped), 2.0
    )
    async with staged(folder, own_postgres) as stage:
        assert_all_were_served(*await suffer(stage, faults))


@pytest.mark.soak
@pytest.mark.timeout(900)
@pytest.mark.parametrize("fault", SERVED, ids=lambda fault: fault.__name__)
async def test_a_long_fault(fault: Fault, folder: Path, own_postgres: EmbeddedPostgres) -> None:
    async with staged(folder, own_postgres) as stage:
        assert_all_were_served(*await suffer(stage, {fault: SERVED[fault]}))


@pytest.mark.soak
@pytest.mark.timeout(900)
async def test_asterisk_killed_again_and_again(folder: Path, own_postgres: EmbeddedPostgres) -> None:
    async with staged(folder, own_postgres) as stage:
        _, calls = await suffer(stage, {asterisk_is_killed: 100})
        outcomes = Counter(call.outcome for call in calls)
        assert outcomes.keys() <= {"answered", "failed"}
        # The page begins with the latest: once Asterisk is back, whoever calls is answered.
        assert [call.outcome for call in calls[:LINES]] == ["answered"] * LINES
