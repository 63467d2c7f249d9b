"""Whether a unit must be phoned at once: danger words, less what is denied, supposed or over. In doubt, urgent."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from asr.draft.fields import Evidence, Field, once
from asr.draft.speech import HEARD_WELL, Said, citizens
from asr.draft.taxonomy import DangerRule, Taxonomy, UrgencyRules

SURE_STRENGTH, DOUBTFUL_STRENGTH, BY_SOUND_STRENGTH, NORMAL_STRENGTH = 0.95, 0.6, 0.5, 0.8

_ASKED = re.compile(r"(?:是不是|会不会|有没有|会不|担心|怕)[^，。？]{0,3}$")
_YES = re.compile(r"^(?:嗯|啊|，)*(?:有(?!没)|是的?(?!没|不)|对(?!不))")
_ALREADY = re.compile(r"(?:已经|都|早就|后来)[^，。？]{0,3}$")
_LIKENED = re.compile(r"了?(?:一样|似的|那样)")
_SUPPOSED_REACH = 10
_ONGOING_REACH = 4
ENQUIRY = "enquiry"


class _Standing(Enum):
    PRESENT = "said of now"
    DOUBTFUL = "asked, feared, or said of the past without being over"
    DENIED = "denied, only supposed, or over"


@dataclass(frozen=True, slots=True)
class _Danger:
    standing: _Standing
    strength: float
    confidence: float
    evidence: Evidence


def urgency(said: Sequence[Said], taxonomy: Taxonomy, otherwise: Field) -> Field:
    """Give `urgent` where a danger stands; else `normal` on the evidence of `otherwise` (what the call is about).

    Strengths: 0.95 for a sure rule, 0.6 for a doubtful rule, a question, a fear or the past, 0.5 for a word known by
    sound (words that were heard well are taken at their word); 0.8 for normal. What the citizen denied (没有漏电), only
    supposed (如果漏电), or told as over (上个月爆炸过, 已经修好了, 赔偿) makes nothing urgent, and is evidence for
    normal; in an enquiry what is asked or feared too. A yes to the agent's 有没有人受伤 is a danger.
    """
    spoken = citizens(said)
    top = taxonomy.top(otherwise.value) if otherwise.value in {matter.code for matter in taxonomy.matters} else ""
    dangers = [danger for at in range(len(spoken)) for danger in _dangers(spoken, at, taxonomy, top)]
    dangers += _affirmed(said, taxonomy)
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


def _dangers(spoken: Sequence[Said], at: int, taxonomy: Taxonomy, top: str) -> Iterator[_Danger]:
    each, rules = spoken[at], taxonomy.urgency
    around = "".join(near.text for near in spoken[max(0, at - 1) : at + 2])
    for hit in taxonomy.dangers.find(each.text):
        if hit.by_sound and each.confidence(hit.start, hit.end) >= HEARD_WELL:
            continue
        for rule in _rules_of(hit.name, rules):
            if top in rule.manner_of_speaking_in or (
                rule.objects and not any(thing in around for thing in rule.objects)
            ):
                continue
            standing = _standing(each, hit.start, hit.end, rule, rules)
            if standing is _Standing.DOUBTFUL and top == ENQUIRY:
                standing = _Standing.DENIED
            strength = SURE_STRENGTH if rule.sure else DOUBTFUL_STRENGTH
            if standing is _Standing.DOUBTFUL:
                strength = DOUBTFUL_STRENGTH
            if hit.by_sound:
                strength = BY_SOUND_STRENGTH
            evidence = each.evidence(*each.clause_at(hit.start))
            yield _Danger(standing, strength, each.confidence(hit.start, hit.end), evidence)


def _affirmed(said: Sequence[Said], taxonomy: Taxonomy) -> Iterator[_Danger]:
    """Give the danger that the agent asks for (有没有人受伤) where the citizen's next words are a yes."""
    for position, question in enumerate(said):
        if question.speaker != "agent" or not re.search(r"有没有|是否|吗|？", question.text):
            continue
        asked = [hit for hit in taxonomy.dangers.find(question.text) if not hit.by_sound]
        if not any(rule.sure and not rule.objects for hit in asked for rule in _rules_of(hit.name, taxonomy.urgency)):
            continue
        answer = next((each for each in said[position + 1 : position + 3] if each.speaker == "citizen"), None)
        if answer and (yes := _YES.match(answer.text)):
            evidence = answer.evidence(*answer.clause_at(0))
            yield _Danger(_Standing.PRESENT, SURE_STRENGTH, answer.confidence(*yes.span()), evidence)


def _rules_of(word: str, rules: UrgencyRules) -> list[DangerRule]:
    return [rule for rule in rules.rules if word in rule.words]


def _standing(each: Said, start: int, end: int, rule: DangerRule, rules: UrgencyRules) -> _Standing:
    clause_start, clause_end = each.clause_at(start)
    before, clause, after = each.text[clause_start:start], each.text[clause_start:clause_end], each.text[end:]
    if _ASKED.search(before):
        return _Standing.DOUBTFUL
    supposed = any(word in before[-_SUPPOSED_REACH:] for word in rules.supposed) or _LIKENED.match(after)
    if _denied(before, rules) or supposed:
        return _Standing.DENIED
    settled_at = _first(rules.settled, after)
    ongoing_at = _first(rules.ongoing, after)
    settled = settled_at is not None and (ongoing_at is None or settled_at < ongoing_at)
    if settled and _ALREADY.search(after[:settled_at]):
        return _Standing.DENIED
    past = any(word in clause for word in rules.past)
    over = after.startswith("过") or settled
    near = ongoing_at is not None and ongoing_at <= _ONGOING_REACH and not settled
    ongoing = near or any(word in before for word in rules.ongoing)
    if not rule.lasting and any(word in each.text for word in rules.aftermath):
        return _Standing.DENIED
    if ongoing or not (past or over):
        return _Standing.PRESENT
    return _Standing.DENIED if past and (over or not rule.lasting) else _Standing.DOUBTFUL


def _first(words: Sequence[str], text: str) -> int | None:
    return min((at for word in words if (at := text.find(word)) >= 0), default=None)


def _denied(before: str, rules: UrgencyRules) -> bool:
    bridge = "|".join(re.escape(word) for word in rules.negation_bridge)
    negation = "|".join(re.escape(word) for word in sorted(rules.negation, key=len, reverse=True))
    return re.search(rf"(?:{negation})(?:{bridge})*$", before) is not None
