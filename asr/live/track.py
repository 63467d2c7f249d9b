"""One speaker of a running call in the decoding process: sound in, what is to be told out."""

import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from vosk import Model

from asr.hearing import Hearing, Step
from asr.live.sound import Ending, TrackSound

READ_SECONDS = 2.0
POLL_SECONDS = 0.05
"""How often a file that did not grow is looked at."""

SILENCE_SECONDS = 15.0
"""After so much settled silence it is told, so that nobody need hear it again."""

ONSET_SECONDS = 0.6
"""How long after a word begins it shows in a partial result: one step, and what the recognizer looks ahead."""

Message = dict[str, Any]


class TrackFollower:
    """Decodes one step at a time, as far as there is sound. Messages: `heard` and `partial`."""

    def __init__(self, model: Model, rate: int, sound: TrackSound) -> None:
        self._hearing = Hearing(model, rate, sound.position)
        self._sound = sound
        self._told_seconds = sound.position
        self._partial = ""
        self._partial_start = 0.0
        self._look_at = 0.0
        self._to_tell: deque[Message] = deque()
        self._decoded = False
        self.ending: Ending | None = None

    @property
    def done(self) -> bool:
        """Whether the track is decoded to its end, and all of it told."""
        return self._decoded and not self._to_tell

    @property
    def position(self) -> float:
        """How far the track is decoded, in seconds."""
        return self._hearing.position

    def finish(self) -> None:
        """Decode what is left: the recording is complete."""
        self.ending = self._sound.finish()
        self._look_at = 0.0

    def close(self) -> None:
        """Give the files back."""
        self._sound.close()

    def steps(self, count: int) -> Iterator[Message]:
        """Decode up to so many steps, as far as there is sound; a message each, {} when there is nothing to tell."""
        while count and (message := self._step()) is not None:
            yield message
            count -= 1

    def _step(self) -> Message | None:
        if self._to_tell:
            return self._to_tell.popleft()
        if self._decoded:
            return None
        if self._hearing.hungry:
            self._feed()
        step = self._hearing.step()
        if step is not None:
            return self._spoken_so_far() if step.settled_seconds is None else self._settled(step, step.settled_seconds)
        if self._hearing.hungry:
            return None
        self._decoded = True
        return self._heard(self._hearing.final(), self.position)

    def _feed(self) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        samples, rate = self._sound.read(READ_SECONDS)
        if samples.size:
            self._hearing.put(samples, rate)
        elif self.ending is None:
            self._look_at = now + POLL_SECONDS
        else:
            self._hearing.end()

    def _settled(self, step: Step, seconds: float) -> Message:
        self._partial = ""
        if not step.utterances and seconds - self._told_seconds < SILENCE_SECONDS:
            return {}
        return self._heard(step, seconds)

    def _heard(self, step: Step, seconds: float) -> Message:
        """Tell what was said. Whoever stores one utterance and dies resumes at its end, before the next one."""
        self._told_seconds = seconds
        said = step.utterances or ([],)
        settled = [*(words[-1][2] for words in said[:-1]), seconds]
        self._to_tell.extend(
            {"kind": "heard", "words": words, "seconds": at} for words, at in zip(said, settled, strict=True)
        )
        return self._to_tell.popleft()

    def _spoken_so_far(self) -> Message:
        if not self._hearing.hungry:
            return {}  # more sound waits, and will say more
        text = self._hearing.partial()
        if not text or text == self._partial:
            return {}
        if not self._partial:
            self._partial_start = max(0.0, self.position - ONSET_SECONDS)
        self._partial = text
        return {"kind": "partial", "text": text, "start": round(self._partial_start, 2), "seconds": self.position}


def addressed(message: Mapping[str, Any], number: int, speaker: str) -> Message:
    """Say whose message it is."""
    return {**message, "number": number, "speaker": speaker}
