"""Names found by how they sound, since a recogniser errs by sound."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pypinyin import Style, lazy_pinyin
from rapidfuzz.distance import Levenshtein

_MIN_SYLLABLES_FOR_AN_EDIT = 4
_TWO = 2
_ALIKE_INITIALS = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("n", "l"))


@dataclass(frozen=True, slots=True)
class SoundHit:
    """`text[start:end]` sounds like `name`, with `edits` syllables wrong, missing or too many."""

    start: int
    end: int
    name: str
    edits: int


@lru_cache(maxsize=8192)
def syllables(text: str) -> tuple[str, ...]:
    """Give one toneless syllable a character (itself where it is no hanzi)."""
    return _read(text, Style.NORMAL)


@lru_cache(maxsize=8192)
def tonal_syllables(text: str) -> tuple[str, ...]:
    """Give one syllable with its tone number a character."""
    return _read(text, Style.TONE3)


def alike(syllable: str) -> str:
    """Fold what many speakers and most telephones do not tell apart: zh/z, ch/c, sh/s, n/l, -ng/-n."""
    for initial, plain in _ALIKE_INITIALS:
        if syllable.startswith(initial):
            syllable = plain + syllable[len(initial) :]
            break
    return syllable[:-1] if syllable.endswith("ng") else syllable


class SoundIndex:
    """Names by their pairs of neighbouring syllables; one wrong syllable in a name of four leaves one pair whole."""

    def __init__(self, names: Iterable[str]) -> None:
        self._sounds = {name: _folded(name) for name in names}
        self._pairs: dict[tuple[str, str], list[tuple[str, int]]] = {}
        for name, sounds in self._sounds.items():
            for at in range(len(sounds) - 1):
                self._pairs.setdefault((sounds[at], sounds[at + 1]), []).append((name, at))

    def find(self, text: str) -> list[SoundHit]:
        """Find where `text` sounds like a name: fewest edits first, then longest, then earliest; hits may overlap.

        Names of two or three syllables must sound right; longer ones may have one syllable wrong, missing or added.
        """
        heard = _folded(text)
        best: dict[tuple[int, int, str], int] = {}
        for at in range(len(heard) - 1):
            for name, offset in self._pairs.get((heard[at], heard[at + 1]), ()):
                sounds = self._sounds[name]
                allowed = 1 if len(sounds) >= _MIN_SYLLABLES_FOR_AN_EDIT else 0
                for start in range(max(0, at - offset - allowed), at - offset + allowed + 1):
                    for length in range(len(sounds) - allowed, len(sounds) + allowed + 1):
                        end = start + length
                        edits = Levenshtein.distance(sounds, heard[start:end])
                        # 紫荆小5栋: the 5 is no wrong syllable of the name.
                        if edits <= allowed and end <= len(heard) and (not edits or text[start:end].isalpha()):
                            best[start, end, name] = edits
        hits = [SoundHit(start, end, name, edits) for (start, end, name), edits in best.items()]
        return sorted(hits, key=lambda hit: (hit.edits, hit.start - hit.end, hit.start, hit.name))


def alike_enough(phrase: str, heard: str) -> bool:
    """Whether `heard`, of the same syllables but written otherwise, may stand for `phrase`.

    One syllable never does; two are common: there the tones must agree, or one character be the same.
    """
    if heard == phrase or len(phrase) < _TWO:
        return False
    same_sign = any(mine == theirs for mine, theirs in zip(phrase, heard, strict=True))
    return len(phrase) > _TWO or same_sign or tonal_syllables(phrase) == tonal_syllables(heard)


def _read(text: str, style: Style) -> tuple[str, ...]:
    read = tuple(lazy_pinyin(text, style=style, errors=_apart))
    if len(read) == len(text):
        return read
    return tuple(lazy_pinyin(sign, style=style, errors=_apart)[0] for sign in text)


def _apart(signs: str) -> Any:
    return list(signs)


@lru_cache(maxsize=8192)
def _folded(text: str) -> tuple[str, ...]:
    return tuple(alike(syllable) for syllable in syllables(text))
