"""A hotline that many telephones call: a real Asterisk, a real router process, a real database."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from api.calls.models import CallRow
from api.calls.repository import CallFilter, CallRepository
from api.kit.database import Database
from api.kit.settings import Settings, SipSettings
from api.reconciliations.service import reconcile, source_of
from api.simulation.stage import settle
from api.supervisor.site import asterisk_site
from telephony.asterisk.configure import AsteriskSite
from telephony.asterisk.install import AsteriskInstall, find_or_fetch
from telephony.asterisk.process import free_port
from telephony.phones.audio import alaw_file
from tests.telephony.conftest import ROOT, Signal, noise

FIRST_AGENT = 8101
FIRST_CALLER = 13_700_000_000
# Of so many agents one is free, or wraps up her last call.
SPARE = 5
SETTLE_SECONDS = 90


@dataclass(frozen=True, slots=True)
class BusyHotline:
    """A hotline with more agents than lines, and what each of them and each citizen plays."""

    settings: Settings
    site: AsteriskSite
    install: AsteriskInstall
    environment: dict[str, str]
    sounds: Path
    said: dict[str, Signal]
    callers: tuple[str, ...]

    async def stored(self, database: Database, began: datetime, count: int | None = None) -> list[CallRow]:
        """Wait until so many calls are stored and ended; Asterisk's own records say the same, to the last difference.

        A call stored twice, one too many or one that is missing fails. Without a count Asterisk's records tell it.
        """
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            async with database.session() as session:
                seen = list(await CallRepository(session).page(CallFilter(since=began), None, 10_000))
            source, now = source_of(self.settings), datetime.now(UTC)
            found = await reconcile(database, source, began, now, cause="asked", repair=False)
            told = [each.to_json() for each in found.differences]
            wanted = found.in_records["cel"] if count is None else count
            ended = all(call.ended_at for call in seen) and not found.running
            if ended and not told and found.calls == found.in_records["cel"] == len(seen) == wanted:
                return seen
            assert time.monotonic() < deadline, f"{len(seen)} of {wanted} calls are stored; differences: {told}"
            await asyncio.sleep(1)


def hotline_of(folder: Path, database_url: str, lines: int, talk_seconds: float) -> BusyHotline:
    """Settle a hotline in `folder` with so many citizens' lines."""
    extensions = [str(FIRST_AGENT + n) for n in range(lines + 1 + lines // SPARE)]
    settings, environment = settle(folder / "data", extensions)
    sip = SipSettings(port=free_port(socket.SOCK_DGRAM), rtp_first_port=21_000, rtp_last_port=21_999)
    settings = settings.model_copy(update={"database_url": database_url, "sip": sip})
    # No wrap-up but Asterisk's own three seconds: the lines are to be full.
    routing = settings.config_dir / "routing.toml"
    routing.write_text(routing.read_text().replace("limit_seconds = 90.0", "limit_seconds = 3.0"))
    said = {}
    callers = tuple(str(FIRST_CALLER + n) for n in range(lines))
    for name in (*callers, *extensions):
        # An agent's is longer than any call: what is heard of it is its beginning.
        length = talk_seconds if name in callers else talk_seconds + 10
        said[name] = noise(folder / f"{name}.wav", int(name), length)
        alaw_file(folder / f"{name}.wav", folder / f"{name}.alaw")
    ours = {"ZHITONG_DATA": str(settings.data_dir), "ZHITONG_DATABASE_URL": database_url}
    return BusyHotline(
        settings,
        asterisk_site(settings),
        find_or_fetch(ROOT / ".tools", print),
        {**os.environ, **environment, **ours},
        folder,
        said,
        callers,
    )


class RouterProcess:
    """`zhitong router` of a hotline, hearing Asterisk at its own port or through a cable's."""

    def __init__(self, hotline: BusyHotline, ami_port: int | None = None) -> None:
        port = str(ami_port or hotline.site.ami_port)
        # Calls are settled sooner than every five minutes: nobody waits that long here.
        often = {"ZHITONG_RECONCILE__SETTLE_MINUTES": "0.25"}
        self._environment = {**hotline.environment, **often, "ZHITONG_AMI__PORT": port}
        self._log = hotline.sounds / "router.log"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def start(self) -> None:
        with self._log.open("ab") as log:
            command = [sys.executable, "-m", "api.cli", "router"]
            self._process = subprocess.Popen(command, env=self._environment, stdout=log, stderr=log)

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    async def listening(self) -> Self:
        """Wait until it knows what there is."""
        assert self._process is not None
        async with asyncio.timeout(30):
            while '"resynced"' not in self.said():
                assert self._process.poll() is None, self.said()
                await asyncio.sleep(0.1)
        return self

    @contextmanager
    def running(self) -> Iterator[Self]:
        self.start()
        try:
            yield self
        finally:
            self.kill()


def temporary_folder() -> Iterator[Path]:
    """A folder that Asterisk, an account without rights, may enter; for fixtures."""
    folder = Path(tempfile.mkdtemp(prefix="zhitong-busy-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)
