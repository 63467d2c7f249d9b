"""What live decoding is asked for, and what it tells."""

from dataclasses import dataclass
from pathlib import Path

from asr.audio import Speaker
from asr.transcript import Utterance


@dataclass(frozen=True, slots=True)
class LiveTrack:
    """One speaker of a running call.

    `live` is the convenience copy (raw s16le at 48 kHz, decision 0007), None or not there: the growing `recording` is
    followed. Decoding begins at `heard_seconds`: what lies before is settled already.
    """

    speaker: Speaker
    live: Path | None
    recording: Path
    heard_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Partial:
    """The utterance as far as it is spoken; replaces the speaker's previous partial. Times in seconds of the recording.

    `text` is as shown to people; `heard_seconds` is how far the track is decoded.
    """

    recording_id: str
    speaker: Speaker
    text: str
    start: float
    heard_seconds: float


@dataclass(frozen=True, slots=True)
class Heard:
    """A track is settled up to `heard_seconds`: store the utterance (None: only silence passed) and resume there."""

    recording_id: str
    speaker: Speaker
    utterance: Utterance | None
    heard_seconds: float


@dataclass(frozen=True, slots=True)
class Finished:
    """Every track of a finished recording is decoded to its end; `faults` says in sentences what could not be heard."""

    recording_id: str
    duration_seconds: float
    faults: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GivenUp:
    """Live decoding cannot go on with this recording, and has forgotten it: transcribe it after the call."""

    recording_id: str
    reason: str


Event = Partial | Heard | Finished | GivenUp
