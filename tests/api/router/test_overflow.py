"""Pressure on stored calls leads real callers to another desk, by a real router that dies: end to end."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from socket import SOCK_DGRAM

import pytest

from api.calls import service as calls
from api.calls.repository import CallFilter, CallRepository
from api.enforcement.repository import ActFilter, EnforcementRepository
from api.kit import clock
from api.kit.database import Database
from api.kit.settings import ROOT, Settings, load
from api.supervisor.site import asterisk_site
from telephony.asterisk.configure import AsteriskSite
from telephony.asterisk.install import AsteriskInstall, find_or_fetch
from telephony.asterisk.process import AsteriskProcess, free_port
from telephony.phones import AgentPhone, place_call
from tests.api.enforcement.conftest import answered, waiting

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


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="zhitong-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def environment(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    config = shutil.copytree(ROOT / "config", folder / "config")
    (config / "service_levels.toml").write_text(PROMISE, encoding="utf-8")
    # Nobody writes a record of these calls: an agent is not kept from the next one.
    routing = (config / "routing.toml").read_text(encoding="utf-8")
    routing = routing.replace("guard_seconds = 3", "guard_seconds = 0").replace(
        "limit_seconds = 90.0", "limit_seconds = 0.01"
    )
    (config / "routing.toml").write_text(routing, encoding="utf-8")
    mine = {
        "ZHITONG_DATA": str(folder / "data"),
        "ZHITONG_CONFIG": str(config),
        "ZHITONG_DATABASE_URL": database_url,
        "ZHITONG_SIP__PORT": str(free_port(SOCK_DGRAM)),
        "ZHITONG_SIP__RTP_FIRST_PORT": "23100",
        "ZHITONG_SIP__RTP_LAST_PORT": "23200",
        "ZHITONG_AMI__PORT": str(free_port()),
    }
    for name, value in mine.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **mine}


@contextmanager
def router(environment: dict[str, str], folder: Path) -> Iterator[None]:
    """A router process; leaving kills it with -9."""
    with (folder / "router.log").open("ab") as out:
        process = subprocess.Popen([sys.executable, "-m", "api.cli", "router"], env=environment, stdout=out, stderr=out)
    try:
        yield
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


class Hotline:
    """The running Asterisk, and the calls placed to it."""

    def __init__(self, site: AsteriskSite, install: AsteriskInstall, database: Database, sound: Path) -> None:
        self.site, self.install, self.database, self.sound = site, install, database, sound

    def agent(self, extension: str) -> AgentPhone:
        seat = next(seat for seat in self.site.agents if seat.extension == extension)
        return AgentPhone(self.install, self.site, seat, answer_after=0.1)

    async def call(self, caller: str) -> str:
        """Place a call; returns who answered it."""
        recordings = self.site.directories.recordings
        before = set(recordings.glob("*.done"))
        async with asyncio.timeout(40):
            assert (await place_call(self.install, self.site, self.sound, caller=caller)).answered
            while not (new := set(recordings.glob("*.done")) - before):
                await asyncio.sleep(0.02)
        return new.pop().name.split("--")[1]

    async def until_ordered(self, *verbs: str) -> None:
        """Wait until exactly these orders of the act are done."""
        async with asyncio.timeout(40):
            while await self._done() != sorted(verbs):
                await asyncio.sleep(0.1)

    async def _done(self) -> list[str]:
        async with self.database.session() as session:
            acts = await EnforcementRepository(session).page(ActFilter(), None, 10)
        done = [each for act in acts for each in act.orders if each.command and each.command.state == "done"]
        return sorted(each.verb for each in done)


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000))
    return path


async def test_pressure_leads_the_next_caller_to_another_desk_also_when_the_router_is_dead_and_its_end_leads_back(
    environment: dict[str, str], folder: Path, database: Database, sound: Path
) -> None:
    settings: Settings = load(folder / "data")
    site, install = asterisk_site(settings), find_or_fetch(ROOT / ".tools", print)
    hotline = Hotline(site, install, database, sound)
    # The pressure is another node's, whose calls this router does not touch.
    at = clock.now() - timedelta(seconds=20)
    pressure = [replace(waiting(f"east-1.{number}", at), node="east") for number in range(6)]
    with AsteriskProcess(site, install):
        async with hotline.agent("8001"), hotline.agent("8004"):
            with router(environment, folder):
                assert await hotline.call("13800000001") == "8001"
                async with database.session() as session:
                    await calls.store_calls(session, pressure)
                await hotline.until_ordered("overflow")
                assert await hotline.call("13800000002") == "8004"
            assert await hotline.call("13800000003") == "8004", "nobody of ours is alive"
            async with database.session() as session:
                await calls.store_calls(
                    session, [replace(answered(each.call_ref, at, 20), node="east") for each in pressure]
                )
            with router(environment, folder):
                await hotline.until_ordered("overflow", "end_overflow")
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
