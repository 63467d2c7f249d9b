"""What was said: the shape that is stored, sent and drafted from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from asr.audio.tracks import Speaker
from asr.errors import TranscriptError

State = Literal["complete", "partial"]


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word; `start` and `end` in seconds of its recording, `confidence` 0 to 1."""

    text: str
    start: float
    end: float
    confidence: float

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape of a word."""
        return {"text": self.text, "start": self.start, "end": self.end, "confidence": self.confidence}


@dataclass(frozen=True, slots=True)
class Utterance:
    """What one speaker said between two pauses; `text` is as shown to people, `words` are as recognised."""

    speaker: Speaker
    start: float
    end: float
    text: str
    confidence: float
    words: tuple[Word, ...] = ()
    recording_id: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape; `recording_id` only where it is known."""
        shape: dict[str, Any] = {
            "speaker": self.speaker,
            "start": self.start,
            "end": self.end,
            "text": self.text,
            "confidence": self.confidence,
            "words": [word.to_json() for word in self.words],
        }
        return shape if self.recording_id is None else {**shape, "recording_id": self.recording_id}


@dataclass(frozen=True, slots=True)
class Transcript:
    """All utterances of a call in order of time; `partial` when a recording was torn or still growing."""

    call_ref: str
    state: State
    model: str
    utterances: tuple[Utterance, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape of a transcript."""
        return {
            "call_ref": self.call_ref,
            "state": self.state,
            "model": self.model,
            "utterances": [utterance.to_json() for utterance in self.utterances],
        }

    @classmethod
    def from_json(cls, shape: Mapping[str, Any]) -> "Transcript":
        """Read what `to_json` gave. Raises TranscriptError where something is missing or of the wrong kind."""
        try:
            return cls(
                call_ref=str(shape["call_ref"]),
                state=_one_of(shape["state"], ("complete", "partial")),
                model=str(shape["model"]),
                utterances=tuple(_utterance(each) for each in shape["utterances"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise TranscriptError(f"this is no transcript: {type(error).__name__} {error}") from error


def _utterance(shape: Mapping[str, Any]) -> Utterance:
    return Utterance(
        speaker=_one_of(shape["speaker"], ("agent", "citizen")),
        start=float(shape["start"]),
        end=float(shape["end"]),
        text=str(shape["text"]),
        confidence=float(shape["confidence"]),
        words=tuple(
            Word(str(word["text"]), float(word["start"]), float(word["end"]), float(word["confidence"]))
            for word in shape["words"]
        ),
        recording_id=shape.get("recording_id"),
    )


def _one_of(value: object, allowed: tuple[str, ...]) -> Any:
    if value not in allowed:
        raise ValueError(f"{value!r} is none of {', '.join(allowed)}")
    return cast("Any", value)
