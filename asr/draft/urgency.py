"""Whether a unit must be phoned at once: danger words, less what is denied, supposed or over; likeness to dangers."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import takewhile

from asr.draft.examples import URGENT
from asr.draft.fields import Evidence, Field, once
from asr.draft.speech import HEARD_WELL, Said, citizens
from asr.draft.taxonomy import DangerRule, Taxonomy, UrgencyRules
from asr.draft.telling import Clause, telling, utterances
from asr.text.finding import Found
from asr.text.sound import syllables

SURE_STRENGTH, DOUBTFUL_STRENGTH, BY_SOUND_STRENGTH, NORMAL_STRENGTH = 0.95, 0.6, 0.5, 0.8

_ASKED = re.compile(r"(?:是不是|会不会|(?<!没)有没有|会不|担心|怕)[^，。？]{0,3}$")
_FEARS = re.compile("(?<![害恐可])怕|担心")
_YES = re.compile(r"^(?:嗯|啊|，)*(?:有(?!没)|是的?(?!没|不)|对(?!不))")
_NO = re.compile(r"没有?(?:人|什么|事|受|被|伤|呢|的|啊|[，。？]|$)|没得|不[是会]|安全")
_NOT_YET = re.compile(r"(?:[能要会等请才快]|希望|马上|赶紧|什么时候|怎么)[^，。？]{0,3}$")
_FOUND_SAFE = re.compile(r"[查看][^。？]{0,6}没有?(?:什么|任何)?(?:问题|危险|事|[，。？只])")
_LIKENED = ("一样", "似的", "那样", "了一样", "了似的", "了那样")
_ASKS_NOW = re.compile("现在(?=想|要问|问|来问)")
_SUPPOSED_REACH = 10
_BURSTING = re.compile("(?:脑壳|脑袋|耳朵|肺)[都快就要得爆]+$")
_CAME_TRUE = re.compile("结果|才发现|没想到|竟然|真的")
_ONGOING_REACH = 4
_QUESTION = re.compile(r"有没有|是否|吗|？")
HARDLY_HEARD = 0.8
LIKE_TWO_SURE, LIKE_ONE_SURE, LIKE_DOUBTFUL, LIKE_UNJUDGED, LIKE_TAKEN_BACK = -0.03, 0.02, 0.06, 0.07, 0.12
"""How like the emergencies of dangers.toml (0 is neither way) a call must be to be urgent: where two sure dangers were
said; where one was; where doubtful ones were; where none was; where what was said is denied, feared or asked.
Chosen on the dev sets and tests/asr/draft/dangers.toml together: in each of them true calls lie above, nearly all
others below."""

NEARLY = 0.04
"""So much above what one sure danger needs, it is still shown as doubtful."""

ALIKE_STRENGTH, SHORTEST_ALIKE = 0.5, 4
STRETCH, STRETCH_STEP, STRETCH_LESS = 28, 7, 0.1
"""Beside the utterance that tells most, so many signs are compared with the examples at a time: in all that is said,
much of it courtesy, one sentence of danger would be lost. They count for less: the most alarming of many is so by
chance."""

LIKE_IN_SPITE = 0.3
"""So like emergencies, a call is one though what it names was denied, feared or asked: 是不是煤气中毒，我该怎么办."""

ENQUIRY = "enquiry"
YES = "yes"
"""The word of a danger that the agent named and the citizen affirmed."""


class _Standing(Enum):
    PRESENT = "said of now"
    DOUBTFUL = "asked, feared, or said of the past without being over"
    DENIED = "denied, only supposed, or over"


@dataclass(frozen=True, slots=True)
class _Danger:
    word: str
    standing: _Standing
    strength: float
    confidence: float
    evidence: Evidence
    rule: str = ""
    heard: str = ""


def urgency(said: Sequence[Said], told: Sequence[Clause], taxonomy: Taxonomy, otherwise: Field) -> Field:
    """Give `urgent` where a danger stands; else `normal` on the evidence of `otherwise` (what the call is about).

    `told`: the clauses that tell what it is about.
    Strengths: 0.95 for a sure rule, 0.6 for a doubtful rule, a question, a fear or the past, 0.5 for a word known by
    sound (words that were heard well are taken at their word); 0.8 for normal. What the citizen denied (没有漏电), only
    supposed (如果漏电), or told as over (上个月爆炸过, 已经修好了, 赔偿) makes nothing urgent, and is evidence for
    normal; in an enquiry what is asked or feared too. A yes to the agent's 有没有人受伤 is a danger; in a no to it only
    what is sure and was heard well is one. Words hardly heard (below 0.8) count for nothing where the rule is doubtful
    anyway. Whether what is said is like the examples of emergencies judges each danger: among what is unlike them one
    danger word alone is none (心脏病都要犯了), and near that 0.6 strong at most; what no rule names but is like them is
    urgent with the strength 0.5. A yes needs no such likeness.
    """
    spoken = citizens(said)
    answers = list(_answers(said, taxonomy))
    says_no = {each.index: any(map(_says_no, answer)) for _, answer in answers for each in answer}
    top = taxonomy.top(otherwise.value) if otherwise.value in {matter.code for matter in taxonomy.matters} else ""
    dangers = [danger for at in range(len(spoken)) for danger in _dangers(spoken, at, taxonomy, top, says_no)]
    dangers += [danger for sure, answer in answers if sure for danger in _affirmed(answer)]
    denied = {danger.word for danger in dangers if danger.standing is _Standing.DENIED}
    standing = [
        danger
        for danger in dangers
        if danger.standing is not _Standing.DENIED and not (danger.word in denied and danger.confidence < HEARD_WELL)
    ]
    judged = {danger.evidence for danger in dangers}
    taken_back = top == ENQUIRY or any(clause.evidence in judged for clause in told)
    stretches = list(_stretches(told, standing, taxonomy))
    like = max((like for like, _ in stretches), default=0.0)
    if not standing:
        alike = _alike(stretches, taxonomy)
        standing = alike if like >= LIKE_IN_SPITE else [danger for danger in alike if danger.evidence not in judged]
        taken_back = taken_back or all(danger.standing is _Standing.DOUBTFUL for danger in standing)
    if standing and like >= _least_like(standing, taken_back=taken_back):
        strength = max(danger.strength * danger.confidence for danger in standing)
        alone = len(_sure(standing)) == 1 and YES not in _sure(standing)
        confidence = min(strength, DOUBTFUL_STRENGTH) if alone and like < LIKE_ONE_SURE + NEARLY else strength
        return Field("urgent", confidence, once([danger.evidence for danger in standing]))
    evidence = once([*otherwise.evidence, *(danger.evidence for danger in dangers)])
    if not evidence:
        return Field()
    heard = [danger.confidence for danger in dangers] or [otherwise.confidence]
    return Field("normal", NORMAL_STRENGTH * max(heard), evidence)


def _dangers(
    spoken: Sequence[Said], at: int, taxonomy: Taxonomy, top: str, says_no: Mapping[int, bool]
) -> Iterator[_Danger]:
    each, rules = spoken[at], taxonomy.urgency
    around = "".join(near.text for near in spoken[max(0, at - 1) : at + 2])
    asking = top == ENQUIRY or re.search("想问|想知道|咨询", each.text) is not None
    for hit in _longest(taxonomy.dangers.find(each.text)):
        confidence = each.confidence(hit.start, hit.end)
        if hit.by_sound and confidence >= HEARD_WELL:
            continue
        for rule in _rules_of(hit.name, rules):
            if top in rule.manner_of_speaking_in or (
                rule.objects and not any(thing in around for thing in rule.objects)
            ):
                continue
            standing = _standing(each, hit.start, hit.end, rule, rules)
            doubtful = standing is _Standing.DOUBTFUL or not rule.sure
            misheard = not rule.sure and confidence < HARDLY_HEARD
            in_a_no = says_no.get(each.index, False) and (
                doubtful
                or confidence < HEARD_WELL
                or (_lost_a_no(each) and _denied(f"没{each.text[1 : hit.start]}", rules))
            )
            if misheard or in_a_no or (standing is _Standing.DOUBTFUL and asking):
                standing = _Standing.DENIED
            strength = DOUBTFUL_STRENGTH if doubtful else SURE_STRENGTH
            if hit.by_sound:
                strength = BY_SOUND_STRENGTH
            start, end = each.clause_at(hit.start)
            heard = each.text[hit.start : hit.end]
            yield _Danger(hit.name, standing, strength, confidence, each.evidence(start, end), rule.name, heard)


def _stretches(
    told: Sequence[Clause], standing: Sequence[_Danger], taxonomy: Taxonomy
) -> Iterator[tuple[float, Sequence[Clause]]]:
    """Give how like emergencies the utterance is that tells most, and each stretch of some signs; and their clauses."""
    if longest := max(utterances(told), key=telling, default=None):
        yield _alarm(_meant(longest, standing), taxonomy), longest
    text = _meant(told, standing)
    owners = [at for at, clause in enumerate(told) for _ in f"{clause.text}，"]
    signs = [at for at, sign in enumerate(text) if sign.isalpha()]
    last = max(0, len(signs) - STRETCH)
    for first in (*range(0, last, STRETCH_STEP), last):
        if part := signs[first : first + STRETCH]:
            like = _alarm(text[part[0] : part[-1] + 1], taxonomy) - STRETCH_LESS
            yield like, told[owners[part[0]] : owners[part[-1]] + 1]


def _meant(told: Sequence[Clause], standing: Sequence[_Danger]) -> str:
    """Join clauses, with the danger's word where it was heard as another."""
    text = "，".join(clause.text for clause in told)
    for danger in standing:
        text = text.replace(danger.heard, danger.word) if danger.heard else text
    return text


