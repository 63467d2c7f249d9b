"""One Asterisk on a data directory of the test's own, and router processes that serve it and are killed."""

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
from pathlib import Path
from socket import SOCK_DGRAM

import pytest

from api.kit.settings import ROOT
from telephony.asterisk.configure import AsteriskSite
from telephony.asterisk.install import AsteriskInstall
from telephony.asterisk.process import free_port
from telephony.phones import AgentPhone, place_call


@pytest.fixture
def folder() -> Iterator[Path]:
    # Asterisk itself runs as an account without rights.
    folder = Path(tempfile.mkdtemp(prefix="zhitong-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def environment(folder: Path, database_url: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A data directory, a configuration and ports of the test's own."""
    config = shutil.copytree(ROOT / "config", folder / "config")
    # Nobody writes a record of these calls: an agent is not kept from the next one, not even for a moment in which
    # the router could be killed.
    routing = (config / "routing.toml").read_text(encoding="utf-8")
    routing = routing.replace("guard_seconds = 3", "guard_seconds = 0").replace(
        "limit_seconds = 90.0", "limit_seconds = 0.000001"
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


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000))
    return path


class Hotline:
    """The running Asterisk, and the calls placed to it."""

    def __init__(self, site: AsteriskSite, install: AsteriskInstall, sound: Path) -> None:
        self.site, self.install, self.sound = site, install, sound

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
