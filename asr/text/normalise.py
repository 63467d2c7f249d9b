import re
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from asr.text.finding import finder_of
from asr.text.numbers import NAME_MASK, number_edits
from asr.text.punctuation import COMMA_GAP_SECONDS, sentence_end
from asr.transcript import Word

_CJK = r"\u2e80-\u303f\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff00-\uffef"
_NEEDLESS_SPACE = re.compile(rf"(?<=[{_CJK}])\s+|\s+(?=[{_CJK}])")
_CJK_SIGN = re.compile(rf"[{_CJK}]")
_FIXED = re.compile(r"统一|唯一|同一|单一|专一|万一|(?:周|星期|礼拜)[一二三四五六日]")

WordSpan = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Shown:
    """Text as people read it; `links[i]`: first and last word behind character i, None for an added sign."""

    text: str
    links: tuple[WordSpan | None, ...]

    def words_of(self, start: int, end: int) -> range:
        """Give the indices of the words behind `text[start:end]`; an empty range where there are none."""
        linked = [link for link in self.links[start:end] if link is not None]
        return range(min(first for first, _ in linked), max(last for _, last in linked) + 1) if linked else range(0)


def tidy(text: str) -> str:
    """Take out the spaces between and beside Chinese signs; other runs of white space become one space."""
    return _NEEDLESS_SPACE.sub("", re.sub(r"\s+", " ", text).strip())


def normalise_text(text: str, names: Iterable[str] = ()) -> str:
    """Join Chinese signs and write spoken numbers as digits; `names` (of places) are never changed.

    Pure, throws for no text, and a second application changes nothing.
    """
    joined = tidy(text)
    return _convert(joined, tuple((at, at) for at in range(len(joined))), tuple(names))[0]


def show(words: Sequence[Word], names: Iterable[str] = ()) -> Shown:
    """Write one utterance as people read it: joined, digits, a comma at each pause, a full stop or question mark."""
    text, links = _joined(words)
    names = tuple(names)
    text, links = _convert(text, links, names)
    if not text:
        return Shown("", ())
    text, shown_links = _with_commas(text, links, words, _protected(text, names))
    return Shown(text + sentence_end(text), (*shown_links, None))


def _joined(words: Sequence[Word]) -> tuple[str, tuple[WordSpan, ...]]:
    signs: list[str] = []
    links: list[WordSpan] = []
    for index, word in enumerate(words):
        text = tidy(word.text)
        if not text:
            continue
        if signs and not (_CJK_SIGN.match(signs[-1]) or _CJK_SIGN.match(text[0])):
            signs.append(" ")
            links.append((index, index))
        signs.extend(text)
        links.extend([(index, index)] * len(text))
    return "".join(signs), tuple(links)


def _protected(text: str, names: Sequence[str]) -> list[bool]:
    """Mark the characters that belong to a name; every occurrence of every name, also where names overlap."""
    marked = [False] * len(text)
    for found in finder_of(tuple(names)).find(text):
        marked[found.start : found.end] = [True] * (found.end - found.start)
    return marked


def _convert(text: str, links: tuple[WordSpan, ...], names: Sequence[str]) -> tuple[str, tuple[WordSpan, ...]]:
    # Each round turns at least one numeral into digits, so this ends; what it leaves, it would leave again.
    while True:
        hidden = _protected(text, names)
        for found in _FIXED.finditer(text):
            hidden[found.start() : found.end()] = [True] * len(found.group())
        masked = "".join(NAME_MASK if hide else sign for sign, hide in zip(text, hidden, strict=True))
        edits = number_edits(masked)
        if not edits:
            return text, links
        for edit in reversed(edits):
            old = links[edit.start : edit.end]
            new = old if len(old) == len(edit.digits) else ((old[0][0], old[-1][1]),) * len(edit.digits)
            text = text[: edit.start] + edit.digits + text[edit.end :]
            links = links[: edit.start] + new + links[edit.end :]


def _with_commas(
    text: str, links: tuple[WordSpan, ...], words: Sequence[Word], protected: Sequence[bool]
) -> tuple[str, tuple[WordSpan | None, ...]]:
    pauses = [at for at in range(1, len(words)) if words[at].start - words[at - 1].end > COMMA_GAP_SECONDS]
    signs: list[str] = []
    shown: list[WordSpan | None] = []
    for at, sign in enumerate(text):
        if at and sign != " " and bisect_right(pauses, links[at][0]) > bisect_right(pauses, links[at - 1][1]):
            inside_number = sign.isdigit() and text[at - 1].isdigit()
            inside_name = protected[at] and protected[at - 1]
            if not (inside_number or inside_name):
                signs.append("，")
                shown.append(None)
        signs.append(sign)
        shown.append(links[at])
    return "".join(signs), tuple(shown)
