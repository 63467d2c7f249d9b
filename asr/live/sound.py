"""The sound of one speaker of a running call, from the live copy or from the growing recording."""

import contextlib
import os
import stat
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.audio import Samples, Speaker, WavInfo, WavParts
from asr.errors import AsrError

LIVE_RATE, LIVE_STEP, SAMPLE_BYTES = 8000, 6, 2
"""The live copy is 8 kHz sound written at 48 kHz: every sixth sample of two bytes is it again (decision 0007)."""

WAV_AHEAD_SECONDS = 1.0
"""The live copy stands still (its disk is full, it was cut off) when the recording, usually behind it, is so far ahead:
go on with the recording."""

_LIVE_FRAME = LIVE_STEP * SAMPLE_BYTES


def thin_out(data: bytes) -> Samples:
    """Return the 8 kHz samples in whole blocks of six 48 kHz samples; a block still being written is left for later."""
    whole = data[: len(data) // _LIVE_FRAME * _LIVE_FRAME]
    return np.frombuffer(whole, "<i2")[::LIVE_STEP].astype(np.int16)


def prefers_live(position: float, live_seconds: float | None, wav_seconds: float) -> bool:
    """Whether to read the live copy next; `live_seconds` is how much it holds, None where it is not there."""
    if live_seconds is None:
        return False
    return live_seconds > position or wav_seconds <= position + WAV_AHEAD_SECONDS


def available_seconds(live: Path | None, recording: Path) -> float:
    """Say how much of a track is on disk now, in seconds."""
    seconds = 0.0
    if live is not None:
        with contextlib.suppress(OSError, ValueError):
            return live.stat().st_size / _LIVE_FRAME / LIVE_RATE
    with contextlib.suppress(AsrError, OSError, ValueError), WavParts(recording) as wav:
        seconds = wav.frames_grown() / wav.info.rate
    return seconds


@dataclass(frozen=True, slots=True)
class Ending:
    """What a finished track is: its recording's length (0 without one), whether it is torn, or why it is not there."""

    speaker: Speaker
    seconds: float
    torn: bool = False
    error: str | None = None


def faults(endings: tuple[Ending, ...]) -> tuple[str, ...]:
    """Say in sentences what is wrong with a finished recording's tracks; () for a sound one."""
    told = [f"Track {each.speaker}: {each.error}" for each in endings if each.error]
    told += [f"Track {each.speaker} is torn: what could be read is transcribed." for each in endings if each.torn]
    lengths = {each.speaker: each.seconds for each in endings if not each.error}
    if lengths and max(lengths.values()) - min(lengths.values()) > 1.0:
        said = ", ".join(f"{speaker} {seconds:.1f} s" for speaker, seconds in lengths.items())
        told.append(f"The tracks differ in length: {said}.")
    return tuple(told)


class TrackSound:
    """Reads on from `position` (seconds) whatever there is; files may be missing, appear, vanish or stand still."""

    def __init__(self, speaker: Speaker, live: Path | None, recording: Path, position: float) -> None:
        self.position = position
        self._speaker = speaker
        self._live_path, self._recording_path = live, recording
        self._live: int | None = None
        self._wav: WavParts | None = None
        self._whole: WavInfo | None = None

    def read(self, seconds: float) -> tuple[Samples, int]:
        """Return up to so many seconds of what is new, and its rate in Hz; nothing when nothing is new."""
        if self._whole is None and prefers_live(self.position, self._live_seconds(), self._wav_seconds()):
            return self._read_live(seconds)
        return self._read_wav(seconds)

    def finish(self) -> Ending:
        """Read only the recording from now on, as far as its header vouches for it: it is complete."""
        try:
            if self._wav is None:
                self._wav = WavParts(self._recording_path)
            self._whole = self._wav.look()
        except (AsrError, OSError, ValueError) as error:
            said = str(error) if isinstance(error, AsrError) else f"it cannot be read ({error})"
            self._close_wav()
            return Ending(self._speaker, 0.0, error=said)
        return Ending(self._speaker, self._whole.seconds, self._whole.torn)

    def close(self) -> None:
        """Give the files back."""
        self._close_wav()
        if self._live is not None:
            os.close(self._live)
            self._live = None

    def _read_live(self, seconds: float) -> tuple[Samples, int]:
        if self._live is None:
            return np.zeros(0, np.int16), LIVE_RATE
        first = round(self.position * LIVE_RATE)
        samples = thin_out(os.pread(self._live, int(seconds * LIVE_RATE) * _LIVE_FRAME, first * _LIVE_FRAME))
        self.position = (first + samples.size) / LIVE_RATE
        return samples, LIVE_RATE

    def _read_wav(self, seconds: float) -> tuple[Samples, int]:
        if self._wav is None:
            return np.zeros(0, np.int16), LIVE_RATE
        rate = self._wav.info.rate
        first = round(self.position * rate)
        count = int(seconds * rate)
        if self._whole is not None:
            count = min(count, max(0, self._whole.frames - first))
        samples = self._wav.read(first, count)
        self.position = (first + samples.size) / rate
        return samples, rate

    def _live_seconds(self) -> float | None:
        """How much the live copy holds; one that was deleted is read to its end and then is no more."""
        if self._live is None:
            self._live = _opened(self._live_path)
            if self._live is None:
                return None
        found = os.fstat(self._live)
        seconds = found.st_size // _LIVE_FRAME / LIVE_RATE
        return None if found.st_nlink == 0 and seconds <= self.position else seconds

    def _wav_seconds(self) -> float:
        if self._wav is None:
            with contextlib.suppress(AsrError, OSError, ValueError):
                self._wav = WavParts(self._recording_path)
        if self._wav is None:
            return 0.0
        return self._wav.frames_grown() / self._wav.info.rate

    def _close_wav(self) -> None:
        if self._wav is not None:
            self._wav.close()
            self._wav = None


def _opened(path: Path | None) -> int | None:
    """Open a live copy; None where it is not there (yet) or is no file. A pipe in its place must not hold us up."""
    if path is None:
        return None
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (OSError, ValueError):
        return None
    if stat.S_ISREG(os.fstat(file).st_mode):
        return file
    os.close(file)
    return None
