"""What a corpus call is: who said what, and what a right draft says of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from asr.audio import Speaker

FIELDS = (
    *("category", "place", "district", "street", "urgency", "complexity"),
    *("contact_phone", "contact_name", "happened_at", "respondent"),
)


@dataclass(frozen=True, slots=True)
class Line:
    """One turn: what a speaker says in hanzi, a comma for a pause."""

    speaker: Speaker
    text: str


@dataclass(frozen=True, slots=True)
class Truth:
    """What a right draft holds: None where nothing was said; `unscored` fields have more than one fair answer."""

    fields: Mapping[str, str | None]
    unscored: frozenset[str] = frozenset()
    place_also: tuple[str, ...] = ()
    """Other right texts of the place: with the thing that stands there, 15号 → 15号超市."""

    category_also: tuple[str, ...] = ()
    """Other top codes under which a dispatcher could as well file it: 井盖 road, public-facilities."""

    sub: str | None = None
    """The second half of the category's code, where it is clear."""


@dataclass(frozen=True, slots=True)
class CallText:
    """One call as text; `voices` are espeak-ng variants, `seed` is that of its sound."""

    name: str
    lines: tuple[Line, ...]
    truth: Truth
    voices: Mapping[Speaker, str]
    seed: int

    def spoken_by(self, speaker: Speaker) -> str:
        """Return all that one speaker says, hanzi alone."""
        return "".join(line.text for line in self.lines if line.speaker == speaker).replace("，", "")
