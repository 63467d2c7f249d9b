"""Many calls at once on a real Asterisk, every one recorded, every recording compared with what was played."""

import asyncio
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from telephony.asterisk.configure import AgentSeat, AsteriskSite
from telephony.asterisk.install import AsteriskInstall, find_or_fetch
from telephony.asterisk.process import AsteriskProcess, free_port
from telephony.phones import AgentPhone, PlacedCall, place_call
from telephony.records.complete import complete
from tests.telephony.conftest import ROOT, Signal, heard, noise

FIRST_AGENT = 8001
FIRST_CALLER = 13_700_000_000
# The same lines call again and again; a line's next call comes this long after its last one.
PAUSE_SECONDS = 0.5
TALK_SECONDS = 30.0
# Both legs of a recorded call correlate 1.000 with what was played; a lost packet of 20 ms in 30 s costs 0.0003.
LEAST_CORRELATION = 0.98
# A leg holds the other side's voice as little as noise correlates with other noise.
MOST_CROSSTALK = 0.1
READY_TOGETHER = 8


@dataclass(frozen=True, slots=True)
class Line:
    """One citizen's telephone and what it plays in each of its calls."""

    caller: str
    file: Path
    played: Signal


@dataclass(frozen=True, slots=True)
class Hall:
    """An Asterisk with as many agents as lines, and what each of them plays."""

    site: AsteriskSite
    install: AsteriskInstall
    folder: Path
    lines: tuple[Line, ...]
    said: dict[str, tuple[Path, Signal]]

    @property
    def recordings(self) -> Path:
        return self.site.directories.recordings


@pytest.fixture(scope="module")
def install() -> AsteriskInstall:
    return find_or_fetch(ROOT / ".tools", print)


@pytest.fixture
def folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="zhitong-load-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.mark.parametrize(
    ("lines", "seconds", "talk_seconds"),
    [
        (6, 12.0, 5.0),
        pytest.param(20, 60.0, TALK_SECONDS, marks=[pytest.mark.soak, pytest.mark.timeout(600)]),
        pytest.param(60, 600.0, TALK_SECONDS, marks=[pytest.mark.soak, pytest.mark.timeout(2400)]),
    ],
)
async def test_concurrent_calls_are_all_answered_and_recorded_as_they_sounded(
    install: AsteriskInstall, folder: Path, lines: int, seconds: float, talk_seconds: float
) -> None:
    hall = hall_of(install, folder, lines, talk_seconds)
    began = datetime.now(UTC) - timedelta(seconds=5)
    with AsteriskProcess(hall.site, install):
        placed = await ring(hall, seconds)
        recordings = await completed(hall, len(placed))
    assert all(call.answered and call.ended_by == "citizen_hung_up" for call in placed)
    told = {call.call_ref: call for call in complete(hall.site.directories.log, began, [])}
    assert [call.outcome for call in told.values()] == ["answered"] * len(placed)
    segments = {str(segment.recording_id): str(call.caller) for call in told.values() for segment in call.segments}
    assert segments.keys() == recordings
    worst = await asyncio.to_thread(compare, hall, segments)
    print(f"{len(placed)} calls on {lines} lines, least correlation {worst:.4f}")  # noqa: T201 - what was measured
    assert worst > LEAST_CORRELATION


def hall_of(install: AsteriskInstall, folder: Path, lines: int, talk_seconds: float) -> Hall:
    seats = tuple(AgentSeat(str(n), str(n), 1, f"secret-password-{n}") for n in range(FIRST_AGENT, FIRST_AGENT + lines))
    site = AsteriskSite(
        folder / "data",
        sip_port=free_port(socket.SOCK_DGRAM),
        ami_port=free_port(),
        ami_secret="a-secret-for-tests",
        rtp_start=21_000,
        rtp_end=21_999,
        agents=seats,
        templates=ROOT / "config" / "asterisk",
        live_kept_seconds=1,
    )
    callers = []
    for n in range(lines):
        file = folder / f"citizen-{n}.wav"
        callers.append(Line(str(FIRST_CALLER + n), file, noise(file, 1_000 + n, talk_seconds)))
    said = {}
    for seat in seats:
        file = folder / f"agent-{seat.extension}.wav"
        # Longer than any call: what is heard of it is its beginning.
        said[seat.extension] = (file, noise(file, int(seat.extension), talk_seconds + 10))
    return Hall(site, install, folder, tuple(callers), said)


async def ring(hall: Hall, seconds: float) -> list[PlacedCall]:
    """Keep every line in calls for so long; agents are on duty before the first one."""
    placed: list[PlacedCall] = []
    async with AsyncExitStack() as stack:
        phones = [
            AgentPhone(hall.install, hall.site, seat, hall.said[seat.extension][0], answer_after=0.3)
            for seat in hall.site.agents
        ]
        for start in range(0, len(phones), READY_TOGETHER):
            some = phones[start : start + READY_TOGETHER]
            await asyncio.gather(*(stack.enter_async_context(phone) for phone in some))
        until = time.monotonic() + seconds

        async def keep_calling(line: Line, first_after: float) -> None:
            await asyncio.sleep(first_after)
            while time.monotonic() < until:
                placed.append(await place_call(hall.install, hall.site, line.file, caller=line.caller))
                await asyncio.sleep(PAUSE_SECONDS)

        async with asyncio.TaskGroup() as tasks:
            for n, line in enumerate(hall.lines):
                tasks.create_task(keep_calling(line, n * 0.1))
    return placed


async def completed(hall: Hall, count: int) -> set[str]:
    """Wait until so many recordings are marked as complete; give their names."""
    found: set[str] = set()
    async with asyncio.timeout(10):
        while len(found) < count:
            found = {path.stem for path in hall.recordings.glob("*.done")}
            await asyncio.sleep(0.1)
    return found


def compare(hall: Hall, callers: dict[str, str]) -> float:
    """Give the worst correlation of any leg of any recording with what was played into it."""
    played = {line.caller: line.played for line in hall.lines}
    worst = 1.0
    for name, caller in callers.items():
        agent = name.split("--")[1]
        citizen_leg, agent_leg = hall.recordings / f"{name}-citizen.wav", hall.recordings / f"{name}-agent.wav"
        length = (agent_leg.stat().st_size - 44) // 2
        said = hall.said[agent][1][:length]
        worst = min(worst, heard(citizen_leg, played[caller]), heard(agent_leg, said))
        assert heard(citizen_leg, said) < MOST_CROSSTALK, name
    return worst
