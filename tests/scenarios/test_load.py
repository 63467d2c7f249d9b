"""Many calls at once: a real Asterisk and a real router, every call recorded, every recording compared with its sound.

Each citizen and each agent has a sound of its own, so that a call that was mixed up with another is found.
"""

import asyncio
import contextlib
import os
import time
import wave
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from api.kit.database import Database
from telephony.asterisk.process import AsteriskProcess
from telephony.phones.sipp import SippRun
from tests.support.busy import BusyHotline, RouterProcess, hotline_of, temporary_folder
from tests.support.crowd import agents_on_duty, call_again_and_again
from tests.support.sound import heard_share
from tests.telephony.conftest import Signal, heard, noise

folder = pytest.fixture(temporary_folder)
# A machine that does something else loses sound, a call that is mixed up or cut loses most of it.
LEAST_HEARD, LEAST_MEDIAN = 0.6, 0.9
# A leg holds the other side's voice as little as noise correlates with other noise.
MOST_CROSSTALK = 0.1
# What the agent's side plays is not over when the citizen hangs up: the last part of it may be cut.
CUT = 4000


@dataclass(slots=True)
class Processors:
    """CPU seconds of some processes, looked at while they live."""

    pids: dict[str, int]
    first: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    began: float = field(default_factory=time.monotonic)

    def look(self, citizens: SippRun) -> None:
        for name, pid in {**self.pids, "citizens": citizens.process.pid}.items():
            with contextlib.suppress(OSError):
                ticks = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
                self.last[name] = sum(map(int, ticks)) / os.sysconf("SC_CLK_TCK")
                self.first.setdefault(name, 0.0 if name == "citizens" else self.last[name])

    def shares(self) -> str:
        took = time.monotonic() - self.began
        return ", ".join(f"{name} {(self.last[name] - self.first[name]) / took:.1%}" for name in self.last)


@pytest.mark.parametrize(
    ("lines", "rounds", "talk_seconds"),
    [
        (6, 2, 4.0),
        pytest.param(60, 10, 59.0, marks=[pytest.mark.soak, pytest.mark.timeout(1800)], id="60 lines, ten minutes"),
    ],
)
async def test_concurrent_calls_are_all_answered_and_recorded_as_they_sounded(
    database: Database, folder: Path, lines: int, rounds: int, talk_seconds: float
) -> None:
    hotline = hotline_of(folder, database.url, lines, talk_seconds)
    began, count = datetime.now(UTC) - timedelta(seconds=5), lines * rounds
    with AsteriskProcess(hotline.site, hotline.install) as asterisk, RouterProcess(hotline).running() as router:
        await router.listening()
        assert asterisk.pid is not None
        async with agents_on_duty(hotline.install, hotline.site, hotline.sounds) as agents:
            processors = Processors({"Asterisk": asterisk.pid, "router": router.pid, "agents": agents.run.process.pid})
            seen = await call_again_and_again(
                hotline.install,
                hotline.site,
                hotline.sounds,
                hotline.callers,
                calls=count,
                talk_seconds=talk_seconds,
                every_second=processors.look,
            )
        assert seen == Counter(answered=count, citizen_hung_up=count)
        calls = await hotline.stored(database, began, count)
    assert [call.outcome for call in calls] == ["answered"] * count
    segments = {str(segment.recording_id): str(call.caller) for call in calls for segment in call.segments}
    assert segments.keys() == {path.stem for path in hotline.site.directories.recordings.glob("*.done")}
    shares = await asyncio.to_thread(compare, hotline, segments)
    print(  # noqa: T201 - what was measured
        f"{len(segments)} calls on {lines} lines, {len(shares)} legs, {sum(share < 1 for share in shares)} with"
        f" something missing; heard of the worst {min(shares):.1%}, median {np.median(shares):.2%},"
        f" of all {np.mean(shares):.3%}; CPU of a core: {processors.shares()}"
    )
    assert min(shares) >= LEAST_HEARD
    assert np.median(shares) >= LEAST_MEDIAN


def compare(hotline: BusyHotline, callers: dict[str, str]) -> list[float]:
    """Give how much of each leg of each recording is what was played into it."""
    shares = []
    for name, caller in callers.items():
        agent = name.split("--")[1]
        citizen_leg, agent_leg = samples(hotline, f"{name}-citizen"), samples(hotline, f"{name}-agent")
        said = hotline.said[agent][: agent_leg.size - CUT]
        shares += [heard_share(citizen_leg, hotline.said[caller]), heard_share(agent_leg, said)]
        recordings = hotline.site.directories.recordings
        assert heard(recordings / f"{name}-citizen.wav", said) < MOST_CROSSTALK, name
        assert heard(recordings / f"{name}-agent.wav", hotline.said[caller]) < MOST_CROSSTALK, name
    return shares


def samples(hotline: BusyHotline, name: str) -> Signal:
    with wave.open(str(hotline.site.directories.recordings / f"{name}.wav"), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 8000, 2)
        return np.frombuffer(file.readframes(file.getnframes()), "<i2")


def test_a_lost_packet_costs_one_quarter_of_a_second_and_a_lost_second_four(folder: Path) -> None:
    played = noise(folder / "played.wav", 1, 10)
    assert heard_share(np.pad(played, 900), played) == 1.0
    slipped = np.concatenate([played[:33_100], played[33_260:]])
    assert heard_share(slipped, played) == pytest.approx(39 / 40)
    silenced = played.copy()
    silenced[16_000:24_000] = 0
    assert heard_share(silenced, played) == pytest.approx(36 / 40)
    assert heard_share(noise(folder / "other.wav", 2, 10), played) == 0.0