def _alarm(text: str, taxonomy: Taxonomy) -> float:
    return taxonomy.alarms.scores(text).get(URGENT, 0.0)


def _sure(standing: Sequence[_Danger]) -> set[str]:
    """Give the sure rules by which dangers stand; 爆炸 and 炸了 are one."""
    return {danger.rule for danger in standing if danger.strength == SURE_STRENGTH}


def _least_like(standing: Sequence[_Danger], *, taken_back: bool) -> float:
    """Give how like emergencies the call must be for these dangers to stand."""
    sure = _sure(standing)
    if YES in sure:
        return -math.inf
    if sure:
        return LIKE_TWO_SURE if len(sure) > 1 else LIKE_ONE_SURE
    if any(danger.word for danger in standing):
        return LIKE_DOUBTFUL
    return LIKE_TAKEN_BACK if taken_back else LIKE_UNJUDGED


def _alike(stretches: Sequence[tuple[float, Sequence[Clause]]], taxonomy: Taxonomy) -> list[_Danger]:
    """Give the clauses of the stretch that is most like emergencies; doubtful is what is feared or supposed."""
    _, clauses = max(stretches, key=lambda stretch: stretch[0], default=(0.0, ()))
    return [
        _Danger(
            "",
            _Standing.DOUBTFUL if _is_feared(clause.text, taxonomy.urgency) else _Standing.PRESENT,
            ALIKE_STRENGTH,
            clause.confidence,
            clause.evidence,
        )
        for clause in clauses
        if len(clause.text) >= SHORTEST_ALIKE
    ]


