"""A transcript as the draft reads it: each utterance's shown text, and the seconds behind every stretch of it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

from asr.audio.tracks import Speaker
from asr.draft.fields import Evidence
from asr.text.normalise import Shown, normalise_text, show
from asr.transcript import Transcript, Utterance

_CLAUSE = re.compile(r"[^，。？！；,;]+")


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance: `index` in the transcript, who said it, its shown text."""

    index: int
    utterance: Utterance
    shown: Shown

    @property
    def text(self) -> str:
        """The shown text, with its punctuation."""
        return self.shown.text

    @property
    def speaker(self) -> Speaker:
        """Who said it."""
        return self.utterance.speaker

    def clauses(self) -> Iterator[tuple[int, int]]:
        """Give start and end of each stretch between signs of punctuation."""
        return (found.span() for found in _CLAUSE.finditer(self.text))

    def clause_at(self, position: int) -> tuple[int, int]:
        """Give the clause that holds the sign at `position`."""
        return next(((start, end) for start, end in self.clauses() if start <= position < end), (0, len(self.text)))

    def evidence(self, start: int, end: int) -> Evidence:
        """Tie `text[start:end]` to its seconds; to the whole utterance where its words are not known."""
        words = [self.utterance.words[at] for at in self.shown.words_of(start, end)]
        first = words[0].start if words else self.utterance.start
        last = words[-1].end if words else self.utterance.end
        return Evidence(self.index, first, last, self.text[start:end], self.utterance.recording_id)

    def confidence(self, start: int, end: int) -> float:
        """Give the mean confidence of the words behind `text[start:end]`."""
        words = [self.utterance.words[at].confidence for at in self.shown.words_of(start, end)]
        return fmean(words) if words else self.utterance.confidence


def read_speech(transcript: Transcript, names: Iterable[str]) -> tuple[Said, ...]:
    """Give all utterances of a transcript that have text; `names` of places are kept whole."""
    names = tuple(names)
    said = (Said(at, each, _shown(each, names)) for at, each in enumerate(transcript.utterances))
    return tuple(each for each in said if each.text)


def citizens(said: Sequence[Said]) -> list[Said]:
    """Give what the citizen said."""
    return [each for each in said if each.speaker == "citizen"]


def asked_before(said: Sequence[Said], position: int, question: re.Pattern[str], reach: int = 4) -> Said | None:
    """Find the agent's latest question that `said[position]` may answer, at most `reach` utterances before."""
    for earlier in reversed(said[max(0, position - reach) : position]):
        if earlier.speaker == "agent" and question.search(earlier.text):
            return earlier
    return None


def _shown(utterance: Utterance, names: tuple[str, ...]) -> Shown:
    if utterance.words:
        return show(utterance.words, names)
    text = normalise_text(utterance.text, names)
    return Shown(text, (None,) * len(text))
