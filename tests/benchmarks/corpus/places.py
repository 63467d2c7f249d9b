"""Places as citizens say them, each with the text, district and street that a right draft holds."""

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tomllib import loads
from typing import Any

from asr.training.sentences import DIGITS, said_number

HUNDRED = 100
DISTRICT_SAID, STREET_SAID = 0.3, 0.3
"""How often the district is said, and of these, where it is known, the street too."""

KINDS: tuple[tuple[str, float], ...] = (
    ("house", 0.28),
    ("house_relation", 0.16),
    ("crossing", 0.14),
    ("building", 0.22),
    ("community_relation", 0.07),
    ("public_place", 0.06),
    ("landmark", 0.07),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the gazetteer is certain of for a name."""

    district: str | None = None
    street: str | None = None


@dataclass(frozen=True, slots=True)
class SaidPlace:
    """A place: as it is said, and what a draft should make of it. `head` + `rest` = `said`, where it splits."""

    head: str
    rest: str
    text: str
    district: str | None
    street: str | None

    @property
    def said(self) -> str:
        """The whole of it, said in one go."""
        return self.head + self.rest


def read_known(folder: Path) -> dict[str, Known]:
    """Read which district and street each name of the gazetteer files lies in."""
    known: dict[str, Known] = {}
    for path in sorted(folder.glob("*.toml")):
        for entries in loads(path.read_text(encoding="utf-8")).values():
            for entry in entries if isinstance(entries, list) else ():
                if isinstance(entry, dict):
                    known[entry["name"]] = Known(entry.get("district"), entry.get("street"))
    return known


def draw_place(pool: Mapping[str, Sequence[str]], known: Mapping[str, Known], chance: random.Random) -> SaidPlace:
    """Draw a place from a set's own names; a district that is said never contradicts the gazetteer."""
    kind = chance.choices([name for name, _ in KINDS], [share for _, share in KINDS])[0]
    names, rest, written = _DRAW[kind](pool, known, chance)
    facts = _facts(names, known)
    district, street, prefix = facts.district, facts.street, ""
    if chance.random() < DISTRICT_SAID:
        if chance.random() < STREET_SAID and street:
            prefix = street
        district = district or chance.choice(list(pool["district"]))
        prefix = district + prefix
    return SaidPlace(prefix + names[0], rest, names[0] + written, district, street)


Drawn = tuple[list[str], str, str]
Pool = Mapping[str, Sequence[str]]


def _facts(names: Sequence[str], known: Mapping[str, Known]) -> Known:
    each = [known.get(name, Known()) for name in names]
    districts, streets = {e.district for e in each if e.district}, {e.street for e in each if e.street}
    return Known(
        districts.pop() if len(districts) == 1 else None,
        streets.pop() if len(streets) == 1 else None,
    )


def _number(chance: random.Random) -> tuple[str, str]:
    number = chance.choice((chance.randint(2, 30), chance.randint(2, 99), chance.randint(100, 399)))
    one_by_one = number > HUNDRED and chance.random() < 1 / 2
    return "".join(DIGITS[int(d)] for d in str(number)) if one_by_one else said_number(number), str(number)


def _road(pool: Pool, chance: random.Random) -> str:
    return chance.choice([*pool["road"], *pool["unlisted_road"]])


def _house(pool: Pool, _known: Mapping[str, Known], chance: random.Random) -> Drawn:
    said, written = _number(chance)
    return [_road(pool, chance)], said + "号", written + "号"


def _house_relation(pool: Pool, known: Mapping[str, Known], chance: random.Random) -> Drawn:
    names, said, written = _house(pool, known, chance)
    relation = chance.choice(list(pool["relation"]))
    return names, said + relation, written + relation


def _crossing(pool: Pool, known: Mapping[str, Known], chance: random.Random) -> Drawn:
    """Two roads of which the gazetteer does not say that they lie in two districts."""
    while True:
        one, two = chance.sample(list(pool["road"]), 2)
        both = [known.get(one, Known()), known.get(two, Known())]
        if len({k.district for k in both if k.district}) < len(both) and len(
            {k.street for k in both if k.street}
        ) < len(both):
            word = chance.choice(("和", "与"))
            end = chance.choice(("路口", "交叉口", "的十字路口"))
            return [one, two], word + two + end, "和" + two + "路口"


def _building(pool: Pool, _known: Mapping[str, Known], chance: random.Random) -> Drawn:
    building, unit, room = (
        chance.randint(1, 28),
        chance.randint(1, 4),
        chance.randint(2, 9) * 100 + chance.randint(1, 6),
    )
    depth = chance.randint(1, 3)
    said, written = said_number(building) + "栋", f"{building}栋"
    if depth > 1:
        said, written = said + said_number(unit) + "单元", written + f"{unit}单元"
    if depth > 2:  # with the room
        said, written = said + "".join(DIGITS[int(d)] for d in str(room)), written + str(room)
    return [chance.choice(list(pool["community"]))], said, written


def _community_relation(pool: Pool, _known: Mapping[str, Known], chance: random.Random) -> Drawn:
    relation = chance.choice(list(pool["relation"]))
    return [chance.choice(list(pool["community"]))], relation, relation


def _public_place(pool: Pool, _known: Mapping[str, Known], chance: random.Random) -> Drawn:
    relation = chance.choice(["", *pool["relation"]])
    return [chance.choice(list(pool["public_place"]))], relation, relation


def _landmark(pool: Pool, _known: Mapping[str, Known], chance: random.Random) -> Drawn:
    spot = chance.choice(list(pool["landmark"])) + chance.choice(list(pool["relation"]))
    return [chance.choice(list(pool["road"]))], spot, spot


_DRAW: dict[str, Any] = {
    "house": _house,
    "house_relation": _house_relation,
    "crossing": _crossing,
    "building": _building,
    "community_relation": _community_relation,
    "public_place": _public_place,
    "landmark": _landmark,
}
