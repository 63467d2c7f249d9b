"""One speaker's sound → utterances: what batch and live decoding share, so that both hear the same words.

Runs in a decoding process: it imports Vosk.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from vosk import KaldiRecognizer, Model

from asr.audio import Resampler, Samples
from asr.speechlike import Nearby
from asr.transcript import Word

STEP_SECONDS = 0.2
"""Vosk looks for the end of an utterance once a call: a fixed step keeps utterances reproducible."""

QUIET_PEAK = 16
"""No sample louder than this is no sound: idle A-law is ±8, −66 dB of full scale is below any line's noise."""

QUIET_STEPS = 4
"""So many quiet steps between utterances are decoded, further ones are not: in a call one of the two is mostly silent,
and the bundled model takes longer for silence than for speech."""

LEAD_STEPS = 2
"""So many of the quiet steps before a sound are decoded after all: a word may begin below its own loudness."""

CONTEXT_STEPS = 2
"""What the recognizer may not have looked at yet when it ends an utterance; a cut must have quiet on both sides."""

CONTEXT_SECONDS = 0.4
"""The recognizer has not looked at the last so much of what it was given: its network's context and two chunks."""

PAUSE_SECONDS = 1.0
"""A speaker who is silent for longer begins a new utterance. The recognizer ends one in silence, but not in the other's
echo or in voices of the room: words of minutes apart came as one, and a question seemed asked before its answer."""

Heard = list[list[Any]]
"""The words of one utterance: [word, start, end, confidence], seconds of the recording."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one step brought: the utterances that ended in it, in order, and up to where the track is settled.

    `settled_seconds` is None where no utterance ended: what is being spoken would be lost by resuming here.
    """

    utterances: tuple[Heard, ...] = ()
    settled_seconds: float | None = None


def settled(position: float, last_word_end: float | None) -> float:
    """Return where decoding may resume when an utterance ended at `position`: nothing lost, no word heard twice."""
    return round(max(position - CONTEXT_SECONDS, last_word_end or 0.0, 0.0), 6)


def skips(quiet_run: int, open_steps: int) -> bool:
    """Whether to leave a quiet step out: nobody speaks, and what was said before is settled.

    `quiet_run`: quiet steps in a row, this one too; `open_steps`: steps decoded since the last utterance ended.
    """
    return quiet_run > QUIET_STEPS and quiet_run > open_steps + CONTEXT_STEPS


def quiet(samples: Samples) -> bool:
    """Whether nothing can be heard in these samples."""
    return int(samples.max(initial=0)) <= QUIET_PEAK and int(samples.min(initial=0)) >= -QUIET_PEAK


def utterances(words: Sequence[Word]) -> tuple[Heard, ...]:
    """Divide the words that one speaker said at the speaker's own pauses."""
    divided: list[Heard] = []
    last_end = -math.inf
    for word in words:
        if word.start - last_end > PAUSE_SECONDS:
            divided.append([])
        divided[-1].append([word.text, word.start, word.end, word.confidence])
        last_end = word.end
    return tuple(divided)


class Hearing:
    """A recognizer that is fed by 0.2 s; `rate` is the model's, other sound is resampled to it.

    `start_seconds`: where the sound begins in the recording; all times told are the recording's.
    """

    def __init__(self, model: Model, rate: int, start_seconds: float = 0.0) -> None:
        self._rate = rate
        self._start = start_seconds
        self._recognizer = KaldiRecognizer(model, rate)
        self._recognizer.SetWords(True)
        self._nearby = Nearby(rate, start_seconds)
        self._resampler: Resampler | None = None
        self._waiting = np.zeros(0, np.int16)
        self._taken = 0  # of _waiting
        self._held = 0  # of the samples taken: quiet ones of which it is not decided whether to decode them
        self._owed = 0  # steps to decode, quiet or not
        self._decoded = 0
        self._skipped = 0
        self._quiet_run = CONTEXT_STEPS  # steps in a row without a sound
        self._open_steps = 0  # steps since the last utterance ended
        self._ended = False

    @property
    def position(self) -> float:
        """How far the track is heard, in seconds of the recording."""
        return round(self._start + (self._decoded + self._skipped + self._held) / self._rate, 6)

    @property
    def hungry(self) -> bool:
        """Whether `step` needs more sound."""
        return not self._ended and self._waiting.size - self._taken < self._step_size

    def put(self, samples: Samples, rate: int) -> None:
        """Take the next sound, int16 mono at `rate`, which may change in between."""
        if self._resampler is None or self._resampler.rate != rate:
            self._flush()
            self._resampler = Resampler(rate, self._rate)
        self._append(self._resampler.feed(samples))

    def end(self) -> None:
        """No sound follows: the last steps may be short."""
        self._flush()
        self._ended = True

    def step(self) -> Step | None:
        """Decode the next 0.2 s; None where there is not so much (after `end`: nothing at all)."""
        size = min(self._step_size, self._waiting.size - self._taken)
        if size < self._step_size and not (self._ended and size):
            return None
        samples = self._waiting[self._taken : self._taken + size]
        self._taken += size
        self._quiet_run = self._quiet_run + 1 if quiet(samples) or self._nearby.faint(samples) else 0
        if self._owed:
            self._owed -= 1
        elif skips(self._quiet_run, self._open_steps):
            self._held += size
            self._skip(self._held - LEAD_STEPS * self._step_size)
            return Step(settled_seconds=max(self._start, settled(self.position - self._held / self._rate, None)))
        elif self._held:  # a sound after silence: what leads to it comes first
            self._owed = self._held // self._step_size
            self._taken -= self._held + size
            self._held = 0
            return self.step()
        self._open_steps += 1
        self._decoded += size
        if not self._recognizer.AcceptWaveform(samples.tobytes()):
            return Step()
        self._open_steps = 0
        return self._utterance(self._recognizer.Result())

    def final(self) -> Step:
        """Return what was still being spoken at the end; the track is settled to its end."""
        self._skip(self._held)
        last = self._utterance(self._recognizer.FinalResult())
        return Step(last.utterances, self.position)

    def partial(self) -> str:
        """Return the words since the last utterance ended, as recognised so far."""
        text: str = json.loads(self._recognizer.PartialResult())["partial"]
        return text

    @property
    def _step_size(self) -> int:
        return int(self._rate * STEP_SECONDS)

    def _utterance(self, result: str) -> Step:
        shift = self._start + self._skipped / self._rate
        heard = [
            Word(word["word"], word["start"] + shift, word["end"] + shift, word["conf"])
            for word in json.loads(result).get("result", ())
        ]
        end = heard[-1].end if heard else None
        return Step(utterances(self._nearby.keep(heard)), max(self._start, settled(self.position, end)))

    def _skip(self, samples: int) -> None:
        """Leave out so many of the samples held, the oldest."""
        if samples > 0:
            self._skipped += samples
            self._held -= samples

    def _flush(self) -> None:
        if self._resampler is not None:
            self._append(self._resampler.flush())

    def _append(self, samples: Samples) -> None:
        self._nearby.put(samples)
        self._waiting = np.concatenate([self._waiting[self._taken - self._held :], samples])
        self._taken = self._held
