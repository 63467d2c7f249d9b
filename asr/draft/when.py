"""When it happened or began, in the citizen's words: 昨天晚上8点半, 上周三, 3月15日."""

import re
from collections.abc import Iterator, Sequence

from asr.draft.fields import Field
from asr.draft.speech import Said, asked

ANSWERED_STRENGTH, TOLD_STRENGTH = 0.95, 0.7

_DATE = (
    r"(?:(?:\d{4}年|去年|今年)?\d{1,2}月(?:\d{1,2}[日号]|份|初|中旬|底)?"
    r"|上{1,2}个?(?:周|星期|礼拜)[一二三四五六日天末]?|(?:这|本)?个?(?:周|星期|礼拜)[一二三四五六日天末]"
    r"|上个?月(?:\d{1,2}[日号]|初|底)?|大?前天|昨天|昨晚|今天|今早|今晚|前晚|刚才|刚刚|前几天|前段时间|去年|前年"
    r"|(?:[\d一二两三四五六七八九十半几]+)(?:多?个)?(?:多)?(?:天|小时|月|年|星期|周|礼拜)(?:以前|之前|前))"
)
_PERIOD = r"(?:凌晨|清晨|早上|早晨|上午|中午|下午|傍晚|晚上|夜里|半夜|夜间|深夜)"
_CLOCK = r"(?:\d{1,2}[点时](?:半|[一三]刻|\d{1,2}分?)?(?:多|钟)?|\d{1,2}:\d{2})"
_WHEN = re.compile(rf"{_DATE}{_PERIOD}?{_CLOCK}?|{_PERIOD}{_CLOCK}?|{_CLOCK}")
_FULL = re.compile(rf"(?!周|星期|礼拜){_DATE}")
_NOT_THEN = re.compile(r"(?:每天|每晚|天天|每个?|到|截止|能在|才能|营业到)$")


def happened_at(said: Sequence[Said]) -> Field:
    """Find when it happened, as said: nobody knows from the words alone which day 昨天 was.

    Strengths: 0.95 in the answer to 什么时候, 0.7 where the citizen tells it unasked.
    """
    found = [field for position in range(len(said)) for field in _told(said, position)]
    return max(found, key=lambda field: field.confidence, default=Field())


def _told(said: Sequence[Said], position: int) -> Iterator[Field]:
    each = said[position]
    if each.speaker != "citizen":
        return
    answered = "time" in asked(said, position, reach=2)
    for match in _WHEN.finditer(each.text):
        if not answered and (not _FULL.match(match.group()) or _NOT_THEN.search(each.text[: match.start()])):
            continue
        strength = ANSWERED_STRENGTH if answered else TOLD_STRENGTH
        yield Field(match.group(), strength * each.confidence(*match.span()), (each.evidence(*match.span()),))
