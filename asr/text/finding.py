"""Many names looked for in one pass, as written and by sound: Aho-Corasick over characters and over syllables."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

import ahocorasick

from asr.text.sound import alike_enough, syllables

_FIRST_SIGN = 0xF0000  # private use: a sign for each syllable, so that a name's sound is a text too


@dataclass(frozen=True, slots=True)
class Found:
    """`text[start:end]` is `name`, or only sounds like it."""

    start: int
    end: int
    name: str
    by_sound: bool = False


class Finder:
    """Finds every occurrence of every name; those of `by_sound` also where a text is written otherwise."""

    def __init__(self, names: Iterable[str], by_sound: Iterable[str] = ()) -> None:
        self._written = ahocorasick.Automaton()
        self._heard = ahocorasick.Automaton()
        self._signs: dict[str, str] = {}
        for name in dict.fromkeys(names):
            if name:
                self._written.add_word(name, name)
        alike: dict[str, list[str]] = {}
        for name in dict.fromkeys(by_sound):
            if name:
                alike.setdefault("".join(self._sign(each) for each in syllables(name)), []).append(name)
        for sound, same in alike.items():
            self._heard.add_word(sound, same)
        for automaton in (self._written, self._heard):
            if len(automaton):
                automaton.make_automaton()

    def find(self, text: str) -> list[Found]:
        """Give all hits, overlapping ones too: what is written first, each kind in order of its end."""
        hits: list[Found] = []
        if len(self._written):
            hits += [Found(end + 1 - len(name), end + 1, name) for end, name in self._written.iter(text)]
        if len(self._heard):
            sounds = "".join(self._signs.get(each, "\0") for each in syllables(text))
            for end, names in self._heard.iter(sounds):
                for name in names:
                    start = end + 1 - len(name)
                    if alike_enough(name, text[start : end + 1]):
                        hits.append(Found(start, end + 1, name, by_sound=True))
        return hits

    def _sign(self, syllable: str) -> str:
        return self._signs.setdefault(syllable, chr(_FIRST_SIGN + len(self._signs)))


@lru_cache(maxsize=8)
def finder_of(names: tuple[str, ...]) -> Finder:
    """Give a finder of written names; the same names give the same one."""
    return Finder(names)
