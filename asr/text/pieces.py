"""An utterance's text cut where its words are: what is doubtful can be seen, and each word can be played."""

from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from asr.text.normalise import WordSpan, show
from asr.transcript import Word

DOUBTFUL_BELOW = 0.9
"""Right words have a mean confidence of 0.99, wrong ones of 0.75 (measured): below this a word is shown as doubtful."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text: its seconds in the recording, and how sure its least sure word is; None where none is known.

    A sign of punctuation belongs to the word before it.
    """

    text: str
    start: float | None = None
    end: float | None = None
    confidence: float | None = None

    @property
    def doubtful(self) -> bool:
        """Say whether somebody should listen to it."""
        return self.confidence is not None and self.confidence < DOUBTFUL_BELOW


def pieces(text: str, words: Sequence[Word]) -> tuple[Piece, ...]:
    """Cut a text that `show` made of these words; joined, the pieces are the text.

    The links are those of `show`. A text that it would write otherwise today, since names of places were added or
    rules changed, keeps the links of what is the same in both.
    """
    parts: list[tuple[str, WordSpan | None]] = []
    for sign, link in zip(text, _links(text, words), strict=True):
        last = parts[-1] if parts else None
        if last and (link is None or (last[1] is not None and link[0] <= last[1][1])):
            parts[-1] = (last[0] + sign, last[1])
        else:
            parts.append((sign, link))
    return tuple(_piece(part, link, words) for part, link in parts)


def _piece(text: str, link: WordSpan | None, words: Sequence[Word]) -> Piece:
    if link is None:
        return Piece(text)
    behind = words[link[0] : link[1] + 1]
    return Piece(text, behind[0].start, behind[-1].end, min(word.confidence for word in behind))


def _links(text: str, words: Sequence[Word]) -> Sequence[WordSpan | None]:
    shown = show(words)
    if shown.text == text:
        return shown.links
    links: list[WordSpan | None] = []
    for kind, first, last, start, end in SequenceMatcher(None, shown.text, text, autojunk=False).get_opcodes():
        if kind == "equal":
            links += shown.links[first:last]
        else:
            behind = shown.words_of(first, last)
            links += [(behind[0], behind[-1]) if behind else None] * (end - start)
    return links
