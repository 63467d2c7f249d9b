"""The number to call back: a telephone number, or the digits that follow the agent's question for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from rapidfuzz.distance import Levenshtein

from asr.draft.fields import Field, once
from asr.draft.speech import Said, asked, asked_of, asks
from asr.text.sound import syllables

WHOLE_STRENGTH, UNASKED_STRENGTH, JOINED_STRENGTH, DOUBTFUL_STRENGTH = 0.98, 0.85, 0.85, 0.5
INCOMPLETE_STRENGTH, LEAST_DIGITS, MOST_SLIPS = 0.3, 7, 2

_OWN_WORD = re.compile(r"电话|手机|号码|打给我|联系我")
# 工业和信息化部《电信网编号计划》(2017): mobile numbers 1[3-9] and nine digits; trunk 0, area code, 7 or 8 digits.
_MOBILE = re.compile(r"1[3-9]\d{9}")
_MOBILE_WITHIN = re.compile(rf"(?=({_MOBILE.pattern}))")
_LANDLINE = re.compile(r"0(?:10|2\d)\d{8}|0[3-9]\d{2}\d{7,8}")
_LOCAL = re.compile(r"[2-8]\d{6,7}")
_SIGNS = {"零": "0", "〇": "0", "幺": "1", "一": "1", "二": "2", "三": "3", "四": "4", "五": "5"}
_SIGNS |= {"六": "6", "七": "7", "八": "8", "九": "9"} | {str(digit): str(digit) for digit in range(10)}
_SOUNDS = {"ling": "0", "yao": "1", "yi": "1", "er": "2", "san": "3", "si": "4", "wu": "5", "liu": "6", "lu": "6"}
_SOUNDS |= {"qi": "7", "ba": "8", "jiu": "9"}
_SKIPPED = "，、。 -"
_CORRECTION = re.compile(r"不对|不是|错了|说错|重新说|更正|应该是")
_YES = re.compile(r"^(?:嗯|啊|，)*(?:对(?!不)|是的?(?!没|不)|没错|没问题|可以)")


@dataclass(frozen=True, slots=True)
class _Digits:
    said: Said
    start: int
    end: int
    digits: str
    sure: bool


def phone(said: Sequence[Said]) -> Field:
    """Find the contact number among the citizen's words.

    Strengths: 0.98 a whole number after the question 电话 (or the citizen's own word), 0.85 unasked or put together
    from several utterances, 0.5 with a digit known only by its sound or taken from a longer run, 0.3 where fewer or
    more digits were heard than a number has. What stands before a correction (不对，是…) counts no more, nor does a
    number that the citizen says again in the same breath with a digit or two changed (等一下，我看看). A number that
    the agent reads back and the citizen affirms is as good as a whole one; what the citizen does not object to is as
    good as one put together, where it is nearly what was heard and that is no number.
    """
    corrected = _corrected(said)
    found = _numbers(said, *corrected) or (_numbers(said, 0, 0) if any(corrected) else [])
    return max(found, key=lambda field: field.confidence, default=Field())


def _numbers(said: Sequence[Said], begin: int, after: int) -> list[Field]:
    """Give the candidates from the sign `after` of utterance `begin` on."""
    later = range(begin, len(said))
    found = [
        candidate
        for position in later
        if said[position].speaker == "citizen"
        for candidate in _whole(
            said[position], after if position == begin else 0, asked_for="phone" in asked(said, position)
        )
    ]
    joined = [candidate for position in later if (candidate := _joined(said, position))]
    # 156, then 56920377: the second alone would be a local number.
    whole = [each for each in found if not any(_ends(longer, each) for longer in joined)]
    return [*whole, *joined, *(candidate for position in later if (candidate := _read_back(said, position)))]


def _ends(longer: Field, shorter: Field) -> bool:
    one, other = longer.value or "", shorter.value or ""
    return one != other and one.endswith(other) and _number(one, local=True) == one


def _corrected(said: Sequence[Said]) -> tuple[int, int]:
    """Find where the last correction that is followed by a number ends: utterance and sign; (0, 0) without one."""
    found = (0, 0)
    for position, each in enumerate(said):
        if each.speaker == "citizen":
            longest = [run for run in _runs(each) if len(run.digits) >= LEAST_DIGITS]
            told = [match.end() for match in _CORRECTION.finditer(each.text)]
            again = [later.start for earlier, later in pairwise(longest) if _said_again(earlier.digits, later.digits)]
            ends = [end for end in (*told, *again) if any(run.start >= end for run in longest)]
            found = (position, max(ends)) if ends else found
    return found


def _said_again(earlier: str, later: str) -> bool:
    """Whether two whole numbers are one, with a slip put right."""
    whole = all(_number(digits, local=True) == digits for digits in (earlier, later))
    return whole and 0 < Levenshtein.distance(earlier, later) <= MOST_SLIPS


def _read_back(said: Sequence[Said], position: int) -> Field | None:
    """Take the number that the agent repeats, where the citizen's next words affirm it or at least do not deny it."""
    if said[position].speaker != "agent" or position + 1 >= len(said):
        return None
    answer = said[position + 1]
    if answer.speaker != "citizen" or _CORRECTION.search(answer.text):
        return None
    runs = [run for run in _runs(said[position]) if _number(run.digits, local=True) == run.digits and run.sure]
    if not runs:
        return None
    told = [run for each in said[:position] if each.speaker == "citizen" for run in _runs(each)]
    heard = [run for run in told if len(run.digits) >= LEAST_DIGITS] or told
    if not heard:
        return None
    affirmed = _YES.match(answer.text) is not None
    if not affirmed and not _slip(heard[-1].digits, runs[0].digits):
        return None
    evidence = once(
        [*(run.said.evidence(run.start, run.end) for run in (heard[-1], runs[0])), answer.evidence(0, len(answer.text))]
    )
    strength = WHOLE_STRENGTH if affirmed else JOINED_STRENGTH
    return Field(runs[0].digits, strength * runs[0].said.confidence(runs[0].start, runs[0].end), evidence)


def _slip(heard: str, number: str) -> bool:
    """Whether what was heard is no number itself, and nearly this one: a 二 beside a 二 is easily lost."""
    return _number(heard, local=True) is None and Levenshtein.distance(heard, number) <= MOST_SLIPS


def _whole(each: Said, begin: int, *, asked_for: bool) -> list[Field]:
    context = asked_for or _OWN_WORD.search(each.text) is not None
    fields = []
    for run in _runs(each):
        if run.start < begin:
            continue
        match = _number(run.digits, local=context)
        if match is None:
            continue
        strength = WHOLE_STRENGTH if context else UNASKED_STRENGTH
        if not run.sure or match != run.digits:
            strength = DOUBTFUL_STRENGTH
        fields.append(_field(match, strength, [run]))
    return fields


def _joined(said: Sequence[Said], position: int) -> Field | None:
    """Put together what the citizen says after the agent's question until the agent asks something else."""
    question = said[position]
    if question.speaker != "agent" or not asks("phone", question.text):
        return None
    runs: list[_Digits] = []
    for each in said[position + 1 : position + 9]:
        if each.speaker == "agent" and asked_of(each) and not asks("phone", each.text):
            break
        if each.speaker == "citizen":
            runs += _runs(each)
        if len("".join(run.digits for run in runs)) >= 11:  # noqa: PLR2004 - digits of a mobile number
            break
    digits = "".join(run.digits for run in runs)
    if len(digits) < LEAST_DIGITS:
        return None
    if _number(digits, local=True) == digits:
        strength = JOINED_STRENGTH if all(run.sure for run in runs) else DOUBTFUL_STRENGTH
        return _field(digits, strength, runs)
    return _field(digits, INCOMPLETE_STRENGTH, runs)


def _number(digits: str, *, local: bool) -> str | None:
    for pattern in (_MOBILE, _LANDLINE, *([_LOCAL] if local else [])):
        if pattern.fullmatch(digits):
            return digits
    # What stands before a number is taken for digits (打 → 八), not what follows it: the last one is it.
    inside = [found[1] for found in _MOBILE_WITHIN.finditer(digits)]
    return inside[-1] if inside else None


def _runs(each: Said) -> list[_Digits]:
    text, sounds = each.text, syllables(each.text)
    runs: list[_Digits] = []
    at = 0
    while at < len(text):
        # 要三八…: the first 1 of a mobile number, heard as another word.
        misheard = sounds[at] in ("yao", "yi") and len(text) > at + 2 and {text[at + 1], text[at + 2]} <= _SIGNS.keys()
        if text[at] not in _SIGNS and not misheard:
            at += 1
            continue
        start, end, digits, sure = at, at, "", True
        if text[at] not in _SIGNS:
            end, digits, sure, at = at + 1, "1", False, at + 1
        while at < len(text):
            if text[at] in _SIGNS:
                digits, end = digits + _SIGNS[text[at]], at + 1
            elif sounds[at] in _SOUNDS and at + 1 < len(text) and text[at + 1] in _SIGNS and len(digits) > 1:
                digits, sure = digits + _SOUNDS[sounds[at]], False
            elif text[at] not in _SKIPPED:
                break
            at += 1
        # One digit before a measure (3天, 5栋) is no part of a number.
        if len(digits) > 1 or end >= len(text.rstrip("，。？")):
            runs.append(_Digits(each, start, end, digits, sure))
    return runs


def _field(value: str, strength: float, runs: Sequence[_Digits]) -> Field:
    heard = fmean(run.said.confidence(run.start, run.end) for run in runs)
    return Field(value, strength * heard, once([run.said.evidence(run.start, run.end) for run in runs]))
