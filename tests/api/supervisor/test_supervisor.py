import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from api.supervisor import Part, PartFailedError, PartState, Supervisor, read_states


async def is_ready() -> bool:
    return True


def sleeper(name: str, *, outlives: bool = False) -> Part:
    return Part(name, (sys.executable, "-c", "import time; time.sleep(60)"), ready=is_ready, outlives=outlives)


class Hall:
    """A supervisor on its own folders, and what it said."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.started: list[Supervisor] = []

    async def start(self, *parts: Part) -> Supervisor:
        supervisor = Supervisor(parts, self.folder / "log", self.folder / "run", self.said.append)
        self.started.append(supervisor)
        await supervisor.start()
        return supervisor

    def state(self, name: str) -> PartState:
        return read_states(self.folder / "run")[name]


@pytest.fixture
async def hall(tmp_path: Path) -> AsyncIterator[Hall]:
    hall = Hall(tmp_path)
    yield hall
    for supervisor in hall.started:
        await supervisor.stop()


async def until_restarted(hall: Hall, name: str, old_pid: int) -> PartState:
    async with asyncio.timeout(5):
        while True:
            state = hall.state(name)
            if state.pid != old_pid and state.alive:
                return state
            await asyncio.sleep(0.02)


async def test_a_killed_part_is_started_again_within_seconds(hall: Hall) -> None:
    await hall.start(sleeper("router"))
    first = hall.state("router")
    os.kill(first.pid, signal.SIGKILL)
    second = await until_restarted(hall, "router", first.pid)
    assert second.restarts == 1
    assert not first.alive


async def test_stop_ends_every_part_and_forgets_it(hall: Hall) -> None:
    supervisor = await hall.start(sleeper("asterisk", outlives=True), sleeper("router"))
    states = [hall.state("asterisk"), hall.state("router")]
    await supervisor.stop()
    assert [state.alive for state in states] == [False, False]
    assert read_states(hall.folder / "run") == {}


async def test_a_part_that_outlives_its_supervisor_is_taken_over_not_doubled(tmp_path: Path, hall: Hall) -> None:
    program = f"""
import asyncio, os, signal, sys
sys.path[:0] = {[str(Path.cwd())]!r}
from pathlib import Path
from api.supervisor import Part, Supervisor
async def ready(): return True
async def main():
    def part(name, outlives):
        return Part(name, (sys.executable, "-c", "import time; time.sleep(60)"), ready=ready, outlives=outlives)
    folder = Path({str(tmp_path)!r})
    await Supervisor([part("asterisk", True), part("router", False)], folder / "log", folder / "run", print).start()
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program)
    assert await process.wait() == -signal.SIGKILL
    asterisk, router = hall.state("asterisk"), hall.state("router")
    async with asyncio.timeout(5):
        while router.alive:
            await asyncio.sleep(0.02)
    assert asterisk.alive

    await hall.start(sleeper("asterisk", outlives=True), sleeper("router"))
    assert hall.state("asterisk").pid == asterisk.pid
    assert hall.state("router").pid != router.pid

    os.kill(asterisk.pid, signal.SIGKILL)
    assert (await until_restarted(hall, "asterisk", asterisk.pid)).restarts == 1


async def test_a_part_that_cannot_start_is_an_error_with_the_end_of_its_log(hall: Hall) -> None:
    broken = Part("api", (sys.executable, "-c", "raise SystemExit('port 8012 is taken')"), ready=never_ready)
    with pytest.raises(PartFailedError, match="port 8012 is taken"):
        await hall.start(sleeper("postgres", outlives=True), broken)
    assert read_states(hall.folder / "run") == {}


async def never_ready() -> bool:
    return False


def test_a_reused_pid_is_not_mistaken_for_the_part() -> None:
    assert not PartState("router", os.getpid(), 1, "2026-11-23T00:00:00+00:00", 0).alive
