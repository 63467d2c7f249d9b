"""Asterisk killed while one citizen talks and one waits, its records rotated meanwhile: all of it is made good.

A real Asterisk, real calls, a real database, the router's own class; the router is not there while it happens.
"""

import asyncio
import os
import shutil
import signal
import subprocess
import tempfile
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from socket import SOCK_DGRAM

import pytest

from api.calls.repository import CallFilter, CallRepository
from api.kit.database import Database
from api.kit.settings import ROOT, AmiSettings, Settings, SipSettings, load
from api.reconciliations.repository import ReconciliationRepository
from api.reconciliations.service import reconcile, source_of
from api.router.router import Router
from api.supervisor.site import asterisk_site
from telephony.ami.connection import AmiConnection
from telephony.asterisk.configure import AsteriskSite
from telephony.asterisk.install import AsteriskInstall, find_or_fetch
from telephony.asterisk.process import AsteriskProcess, free_port
from telephony.calls.reducer import WANTED_EVENTS
from telephony.phones import AgentPhone, place_call
from telephony.records.cel import CEL_FILE
from telephony.records.queue_log import QUEUE_LOG_FILE

BEGAN = datetime.now(UTC) - timedelta(minutes=5)
WITHIN_SECONDS = 20


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="zhitong-test-"))
    folder.chmod(0o755)  # Asterisk itself runs as an account without rights
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def settings(folder: Path, database_url: str) -> Settings:
    ports = {
        "sip": SipSettings(port=free_port(SOCK_DGRAM), rtp_first_port=23000, rtp_last_port=23100),
        "ami": AmiSettings(port=free_port()),
    }
    return load(folder / "data").model_copy(update={"database_url": database_url, **ports})


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000 * 30))
    return path


@asynccontextmanager
async def running(settings: Settings, site: AsteriskSite, database: Database) -> AsyncIterator[Router]:
    """The router, as `zhitong router` runs it; leaving kills it: what it holds and has not stored is lost."""
    asterisk = AmiConnection("127.0.0.1", site.ami_port, site.ami_user, site.ami_secret, wanted=WANTED_EVENTS)
    async with asterisk:
        router = Router(settings, database, asterisk)
        tasks = [asyncio.create_task(each) for each in (router.run(), router.store.run(), router.reconciler.run())]
        try:
            yield router
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def stored(database: Database) -> dict[str | None, tuple[str, int]]:
    """What is stored: caller → (outcome, segments); a caller stored twice fails."""
    async with database.session() as session:
        rows = await CallRepository(session).page(CallFilter(since=BEGAN), None, 100)
    assert len({row.caller for row in rows}) == len(rows), "a call is stored twice"
    return {row.caller: (row.outcome, len(row.segments)) for row in rows}


async def until_stored(database: Database, expected: dict[str | None, tuple[str, int]]) -> None:
    async with asyncio.timeout(WITHIN_SECONDS):
        while (seen := await stored(database)) != expected:
            await asyncio.sleep(0.05)
    assert seen == expected


def rotate(install: AsteriskInstall, site: AsteriskSite) -> None:
    """Rotate queue_log as Asterisk does, and cel.csv as logrotate does: by renaming, with nobody told."""
    config = site.directories.etc / "asterisk.conf"
    command = install.asterisk.command("-C", str(config), "-rx", "logger rotate")
    subprocess.run(command, check=True, capture_output=True, env=install.asterisk.env())
    cel = site.directories.log / CEL_FILE
    cel.rename(cel.with_name("cel.csv.1"))
    log = site.directories.log
    assert [part for part in log.iterdir() if part.name.startswith(f"{QUEUE_LOG_FILE}.")]


async def test_asterisk_killed_and_its_records_rotated_while_no_router_looks(
    settings: Settings, database: Database, sound: Path
) -> None:
    site, install = asterisk_site(settings), find_or_fetch(ROOT / ".tools", print)
    seat = next(seat for seat in site.agents if seat.extension == "8001")
    talks, waits, later = "13800000001", "13800000002", "13800000003"

    async def call(caller: str, hangup_after: float | None = None) -> None:
        await place_call(install, site, sound, caller=caller, hangup_after=hangup_after)

    with AsteriskProcess(site, install) as asterisk:
        async with AgentPhone(install, site, seat, answer_after=0.1):
            async with running(settings, site, database):
                calling = [asyncio.create_task(call(talks))]
                await until_stored(database, {talks: ("in_progress", 1)})
            # The gap: nobody listens.
            calling.append(asyncio.create_task(call(waits)))
            async with asyncio.timeout(WITHIN_SECONDS):
                queue_log = site.directories.log / QUEUE_LOG_FILE
                while f"ENTERQUEUE||{waits}" not in queue_log.read_text():
                    await asyncio.sleep(0.05)
            rotate(install, site)
            assert asterisk.pid is not None
            os.kill(asterisk.pid, signal.SIGKILL)
            asterisk.wait()
            for task in calling:
                task.cancel()
            await asyncio.gather(*calling, return_exceptions=True)
            asterisk.start()
            await asyncio.to_thread(asterisk.wait_ready)
        async with AgentPhone(install, site, seat, answer_after=0.1):
            await call(later, hangup_after=2)
        async with running(settings, site, database) as router:
            ended: dict[str | None, tuple[str, int]] = {
                talks: ("answered", 1),
                waits: ("failed", 0),
                later: ("answered", 1),
            }
            await until_stored(database, ended)
            await until_reconciled(database, router)
        found = await reconcile(database, source_of(settings), BEGAN, datetime.now(UTC), cause="asked", repair=False)
    assert [each.to_json() for each in found.differences] == []
    assert found.calls == found.in_records["cel"] == 3


async def until_reconciled(database: Database, router: Router) -> None:
    """Wait until the router itself has compared the range of the gap, and found it good."""
    assert router.pulse().detail is not None
    async with asyncio.timeout(WITHIN_SECONDS + 20):
        while True:
            async with database.session() as session:
                rows = await ReconciliationRepository(session).page(None, 10)
            if found := [row for row in rows if row.cause == "resync" and row.calls == 3]:
                break
            await asyncio.sleep(0.1)
    assert [row.differences for row in found] == [[]]
    assert [row.cause for row in rows if row.cause == "nightly"] == ["nightly"], "the night before is owed, once"
