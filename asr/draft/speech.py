"""A transcript as the draft reads it: each utterance's shown text, and the seconds behind every stretch of it."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from statistics import fmean

from rapidfuzz.distance import Levenshtein

from asr.audio.tracks import Speaker
from asr.draft.fields import Evidence
from asr.text.normalise import Shown, normalise_text, show
from asr.transcript import Transcript, Utterance

HEARD_WELL = 0.9
"""Right words have a mean confidence of 0.99, wrong ones of 0.75: above this, nothing else is looked for by sound."""

ECHO_LIKENESS, SHORTEST_ECHO = 0.75, 4
"""From which share of signs in common, and in texts of how many signs, one speech was heard on both tracks: 好的 may be
said by two at once."""

SURER = 0.03
"""By so much more confidence must the agent be heard for a citizen's words to be an echo of them. Else the agent's
are the echo: words of the citizen lost are worse than words of the agent told twice."""

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

    def words(self) -> list[tuple[int, int]]:
        """Give start and end, in the text, of each stretch that the same words stand behind; added signs have none."""
        spans = [(link, [at for at, _ in signs]) for link, signs in groupby(enumerate(self.shown.links), itemgetter(1))]
        return [(signs[0], signs[-1] + 1) for link, signs in spans if link is not None]

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
    """Give all utterances of a transcript that have text, echoes left out; `names` of places are kept whole."""
    names = tuple(names)
    said = [Said(at, each, _shown(each, names)) for at, each in enumerate(transcript.utterances)]
    spoken = [each for each in said if each.text]
    return tuple(each for each in spoken if not any(_is_echo(each, other) for other in _around(each, spoken)))


def _around(each: Said, spoken: Sequence[Said]) -> list[Said]:
    """Give what the other one says at the same time."""
    here = each.utterance
    return [
        other
        for other in spoken
        if other.speaker != each.speaker and other.utterance.start < here.end and here.start < other.utterance.end
    ]


def _is_echo(each: Said, other: Said) -> bool:
    """Whether the line brought the other's words back: the same, at the same time, heard worse."""
    alike = (
        len(each.text) >= SHORTEST_ECHO and Levenshtein.normalized_similarity(each.text, other.text) >= ECHO_LIKENESS
    )
    mine, theirs = (one.confidence(0, len(one.text)) for one in (each, other))
    worse = theirs - mine > SURER if each.speaker == "citizen" else mine - theirs <= SURER
    return alike and worse


def citizens(said: Sequence[Said]) -> list[Said]:
    """Give what the citizen said."""
    return [each for each in said if each.speaker == "citizen"]


_KINDS = {
    "phone": re.compile(r"电话|号码|手机|联系方式|怎么联系"),
    "name": re.compile(r"贵姓|姓名|怎么称呼|如何称呼|您姓什么|姓什么|您叫什么"),
    "place": re.compile(
        r"哪里|哪儿|位置|地址|地[点方]|门牌|几号|多少号|具体|在哪|[哪那][1一]?[个栋幢条]|几[栋单]|楼[号栋]"
    ),
    "time": re.compile(r"什么时候|何时|几点|哪天|哪一天|什么时间|多久|多长时间|时间是"),
    "respondent": re.compile(r"哪家|店名|什么店|公司名|叫什么名字|哪个(?:公司|学校|单位|医院|物业)|投诉谁|对方"),
}


def asked(said: Sequence[Said], position: int, reach: int = 4) -> frozenset[str]:
    """Give what the agent's latest question asks for that `said[position]` may answer; empty where none is near.

    Kinds: phone, name, place, time, respondent. An agent's 嗯 or 好的 between question and answer does not count.
    """
    for earlier in reversed(said[max(0, position - reach) : position]):
        if earlier.speaker == "agent":
            kinds = asked_of(earlier)
            if kinds:
                return kinds
    return frozenset()


def asked_of(question: Said) -> frozenset[str]:
    """Give what an agent's words ask for: phone, name, place, time, respondent."""
    return frozenset(kind for kind, pattern in _KINDS.items() if pattern.search(question.text))


def asks(kind: str, text: str) -> bool:
    """Whether an agent's words ask for `kind`."""
    return _KINDS[kind].search(text) is not None


def _shown(utterance: Utterance, names: tuple[str, ...]) -> Shown:
    if utterance.words:
        return show(utterance.words, names)
    text = normalise_text(utterance.text, names)
    return Shown(text, (None,) * len(text))