def _is_feared(text: str, rules: UrgencyRules) -> bool:
    return _FEARS.search(text) is not None or any(word in text for word in rules.supposed)


def _says_no(answer: Said) -> bool:
    return _lost_a_no(answer) or _NO.search(answer.text) is not None


def _lost_a_no(answer: Said) -> bool:
    """Whether an answer's first word was hardly heard and sounds like 没: 喂人受伤."""
    return syllables(answer.text[0])[0].endswith("ei") and answer.confidence(0, 1) < HEARD_WELL


def _longest(hits: Sequence[Found]) -> Iterator[Found]:
    """Leave out what is written within a longer hit: 不是煤气泄漏 denies no 泄漏 of its own."""
    written = [hit for hit in hits if not hit.by_sound]
    for hit in hits:
        if not any(
            other.start <= hit.start and hit.end <= other.end and len(other.name) > len(hit.name) for other in written
        ):
            yield hit


def _answers(said: Sequence[Said], taxonomy: Taxonomy) -> Iterator[tuple[bool, list[Said]]]:
    """Give what the citizen answers to each question of the agent for a danger: all until the agent's next words.

    With it: whether a yes names a danger (有没有人受伤 does, 安全吗 does not).
    """
    for position, question in enumerate(said):
        if question.speaker != "agent" or not _QUESTION.search(question.text):
            continue
        asked = [hit for hit in taxonomy.dangers.find(question.text) if not hit.by_sound]
        rules = [rule for hit in asked for rule in _rules_of(hit.name, taxonomy.urgency)]
        if rules or "安全" in question.text:
            answer = list(takewhile(lambda each: each.speaker == "citizen", said[position + 1 : position + 4]))
            yield any(rule.sure and not rule.objects for rule in rules), answer


