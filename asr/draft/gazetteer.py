from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from asr.errors import DraftConfigError
from asr.text.finding import Finder
from asr.text.sound import SoundIndex

KINDS = ("district", "street", "road", "community", "public_place")

_BY_SOUND_STRENGTH = (0.85, 0.6)


@dataclass(frozen=True, slots=True)
class Place:
    """A named place; `kind` is one of KINDS, `district` and `street` where the gazetteer is certain of them."""

    name: str
    kind: str
    district: str | None = None
    street: str | None = None


@dataclass(frozen=True, slots=True)
class PlaceHit:
    """`text[start:end]` means `place`; `strength` 1.0 as written, less by sound; `edits` syllables are not its own."""

    start: int
    end: int
    place: Place
    strength: float
    edits: int = 0


class Gazetteer:
    """Names of places, found in text as written and by sound; and the things that people name a spot by."""

    def __init__(self, places: Iterable[Place], landmarks: Iterable[str] = ()) -> None:
        self._by_name = {place.name: place for place in places}
        self._names = tuple(sorted(self._by_name, key=lambda name: (-len(name), name)))
        self._written = Finder(self._by_name)
        self._by_sound = SoundIndex(self._by_name)
        self.landmarks = tuple(sorted(set(landmarks), key=lambda name: (-len(name), name)))

    @property
    def names(self) -> tuple[str, ...]:
        """All names, longest first: what text normalisation must leave alone."""
        return self._names

    def place(self, name: str) -> Place | None:
        """Give the place of this very name, None where the gazetteer has none."""
        return self._by_name.get(name)

    def find(self, text: str) -> list[PlaceHit]:
        """Find the places that `text` names, in order and without overlap: as written first, then by sound.

        A name with a wrong or missing syllable counts only where no other name is as near.
        """
        taken = [False] * len(text)
        hits: list[PlaceHit] = []
        for found in sorted(self._written.find(text), key=lambda found: (found.start - found.end, found.start)):
            self._take(PlaceHit(found.start, found.end, self._by_name[found.name], 1.0), taken, hits)
        heard = self._by_sound.find(text)
        for hit in heard:
            rivals = {other.name for other in heard if other.edits == hit.edits and _overlap(other, hit)} - {hit.name}
            if hit.edits and rivals:
                continue
            place = self._by_name[hit.name]
            self._take(PlaceHit(hit.start, hit.end, place, _BY_SOUND_STRENGTH[hit.edits], hit.edits), taken, hits)
        return sorted(hits, key=lambda found: found.start)

    @staticmethod
    def _take(hit: PlaceHit, taken: list[bool], hits: list[PlaceHit]) -> None:
        if not any(taken[hit.start : hit.end]):
            taken[hit.start : hit.end] = [True] * (hit.end - hit.start)
            hits.append(hit)


def parse_places(shape: Mapping[str, Any], name: str) -> tuple[list[Place], list[str]]:
    """Read places and landmarks from a gazetteer file's TOML. Raises DraftConfigError that names `name`."""
    if unknown := set(shape) - {"region", "landmark", *KINDS}:
        raise DraftConfigError(f"{name}: unknown kind {min(unknown)!r}; known are {', '.join(KINDS)}, landmark")
    try:
        places = [
            Place(str(entry["name"]), kind, entry.get("district"), entry.get("street"))
            for kind in KINDS
            for entry in shape.get(kind, [])
        ]
        landmarks = [str(landmark) for landmark in shape.get("landmark", [])]
    except (KeyError, TypeError) as error:
        raise DraftConfigError(f"{name}: an entry has no name ({type(error).__name__} {error})") from error
    if any(not place.name.strip() for place in places):
        raise DraftConfigError(f"{name}: an entry has an empty name")
    return places, landmarks


def _overlap(left: Any, right: Any) -> bool:
    return bool(left.start < right.end and right.start < left.end)
