"""Was that said into this telephone? Pure rules against words that nobody said.

Three kinds, measured on tests/benchmarks' corpus calls, on tones, music, clicks and on foreign speech: the other
speaker's echo and voices in the room, which are words but far fainter than the speaker; sounds that are no speech,
heard as a word or two of low confidence; speech in a language the model does not know, heard as a row of unsure words.
"""

import math
from collections import deque
from collections.abc import Sequence

import numpy as np

from asr.audio import Samples
from asr.transcript import Word

LOUD_SHARE, LOUD_WORDS = 0.1, 3
"""A speaker's loudness is the level that this share of their words reaches, three at most: one shout does not raise it,
and a greeting of three words is enough to tell all the other speaker's echo after it from the speaker."""

FRAMES_A_SECOND, REMEMBERED_SECONDS = 100, 120
"""How finely a meter reads, and how far back it knows: an utterance is forced to end long before."""

FAINT_DB = 18.0
"""Words this far below the speaker's loudness are not theirs. On 60 corpus calls, 88 % of the wrong characters and
0.1 % of the right ones lie below; the quietest words really said reach 11 dB below."""

REMEMBERED_WORDS = 200
"""From so many words of a track its loudness is taken while it goes on."""

SLOWEST_SECONDS_A_SIGN = 1.2
"""A word that takes longer for each of its characters was no speech but a tone or a hum."""

SHORT_SIGNS, SHORT_CONFIDENCE = 3, 0.7
"""An utterance of so few characters that is less sure than this was a click, a tone or a cough."""

STRANGE_WORDS, STRANGE_CONFIDENCE = 8, 0.8
"""So many words with a lower mean confidence are no Chinese that the model knows: English, German, French, Russian and
Japanese speech reach 0.73, the worst Chinese track of the corpus 0.89."""


class Meter:
    """How loud a track is, read while its samples pass; `start` is the time of the first one, seconds."""

    def __init__(self, rate: int, start: float = 0.0) -> None:
        self._step = rate // FRAMES_A_SECOND
        self._first = round(start * FRAMES_A_SECOND)  # the number of the first frame that is kept
        self._powers = np.zeros(0, np.float32)
        self._rest = np.zeros(0, np.int16)

    def put(self, samples: Samples) -> None:
        """Take the samples that follow."""
        waiting = np.concatenate([self._rest, samples])
        whole = len(waiting) // self._step * self._step
        frames = waiting[:whole].astype(np.float32).reshape(-1, self._step)
        powers = np.concatenate([self._powers, np.mean(frames**2, axis=1)])
        self._powers = powers[-REMEMBERED_SECONDS * FRAMES_A_SECOND :]
        self._first += len(powers) - len(self._powers)
        self._rest = waiting[whole:]

    def level(self, start: float, end: float) -> float:
        """Return the mean power from `start` to `end` (seconds) in dB of one int16 step squared; 0 where none is."""
        first, last = (max(0, round(at * FRAMES_A_SECOND) - self._first) for at in (start, end))
        part = self._powers[first:last]
        return 10 * float(np.log10(1.0 + (float(part.mean()) if part.size else 0.0)))

    def levels(self, words: Sequence[Word]) -> list[float]:
        """Return each word's level."""
        return [self.level(word.start, word.end) for word in words]


def loudness(levels: Sequence[float]) -> float:
    """Return how loud a speaker speaks, in dB, from the levels of the words of one track so far (at least one)."""
    return sorted(levels)[-min(LOUD_WORDS, math.ceil(LOUD_SHARE * len(levels)))]


def said_here(words: Sequence[Word], levels: Sequence[float], loud: float) -> tuple[Word, ...]:
    """Return the words of one utterance that were said into this telephone; () where none was.

    `levels` are the words' own in dB, `loud` is the track's `loudness`.
    """
    near = tuple(word for word, level in zip(words, levels, strict=True) if level >= loud - FAINT_DB)
    signs = sum(len(word.text) for word in near)
    unsure = signs <= SHORT_SIGNS and _mean_confidence(near) < SHORT_CONFIDENCE
    return () if unsure else near


class Nearby:
    """Keeps to what is said into one telephone, while the call goes on: give it all sound, then each utterance.

    What is said before the speaker's own first words has nothing to be compared with and stays: the other's greeting.
    """

    def __init__(self, rate: int, start: float = 0.0) -> None:
        self._meter = Meter(rate, start)
        self._levels: deque[float] = deque(maxlen=REMEMBERED_WORDS)
        self._faintest_power = 0.0
        self._frame = rate // FRAMES_A_SECOND

    def put(self, samples: Samples) -> None:
        """Take the samples that follow, also those that nobody decodes."""
        self._meter.put(samples)

    def faint(self, samples: Samples) -> bool:
        """Whether no part of these samples reaches the level of the speaker's words: `keep` would drop any word."""
        whole = len(samples) // self._frame * self._frame
        frames = samples[:whole].astype(np.float32).reshape(-1, self._frame)
        loudest = float(np.einsum("ij,ij->i", frames, frames).max(initial=0.0)) / self._frame
        return loudest < self._faintest_power

    def keep(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """Return which words of the utterance that just ended were said here."""
        spoken = [word for word in words if word.end - word.start <= SLOWEST_SECONDS_A_SIGN * len(word.text)]
        levels = self._meter.levels(spoken)
        if not spoken:
            return ()
        self._levels += levels
        loud = loudness(tuple(self._levels))
        self._faintest_power = 10 ** ((loud - FAINT_DB) / 10)
        return said_here(spoken, levels, loud)


def understood(words: Sequence[Word]) -> bool:
    """Whether one speaker's words of a call so far are speech that the model knows; too few words count as known."""
    return len(words) < STRANGE_WORDS or _mean_confidence(words) >= STRANGE_CONFIDENCE


def _mean_confidence(words: Sequence[Word]) -> float:
    return sum(word.confidence for word in words) / len(words) if words else 0.0
