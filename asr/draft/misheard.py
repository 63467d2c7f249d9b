"""What a telephone makes of the number behind a place's name: 十一栋 → 是1栋, 四栋二单元 → 42单元, 六栋 → 流动."""

import re

from asr.text.sound import syllables

MISHEARD_STRENGTH = 0.6

# Behind a name nobody says 是一号: 是 is 十, and 就是 is 九十.
_TENS = re.compile(r"(就?是)(\d(?:号(?![码线])|栋))")
_DIGIT = {"是": "1", "就是": "9"}
_UNIT = re.compile(r"(1[3-9]|[2-9]|[12]\d)([1-9]单元)")  # no house has so many
_HOUSE = re.compile(r"(\d+)好(?![几多])")
_DIGIT_SOUNDS = {"er": "2", "san": "3", "si": "4", "wu": "5", "liu": "6", "qi": "7", "ba": "8", "jiu": "9"}


def number_behind_a_name(text: str, at: int, *, road: bool) -> tuple[int, str] | None:
    """Give where the number at `at`, right behind a name, ends and what was said; None where nothing is misheard there.

    `road`: the name is a road's, with houses.
    """
    if tens := _TENS.match(text, at):
        return tens.end(), _DIGIT[tens[1]] + tens[2]
    if unit := _UNIT.match(text, at):
        return unit.end(), f"{unit[1]}栋{unit[2]}"
    if road and (house := _HOUSE.match(text, at)):
        return house.end(), f"{house[1]}号"
    return None


def building_by_sound(words: str) -> str | None:
    """Give the building that two signs sound like, which are no number: 流动 is 6栋, 启动 7栋."""
    if len(words) != 2 or not words.isalpha():  # noqa: PLR2004 - a digit and 栋
        return None
    digit, building = syllables(words)
    return f"{_DIGIT_SOUNDS[digit]}栋" if building == "dong" and digit in _DIGIT_SOUNDS else None