def _affirmed(answer: Sequence[Said]) -> Iterator[_Danger]:
    """Give the danger that the agent asked for where the citizen says yes, and no no."""
    if answer and (yes := _YES.match(answer[0].text)) and not any(map(_says_no, answer)):
        evidence = answer[0].evidence(*answer[0].clause_at(0))
        yield _Danger(YES, _Standing.PRESENT, SURE_STRENGTH, answer[0].confidence(*yes.span()), evidence, YES)


def _rules_of(word: str, rules: UrgencyRules) -> list[DangerRule]:
    return [rule for rule in rules.rules if word in rule.words]


def _standing(each: Said, start: int, end: int, rule: DangerRule, rules: UrgencyRules) -> _Standing:
    clause_start, clause_end = each.clause_at(start)
    before, clause, after = each.text[clause_start:start], each.text[clause_start:clause_end], each.text[end:]
    after = _ASKS_NOW.sub("", after)
    if _ASKED.search(before):
        return _Standing.DOUBTFUL
    if _denied(before, rules) or _supposed(before, each.text[start:end], after, clause, rules) or _over(after, rules):
        return _Standing.DENIED
    past = any(word in clause for word in rules.past)
    over = after.startswith("过")
    ongoing_at = _first(rules.ongoing, after)
    near = ongoing_at is not None and ongoing_at <= _ONGOING_REACH
    ongoing = near or any(word in before for word in rules.ongoing)
    if (past or not rule.lasting) and any(word in each.text for word in rules.aftermath):
        return _Standing.DENIED
    if ongoing or not (past or over):
        return _Standing.PRESENT
    return _Standing.DENIED if past and (over or not rule.lasting) else _Standing.DOUBTFUL


def _supposed(before: str, danger: str, after: str, clause: str, rules: UrgencyRules) -> bool:
    """Whether it is only spoken of: 如果漏电, 爆炸一样, 脑壳要炸了, 触电了怎么急救 (nowhere, by nobody), 走失手环."""
    near = before[-_SUPPOSED_REACH:]
    how_to = any(word in after for word in rules.how_to) and not any(word in clause for word in rules.here)
    return (
        how_to
        or (_BURSTING.search(before) is not None and danger[0] in "要快爆炸")
        or (any(word in near for word in rules.supposed) and not _CAME_TRUE.search(near))
        or after.startswith((*rules.named_after, *_LIKENED))
    )


def _over(after: str, rules: UrgencyRules) -> bool:
    """Whether it was put right, or was found to be nothing."""
    return _settled(after, rules) or _FOUND_SAFE.search(after) is not None


def _settled(after: str, rules: UrgencyRules) -> bool:
    """Whether what follows says that it is over (修好了), not that it is not (没有修好), and not that it came back."""
    settled = "|".join(map(re.escape, rules.settled))
    found = re.search(settled, after)
    if found is None:
        return False
    until, later = after[: found.start()], after[found.end() :]
    back = re.search(r"又|还[在是]|仍", later[:_ONGOING_REACH])
    ongoing = _first(rules.ongoing, until) is not None
    return not (back or ongoing or _denied(until, rules) or _NOT_YET.search(until))


def _first(words: Sequence[str], text: str) -> int | None:
    return min((at for word in words if (at := text.find(word)) >= 0), default=None)


def _denied(before: str, rules: UrgencyRules) -> bool:
    bridge = "|".join(re.escape(word) for word in rules.negation_bridge)
    negation = "|".join(re.escape(word) for word in sorted(rules.negation, key=len, reverse=True))
    return re.search(rf"(?:{negation})(?:{bridge})*$", before) is not None
