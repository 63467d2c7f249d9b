"""Many calls at once on a real Asterisk, every one recorded, every recording compared with what was played."""

import asyncio
import shutil
import socket
import tempfile
import time
import wave
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
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
# A quarter of a second is heard when it correlates so well with what was played, at most so far from where it belongs:
# one packet that came late or not at all costs one of them, and shifts those behind it.
WINDOW, REACH = 2000, 800
HEARD = 0.9
LEAST_HEARD = 0.9
# A leg holds the other side's voice as little as noise correlates with other noise.
MOST_CROSSTALK = 0.1
READY_TOGETHER = 8
# What the agent's side plays is not over when the citizen hangs up: the last part of it may be cut.
CUT = 4000


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
        (6, 5.0, 5.0),
        pytest.param(20, 60.0, TALK_SECONDS, marks=[pytest.mark.soak, pytest.mark.timeout(600)]),
        # A SIPp process a telephone: with 120 of them two cores have no time left for sound.
        pytest.param(20, 600.0, TALK_SECONDS, marks=[pytest.mark.soak, pytest.mark.timeout(2400)]),
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
    shares = await asyncio.to_thread(compare, hall, segments)
    broken = sum(share < 1 for share in shares)
    print(  # noqa: T201 - what was measured
        f"{len(placed)} calls on {lines} lines, {len(shares)} legs, {broken} with something missing;"
        f" of the worst {min(shares):.1%} heard, of all {np.mean(shares):.2%}"
    )
    assert min(shares) >= LEAST_HEARD


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


def compare(hall: Hall, callers: dict[str, str]) -> list[float]:
    """Give how much of each leg of each recording is what was played into it."""
    played = {line.caller: line.played for line in hall.lines}
    shares = []
    for name, caller in callers.items():
        agent = name.split("--")[1]
        citizen_leg, agent_leg = samples(hall, f"{name}-citizen"), samples(hall, f"{name}-agent")
        said = hall.said[agent][1][: agent_leg.size - CUT]
        shares += [heard_share(citizen_leg, played[caller]), heard_share(agent_leg, said)]
        assert heard(hall.recordings / f"{name}-citizen.wav", said) < MOST_CROSSTALK, name
    return shares


def samples(hall: Hall, name: str) -> Signal:
    with wave.open(str(hall.recordings / f"{name}.wav"), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 8000, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def heard_share(recorded: Signal, played: Signal) -> float:
    """Give how many of the played quarter-seconds are in the recording, near where the whole correlates best."""
    size = recorded.size + played.size
    whole = np.fft.irfft(np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(played, size)), size)
    best = int(np.argmax(whole))
    shift = best if best < recorded.size else best - size
    windows = played[: played.size // WINDOW * WINDOW].reshape(-1, WINDOW).astype(np.float64)
    around = np.pad(recorded.astype(np.float64), size)
    starts = size + shift - REACH + WINDOW * np.arange(len(windows))
    places = around[starts[:, None] + np.arange(WINDOW + 2 * REACH)]
    length = WINDOW + 2 * REACH
    found = np.fft.irfft(np.fft.rfft(places, length) * np.conj(np.fft.rfft(windows, length)), length)[:, : 2 * REACH]
    at = np.argmax(found, axis=1)
    rows = np.arange(len(windows))
    there = places[rows[:, None], at[:, None] + np.arange(WINDOW)]
    energy = np.linalg.norm(windows, axis=1) * np.linalg.norm(there, axis=1)
    return float(np.mean(found[rows, at] >= HEARD * np.maximum(energy, 1.0)))


def test_a_lost_packet_costs_one_quarter_of_a_second_and_a_lost_second_four(folder: Path) -> None:
    played = noise(folder / "played.wav", 1, 10)
    assert heard_share(np.pad(played, 900), played) == 1.0
    slipped = np.concatenate([played[:33_100], played[33_260:]])
    assert heard_share(slipped, played) == pytest.approx(39 / 40)
    silenced = played.copy()
    silenced[16_000:24_000] = 0
    assert heard_share(silenced, played) == pytest.approx(36 / 40)
    assert heard_share(noise(folder / "other.wav", 2, 10), played) == 0.0
