"""Whether a unit must be phoned at once: danger words, less what is denied or over. In doubt, urgent and doubtful."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from asr.draft.fields import Evidence, Field, once
from asr.draft.speech import Said, citizens
from asr.draft.taxonomy import DangerRule, Taxonomy, UrgencyRules
from asr.text.sound import sounds_like

SURE_STRENGTH, DOUBTFUL_STRENGTH, BY_SOUND_STRENGTH, NORMAL_STRENGTH = 0.95, 0.6, 0.5, 0.8

_ASKED = re.compile(r"(?:是不是|会不会|有没有|会不)[^，。？]{0,3}$")


class _Standing(Enum):
    PRESENT = "said of now"
    DOUBTFUL = "asked, or said of the past without being over"
    DENIED = "denied or over"


@dataclass(frozen=True, slots=True)
class _Danger:
    standing: _Standing
    strength: float
    confidence: float
    evidence: Evidence


def urgency(said: Sequence[Said], taxonomy: Taxonomy, otherwise: Field) -> Field:
    """Give `urgent` where a danger stands; else `normal` on the evidence of `otherwise` (what the call is about).

    Strengths: 0.95 for a sure rule, 0.6 for a doubtful rule, a question or the past, 0.5 for a word known by sound;
    0.8 for normal. What the citizen denied (没有漏电) or told as over (上个月爆炸过) makes nothing urgent and is
    evidence for normal.
    """
    spoken = citizens(said)
    dangers = [danger for at in range(len(spoken)) for danger in _dangers(spoken, at, taxonomy.urgency)]
    standing = [danger for danger in dangers if danger.standing is not _Standing.DENIED]
    if standing:
        confidence = max(danger.strength * danger.confidence for danger in standing)
        return Field("urgent", confidence, once([danger.evidence for danger in standing]))
    denied = [danger.evidence for danger in dangers]
    evidence = once([*otherwise.evidence, *denied])
    if not evidence:
        return Field()
    heard = [danger.confidence for danger in dangers] or [otherwise.confidence]
    return Field("normal", NORMAL_STRENGTH * max(heard), evidence)


def _dangers(spoken: Sequence[Said], at: int, rules: UrgencyRules) -> Iterator[_Danger]:
    each = spoken[at]
    around = "".join(near.text for near in spoken[max(0, at - 1) : at + 2])
    for rule in rules.rules:
        for start, end, by_sound in _found(each.text, rule):
            if rule.objects and not any(thing in around for thing in rule.objects):
                continue
            standing = _standing(each, start, end, rules)
            strength = SURE_STRENGTH if rule.sure else DOUBTFUL_STRENGTH
            if standing is _Standing.DOUBTFUL:
                strength = DOUBTFUL_STRENGTH
            if by_sound:
                strength = BY_SOUND_STRENGTH
            evidence = each.evidence(*each.clause_at(start))
            yield _Danger(standing, strength, each.confidence(start, end), evidence)


def _found(text: str, rule: DangerRule) -> Iterator[tuple[int, int, bool]]:
    for word in rule.words:
        for found in re.finditer(re.escape(word), text):
            yield *found.span(), False
        for start, end in sounds_like(word, text):
            yield start, end, True


def _standing(each: Said, start: int, end: int, rules: UrgencyRules) -> _Standing:
    clause_start, clause_end = each.clause_at(start)
    before, clause = each.text[clause_start:start], each.text[clause_start:clause_end]
    if _ASKED.search(before):
        return _Standing.DOUBTFUL
    if _denied(before, rules):
        return _Standing.DENIED
    past = any(word in clause for word in rules.past)
    ongoing = any(word in each.text for word in rules.ongoing)
    over = each.text.startswith("过", end) or any(word in each.text[end:] for word in rules.settled)
    if ongoing or not (past or over):
        return _Standing.PRESENT
    return _Standing.DENIED if past and over else _Standing.DOUBTFUL


def _denied(before: str, rules: UrgencyRules) -> bool:
    bridge = "|".join(re.escape(word) for word in rules.negation_bridge)
    negation = "|".join(re.escape(word) for word in sorted(rules.negation, key=len, reverse=True))
    return re.search(rf"(?:{negation})(?:{bridge})*$", before) is not None
