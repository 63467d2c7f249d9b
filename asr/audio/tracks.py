from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from asr.audio.riff import Samples
from asr.audio.wav import probe, read_samples

Speaker = Literal["agent", "citizen"]


@dataclass(frozen=True, slots=True)
class TrackSource:
    """Where one speaker's voice is: a file, and its channel (0 left, 1 right)."""

    speaker: Speaker
    path: Path
    channel: int = 0


@dataclass(frozen=True, slots=True)
class Track:
    """One speaker's samples, int16 at `rate` Hz; `torn` when the file held less than its header said."""

    speaker: Speaker
    samples: Samples
    rate: int
    torn: bool


def track_sources(paths: Sequence[Path], left: Speaker = "agent") -> tuple[TrackSource, ...]:
    """Say where each speaker is: in one stereo file (`left` on the left), or in two files (`left`'s first).

    One mono file is taken as the citizen's. Of two files that are stereo themselves, the left channel is taken.
    Raises the errors of `asr.audio.probe`, and ValueError for any other number of files.
    """
    right: Speaker = "citizen" if left == "agent" else "agent"
    match list(paths):
        case [one] if probe(one).channels == 1:
            return (TrackSource("citizen", one),)
        case [one]:
            return (TrackSource(left, one, 0), TrackSource(right, one, 1))
        case [first, second]:
            return (TrackSource(left, first), TrackSource(right, second))
    raise ValueError(f"a call has one or two recordings, not {len(paths)}")


def read_track(source: TrackSource) -> Track:
    """Read one speaker's samples. Raises the errors of `asr.audio.probe`."""
    samples, info = read_samples(source.path)
    return Track(source.speaker, samples[:, min(source.channel, info.channels - 1)], info.rate, info.torn)


def read_tracks(paths: Sequence[Path], left: Speaker = "agent") -> tuple[Track, ...]:
    """Read each speaker's samples from one or two files, as `track_sources` tells them apart."""
    return tuple(read_track(source) for source in track_sources(paths, left))
