"""What a telephone makes of the number behind a place's name: 十一栋 → 是1栋, 四栋二单元 → 42单元, 三百号 → 300好."""

import re

MISHEARD_STRENGTH = 0.6

# Behind a name nobody says 是一号: 是 is 十, and 就是 is 九十.
_TENS = re.compile(r"(就?是)(\d(?:号(?![码线])|栋))")
_DIGIT = {"是": "1", "就是": "9"}
_UNIT = re.compile(r"(1[3-9]|[2-9]|[12]\d)([1-9]单元)")  # no house has so many
_HOUSE = re.compile(r"(\d+)好(?![几多])")


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
