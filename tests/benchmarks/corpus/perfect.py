"""What a recogniser without fault would have heard: the corpus text in the model's own words."""

from collections.abc import Iterable
from pathlib import Path

from asr.audio import Speaker
from asr.text import show
from asr.transcript import Transcript, Utterance, Word
from tests.benchmarks.corpus.call import CallText

LONGEST_WORD = 12
SYLLABLE_SECONDS, COMMA_SECONDS, TURN_SECONDS = 0.2, 0.45, 0.6
CONFIDENCE = 0.99


def model_words(model: Path) -> frozenset[str]:
    """Return the words that an unpacked model knows."""
    with (model / "graph/words.txt").open(encoding="utf-8") as lines:
        return frozenset(line.split()[0] for line in lines)


def in_words(text: str, vocabulary: frozenset[str]) -> list[str] | None:
    """Cut a text into the fewest words of the vocabulary; None where that cannot be done."""
    best: list[list[str] | None] = [[]]
    for end in range(1, len(text) + 1):
        found: list[str] | None = None
        for start in range(max(0, end - LONGEST_WORD), end):
            before = best[start]
            fewer = before is not None and (found is None or len(before) + 1 < len(found))
            if before is not None and fewer and text[start:end] in vocabulary:
                found = [*before, text[start:end]]
        best.append(found)
    return best[-1]


def perfect_transcript(call: CallText, vocabulary: frozenset[str], names: Iterable[str]) -> Transcript:
    """Transcribe a call from its text. Raises ValueError for a text that the model cannot hear."""
    names = tuple(names)
    utterances, at = [], 0.5
    for line in call.lines:
        words, at = _words(line.text, at, vocabulary)
        utterances.append(_utterance(line.speaker, words, names))
        at += TURN_SECONDS
    return Transcript(call.name, "complete", "perfect", tuple(utterances))


def _words(text: str, at: float, vocabulary: frozenset[str]) -> tuple[tuple[Word, ...], float]:
    words: list[Word] = []
    for phrase in text.split("，"):
        cut = in_words(phrase, vocabulary)
        if cut is None:
            raise ValueError(f"the model does not know all words of {phrase!r}")
        for word in cut:
            end = at + SYLLABLE_SECONDS * len(word)
            words.append(Word(word, round(at, 3), round(end, 3), CONFIDENCE))
            at = end
        at += COMMA_SECONDS
    return tuple(words), at - COMMA_SECONDS


def _utterance(speaker: Speaker, words: tuple[Word, ...], names: tuple[str, ...]) -> Utterance:
    return Utterance(speaker, words[0].start, words[-1].end, show(words, names).text, CONFIDENCE, words)
