"""The site of the tests' Asterisk, on free ports, and phones that make real calls to it."""

import asyncio
import socket
import wave
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from telephony.asterisk.configure import AgentSeat, AsteriskSite, Trunk
from telephony.asterisk.desk import Desk
from telephony.asterisk.install import AsteriskInstall
from telephony.asterisk.process import AsteriskProcess, free_port
from telephony.phones import AgentPhone, PlacedCall, place_call
from tests.telephony.phones.voice import band_noise

ROOT = Path(__file__).parents[2]
SEATS = tuple(
    AgentSeat(str(number), str(number), 1, f"secret-password-{number}", desks=desks)
    for number, desks in ((8001, ()), (8002, ()), (8003, (("enterprise", 0),)))
)
DESKS = (Desk("enterprise", "企业专席", "enterprise desk", ("12345802",), wait_seconds=2),)
# Where the carrier of the tests takes calls.
CARRIER = "127.0.0.4"
Signal = npt.NDArray[np.int16]


def site_for(data_dir: Path) -> AsteriskSite:
    """A site with short waits, so that a test sees the overflow within seconds."""
    return AsteriskSite(
        data_dir,
        sip_port=free_port(socket.SOCK_DGRAM),
        ami_port=free_port(),
        ami_secret="a-secret-for-tests",
        rtp_start=20600,
        rtp_end=20900,
        agents=SEATS,
        templates=ROOT / "config" / "asterisk",
        sticky_seconds=3,
        ring_seconds=3,
        queue_seconds=6,
        deserted_seconds=1,
        overflow_seconds=4,
        longest_wait_seconds=4,
        live_kept_seconds=1,
        desks=DESKS,
        hold_seconds=3,
        trunk=Trunk("carrier", (CARRIER,), port=free_port(socket.SOCK_DGRAM, CARRIER)),
        outward_seconds=1,
        qualify_seconds=1,
    )


def noise(path: Path, seed: int, seconds: float) -> Signal:
    """Write noise of the telephone's band, which correlates with nothing but itself."""
    samples = band_noise(seed, seconds)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(samples.astype("<i2").tobytes())
    return samples


def heard(path: Path, played: Signal) -> float:
    """Return how well a recording contains what was played: normalised cross-correlation at the best shift."""
    with wave.open(str(path), "rb") as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth()) == (1, 8000, 2)
        recorded = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
    size = recorded.size + played.size
    spectrum = np.fft.rfft(recorded, size) * np.conj(np.fft.rfft(played.astype(np.float64), size))
    energy = np.linalg.norm(recorded) * np.linalg.norm(played.astype(np.float64))
    return float(np.max(np.fft.irfft(spectrum, size)) / energy) if energy else 0.0


@dataclass(frozen=True, slots=True)
class Hotline:
    """The running hotline of the tests."""

    process: AsteriskProcess
    folder: Path

    @property
    def install(self) -> AsteriskInstall:
        return self.process.install

    @property
    def site(self) -> AsteriskSite:
        return self.process.site

    def agent(
        self,
        extension: int,
        audio: Path | None = None,
        *,
        answer_after: float | None = 0.3,
        scenario: Path | None = None,
    ) -> AgentPhone:
        seat = next(seat for seat in SEATS if seat.extension == str(extension))
        return AgentPhone(self.install, self.site, seat, audio, answer_after=answer_after, scenario=scenario)

    async def call(
        self,
        audio: Path,
        *,
        caller: str = "13800001111",
        name: str | None = None,
        hangup_after: float | None = None,
        number: str | None = None,
        scenario: Path | None = None,
    ) -> PlacedCall:
        async with asyncio.timeout(40):
            return await place_call(
                self.install,
                self.site,
                audio,
                caller=caller,
                caller_name=name,
                hangup_after=hangup_after,
                number=number,
                scenario=scenario,
            )

    def recordings(self) -> set[str]:
        return {path.stem for path in self.site.directories.recordings.glob("*.done")}

    async def new_recordings(self, before: set[str], count: int = 1) -> list[str]:
        async with asyncio.timeout(5):
            while len(found := self.recordings() - before) < count:
                await asyncio.sleep(0.02)
        return sorted(found)

    def cel(self) -> str:
        return (self.site.directories.log / "cel-custom" / "cel.csv").read_text()
