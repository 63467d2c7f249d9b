"""Where spoken numbers become digits: by context only, since 一直, 二环路 and 十分危险 hold numerals too."""

import re
from dataclasses import dataclass

_DIGITS = {"零": 0, "〇": 0, "幺": 1, "一": 1, "二": 2, "两": 2, "三": 3, "四": 4, "五": 5}
_DIGITS |= {"六": 6, "七": 7, "八": 8, "九": 9}
_SCALES = {"十": 10, "百": 100, "千": 1000}
_PLAIN = "零〇幺一二三四五六七八九"
_NUMERAL = _PLAIN + "两十百千"

NAME_MASK = "\ue000"
"""What stands in the text for each character of a name that must not be changed."""

_DIGIT_RUN = re.compile(rf"(?<![{_NUMERAL}万亿])[{_PLAIN}]{{3,}}+(?![{_NUMERAL}万亿])")
_RANGE = r"[到至](?=\d+(?:单元|[号栋楼室月日点]))"
_COUNTED = re.compile(
    rf"(?<![{_NUMERAL}万亿第])(?P<numeral>[{_NUMERAL}]++)(?P<unit>单元|平方米?|公里|[号栋幢楼层室月日年点分块元米]|{_RANGE})"
)
_BARE_MINUTES = re.compile(
    r"(?<=\d点)(?P<numeral>[二三四五]?十[一二三四五六七八九]?|零[一二三四五六七八九])(?![个人天号楼多名位次件分万])"
)
_PER_CENT = re.compile(rf"百分之(?P<numeral>[{_NUMERAL}]++)(?![点万亿])")
_GUESSED = re.compile(r"[个天人次年名位]")

_TIME_BEFORE = re.compile(
    r"(?:早上|上午|中午|下午|晚上|傍晚|凌晨|半夜|夜里|夜间|今早|今晚|昨晚|今天|昨天|明天|前天|每天|\d[号日]|周\S|星期\S|礼拜\S)$"
)
_TIME_PREPOSITION = re.compile(r"[从到至在早晚]$")
_TEN_MINUTES = r"十分(?=钟|左右|$|[，。？])"
_TIME_AFTER = re.compile(
    rf"半|钟|整|左右|[一三]刻|{_TEN_MINUTES}|(?!十分)[{_NUMERAL}\d]{{1,3}}分|(?:[二三四五]?十[一二三四五六七八九]?|零[一-九])$"
)
_LOOSE_TIME_AFTER = re.compile(r"多|以后|之后|以前|之前|到|至|前|后|开始")
_POINTS = re.compile(r"建议|意见|要求|问题|原因|诉求|希望")


@dataclass(frozen=True, slots=True)
class Edit:
    """`text[start:end]` is to be shown as `digits`; where lengths agree, characters correspond one to one."""

    start: int
    end: int
    digits: str


def number_edits(text: str) -> list[Edit]:
    """Find the numerals of `text` that people would write as digits. Edits do not overlap and come in order.

    Rules: runs of three or more plain digits (telephone, house and room numbers, years); numerals before
    年 月 日 号 栋 幢 单元 楼 室, and before 点 and 分 where they tell the time; 百分之二十 is 20%.
    """
    edits = [
        Edit(*found.span(), _plain(found.group()))
        for found in _DIGIT_RUN.finditer(text)
        if not (_rises(found.group()) and _GUESSED.match(text, found.end()))
    ]
    edits += [
        Edit(*found.span("numeral"), digits)
        for found in _COUNTED.finditer(text)
        if all(edit.start != found.start() for edit in edits) and (digits := _decide(text, found))
    ]
    for found in _PER_CENT.finditer(text):
        digits = _as_digits(found["numeral"])
        if digits and all(edit.end <= found.start() or edit.start >= found.end() for edit in edits):
            edits.append(Edit(*found.span(), f"{digits}%"))
    for found in _BARE_MINUTES.finditer(text):
        value = parse(found["numeral"])
        if value is not None and all(edit.start != found.start() for edit in edits):
            edits.append(Edit(*found.span("numeral"), f"{value:02d}"))
    return sorted(edits, key=lambda edit: edit.start)


