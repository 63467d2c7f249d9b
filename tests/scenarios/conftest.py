"""One whole system, started as a person would, on a data directory and ports of its own."""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import pytest

from api.demo.speech import speak
from api.kit.settings import Settings, load
from api.setup.parts import speaking_voice
from api.supervisor import PartState, read_states
from asr.synthesis import Espeak

ZHITONG = (sys.executable, "-m", "api.cli")
READY_SECONDS = 90
T = TypeVar("T")
# A ticket is there from the first words on; these say that the last ones are in it.
TRANSCRIBED = ("complete", "partial", "failed")


class System:
    """`zhitong up` in a folder of its own."""

    def __init__(self, data: Path, environment: dict[str, str] | None = None) -> None:
        self.data = data
        self.environment = {**os.environ, "ZHITONG_DATA": str(data), **(environment or {})}
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.started: list[subprocess.Popen[str]] = []

    def up(self) -> None:
        self.data.mkdir(parents=True, exist_ok=True)
        with (self.data / "up.out").open("wb") as out:
            self.process = subprocess.Popen(
                [*ZHITONG, "up", "--port", str(self.port)], stdout=out, stderr=subprocess.STDOUT, env=self.environment
            )
        deadline = time.monotonic() + READY_SECONDS
        while "/desk" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)

    def said(self) -> str:
        return (self.data / "up.out").read_text(encoding="utf-8", errors="replace")

    def down(self) -> None:
        for process in self.started:
            if process.poll() is None:
                process.kill()
                process.communicate()
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)
        # Asterisk and PostgreSQL outlive a supervisor that a test has killed.
        for state in read_states(self.data / "run").values():
            if state.alive:
                os.kill(state.pid, signal.SIGKILL)

    @property
    def settings(self) -> Settings:
        return load(self.data)

    @property
    def recordings(self) -> Path:
        return self.data / "recordings"

    def state(self, part: str) -> PartState:
        return read_states(self.data / "run")[part]

    def kill(self, part: str) -> PartState:
        state = self.state(part)
        os.kill(state.pid, signal.SIGKILL)
        return state

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a command; `communicate` with it, or it is ended with the system."""
        process = subprocess.Popen(
            [*ZHITONG, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=self.environment
        )
        self.started.append(process)
        return process

    def run(self, *arguments: str) -> str:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=200)
        assert process.returncode == 0, f"{arguments}: {err}\n{out}"
        return out

    def run_unchecked(self, *arguments: str) -> str:
        process = self.start(*arguments)
        out, _ = process.communicate(timeout=60)
        return out if process.returncode == 0 else ""

    def call(self, citizen: Path, *more: str) -> dict[str, Any]:
        stored: dict[str, Any] = json.loads(self.run("call", "--citizen", str(citizen), "--json", *more))
        return stored

    def token(self, role: str = "supervisor") -> str:
        return self.run("token", "create", "--role", role, "--name", "test").strip()

    def http(self, token: str) -> httpx.Client:
        headers = {"Authorization": f"Bearer {token}"}
        base = f"http://127.0.0.1:{self.port}"
        return httpx.Client(base_url=base, headers=headers, trust_env=False, timeout=20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def until(look: Callable[[], T | None], what: str, seconds: float = 60) -> T:
    """Look until there is something to see."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        seen = look()
        if seen:
            return seen
        time.sleep(0.1)
    raise AssertionError(f"not within {seconds} s: {what}")


def ticket_of(http: httpx.Client, call_ref: str, seconds: float = 60) -> dict[str, Any]:
    """Wait until the call is transcribed to its end; give its ticket."""

    def look() -> str | None:
        answer = http.get(f"/api/v1/calls/{call_ref}")
        if answer.status_code != httpx.codes.OK or answer.json()["transcript_state"] not in TRANSCRIBED:
            return None
        ticket_id: str | None = answer.json()["ticket_id"]
        return ticket_id

    ticket_id = until(look, f"a ticket for call {call_ref}", seconds)
    ticket: dict[str, Any] = http.get(f"/api/v1/tickets/{ticket_id}").raise_for_status().json()
    return ticket


@pytest.fixture(scope="session")
def espeak() -> Espeak:
    return speaking_voice(load().tools_dir, print)


@pytest.fixture(scope="session")
def voices(tmp_path_factory: pytest.TempPathFactory, espeak: Espeak) -> dict[str, Path]:
    """A citizen who reports a tilting shed and the agent who asks; the same told in one go; the report alone."""
    folder = tmp_path_factory.mktemp("voices")
    shed, number = "富华南路的变压器旁边，有一个板房倾斜了，很危险。", "一三八零零一二三四五六。"
    citizen = [(2.6, shed), (9.5, number)]
    agent = [(0.2, "您好，一二三四五热线，请讲。"), (7.4, "请问您的联系电话？")]
    return {
        "citizen": speak(folder / "citizen.wav", citizen, "m7", espeak, 13.5),
        "agent": speak(folder / "agent.wav", agent, "f4", espeak),
        "brief": speak(folder / "brief.wav", [(0.3, shed), (7.0, number)], "m7", espeak),
        "report": speak(folder / "report.wav", [(0.3, shed)], "m7", espeak),
    }


@pytest.fixture(scope="session")
def system() -> Iterator[System]:
    """The system that the scenarios share: what one of them kills, the supervisor starts again."""
    data = Path(tempfile.mkdtemp(prefix="zhitong-up-"))
    system = System(data)
    try:
        system.up()
        yield system
    finally:
        system.down()
        shutil.rmtree(data, ignore_errors=True)


@pytest.fixture(scope="session")
def http(system: System) -> Iterator[httpx.Client]:
    with system.http(system.token()) as client:
        yield client
