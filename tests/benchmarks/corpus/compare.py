"""When a draft's value is right: pure rules, the same for every set and for recognised and perfect text."""

import re
from collections.abc import Mapping

from tests.benchmarks.corpus.call import FIELDS, Truth

TENS = {"十": 10, "百": 100, "千": 1000}
NUMERALS = {**{c: n for n, c in enumerate("零一二三四五六七八九")}, "〇": 0, "幺": 1, "两": 2}
NUMBER = re.compile("[零一二三四五六七八九〇幺两十百千]+")
SIGNS = re.compile(r"[\s，。、！？,.!?：:的]")
SAME_WORD = (
    ("幢", "栋"),
    ("号楼(?![道上下顶])", "栋"),
    ("大门口", "门口"),
    ("十字路口", "路口"),
    ("交叉口", "路口"),
    ("交汇处", "路口"),
    ("与", "和"),
    ("跟", "和"),
)
LEAD = re.compile(r"^(?:四川省?)?(?:成都市|成都(?=.{1,3}[区县]))?")  # 成都东站 is a name
ROOM_END = re.compile(r"(?<=\d)室$")
NO_NAME = frozenset({"匿名", "保密", "姓名保密"})


def same_text(text: str) -> str:
    """Bring a place or a moment to one spelling: digits, no punctuation, no 的, one word for 栋/幢/号楼 and 路口."""
    plain = SIGNS.sub("", text)
    for word, usual in SAME_WORD:
        plain = re.sub(word, usual, plain)
    return NUMBER.sub(lambda found: _digits(found[0]), plain)


def _digits(said: str) -> str:
    if not TENS.keys() & set(said):
        return "".join(str(NUMERALS[sign]) for sign in said)
    total, digit = 0, 1 if said[0] in TENS else 0
    for sign in said:
        if sign in TENS:
            total, digit = total + (digit or 1) * TENS[sign], 0
        else:
            digit = NUMERALS[sign]
    return str(total + digit)


def same_place(got: str, truth: str, region: tuple[str, ...] = ()) -> bool:
    """Whether two texts lead a unit to the same spot.

    The same named road, community or public place, the same numbers (号, 栋, 单元, room), the same second road of a
    crossing (in either order), the same relation (门口, 对面 …) and the same thing to find it by. Spelling and
    punctuation do not count, nor does a `region` (the district and the street) said before it: those are fields
    of their own.
    """
    return _spot(got, region) == _spot(truth, region)


def _spot(text: str, region: tuple[str, ...]) -> str:
    plain = LEAD.sub("", same_text(text))
    for name in region:
        plain = plain.removeprefix(same_text(name))
    plain = ROOM_END.sub("", plain)
    crossing = re.fullmatch(r"(.*[^和])和(.+)路口", plain)
    return "和".join(sorted(crossing.groups())) + "路口" if crossing else plain


def right(field: str, got: str | None, truth: Truth) -> bool:
    """Whether a draft's value is right; None is right exactly where nothing was said."""
    wanted = truth.fields[field]
    if field == "contact_name" and got in NO_NAME:
        got = None
    if got is None or wanted is None:
        return got is wanted
    match field:
        case "category":
            return got.partition(".")[0] in {wanted, *truth.category_also}
        case "place":
            region = tuple(name for name in (truth.fields["district"], truth.fields["street"]) if name)
            return any(same_place(got, each, region) for each in (wanted, *truth.place_also))
        case "contact_phone":
            return re.sub(r"\D", "", got) == wanted
        case "happened_at":
            return same_text(got) == same_text(wanted)
        case _:
            return got == wanted


def scored(got: Mapping[str, str | None], truth: Truth) -> dict[str, bool]:
    """Give the verdict on every field that has one fair answer."""
    return {field: right(field, got.get(field), truth) for field in FIELDS if field not in truth.unscored}