def parse(numeral: str) -> int | None:
    """Read a Chinese numeral up to 9999 (十五, 一百二十, 两千零五, 二百五 = 250); None where it is none."""
    total, digit, last_scale, zero = 0, None, 10_000, False
    for sign in numeral:
        if sign in _SCALES:
            scale = _SCALES[sign]
            if scale >= last_scale or (digit is None and scale != _SCALES["十"]) or digit == 0:
                return None
            total += (1 if digit is None else digit) * scale
            digit, last_scale, zero = None, scale, False
        elif sign in "零〇":
            if zero or digit is not None or not total:
                return None
            zero = True
        else:
            if digit is not None:
                return None
            digit = _DIGITS[sign]
    if digit is None:
        return None if zero else total
    if not zero and last_scale in (_SCALES["百"], _SCALES["千"]):
        return total + digit * last_scale // 10
    return total + digit


def _decide(text: str, found: re.Match[str]) -> str | None:
    numeral, unit = found["numeral"], found["unit"]
    before, after = text[: found.start()], text[found.end() :]
    if unit == "年":
        # 三年, 二十年 are lengths of time; 二六年 is a year.
        plain = len(numeral) == 2 and numeral[1] in _PLAIN and numeral[0] in _PLAIN  # noqa: PLR2004 - two signs
        return _as_digits(numeral) if plain else None
    digits = _as_digits(numeral)
    if digits is None:
        return None
    fits = {
        "号": not after.startswith(("码", "召", "称", "令")),
        "栋": before.endswith(NAME_MASK)
        or (not re.match(r"楼(?![上下道顶])|房", after) and not before.endswith(("这", "那", "有", "整", "每", "几"))),
        "楼": not before.endswith(("这", "那", "每")),
        "层": not before.endswith(("这", "那", "每")) and not after.startswith(("次", "楼")),
        # 一块 is "together", 两米 a guess as often as not: amounts and lengths of two signs and more are meant exactly.
        **dict.fromkeys(("块", "元", "米", "平方", "平方米", "公里"), len(numeral) > 1),
        "室": re.match(rf"[{_NUMERAL}]厅", after) is None,
        "月": 1 <= int(digits) <= 12 and numeral != "两" and not before.endswith("每"),  # noqa: PLR2004 - months
        "日": 1 <= int(digits) <= 31,  # noqa: PLR2004 - days
        "点": int(digits) <= 24 and _tells_hour(numeral, before, after),  # noqa: PLR2004 - hours
        "分": (
            re.search(rf"[{_NUMERAL}\d]点$", before) is not None
            and (numeral != "十" or re.match(_TEN_MINUTES[2:], after) is not None)
        )
        or after.startswith("钟"),
    }
    return digits if fits.get(unit, True) else None


def _tells_hour(numeral: str, before: str, after: str) -> bool:
    if _POINTS.match(after):
        return False
    if _TIME_BEFORE.search(before) or _TIME_AFTER.match(after):
        return True
    loose = _TIME_PREPOSITION.search(before) or _LOOSE_TIME_AFTER.match(after)
    return numeral != "一" and loose is not None


def _as_digits(numeral: str) -> str | None:
    if any(sign in _SCALES for sign in numeral):
        value = parse(numeral)
        return None if value is None else str(value)
    if len(numeral) == 1:
        return str(_DIGITS[numeral])
    if "两" in numeral or (len(numeral) == 2 and _rises(numeral)):  # noqa: PLR2004 - two signs
        return None  # 五六号, 两三栋: a guess of the speaker's, no number
    return _plain(numeral)


def _rises(numeral: str) -> bool:
    values = [_DIGITS[sign] for sign in numeral]
    return "幺" not in numeral and values == list(range(values[0], values[0] + len(values)))


def _plain(numeral: str) -> str:
    return "".join(str(_DIGITS[sign]) for sign in numeral)
