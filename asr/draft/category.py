"""Which matter a call is about: points for phrases, none for what only says where, and for likeness to examples."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from asr.draft.fields import Evidence, Field, once
from asr.draft.gazetteer import Gazetteer
from asr.draft.speech import HEARD_WELL, Said, citizens
from asr.draft.taxonomy import Taxonomy
from asr.draft.telling import Clause

STRONG_POINTS, PLAIN_POINTS, BY_SOUND_POINTS = 3.0, 1.0, 2.0
FIRST_POINTS = 1.5
COUNTED_TIMES = 2  # the same phrase said often says no more
LIKE_POINTS = 25.0
"""What a likeness of 1 is worth; a clear case has 0.3, as much as two strong phrases. 20 to 40 measure the same."""

LEAST_LIKE, LEAST_LIKE_SUB = 0.08, 0.28
"""Below these, likeness alone is right in less than half of the cases, for a matter and for its kind."""

STRONG_STRENGTH, PLAIN_STRENGTH, LIKE_STRENGTH, RIVAL_SHARE = 0.95, 0.6, 0.5, 0.4

_ONLY_FEARED = re.compile(r"(?:可能会|会不会|容易|担心|怕|如果|万一|跟|像|不是|并非)[^，。？]{0,2}$")
_ONLY_WHERE = re.compile(r"(?:的)?(?:旁边|附近|对面|大?门口|楼下|后面|前面|里面|上面)")


@dataclass(frozen=True, slots=True)
class _Hit:
    phrase: str
    points: float
    confidence: float
    evidence: Evidence


def category(said: Sequence[Said], told: Sequence[Clause], taxonomy: Taxonomy, gazetteer: Gazetteer) -> Field:
    """Choose the top matter with the most points: its phrases', its sub-matters' and those of likeness to its examples.

    Then its sub-matter in the same way. The value is the code of the most specific one (`noise.construction`).
    Confidence: 0.95 where a strong phrase was said, 0.6 for plain ones, 0.5 for likeness alone, less up to 0.4 of it
    for the share of the next top matter. Evidence: the phrases, or else the clauses most like examples.
    """
    hits: dict[str, list[_Hit]] = defaultdict(list)
    for each in citizens(said):
        _collect(each, taxonomy, gazetteer, hits)
    _prefer_the_topic(hits)
    like = taxonomy.likeness.scores("，".join(clause.text for clause in told))
    tops = list(dict.fromkeys(matter.top for matter in taxonomy.matters))
    by_top: dict[str, list[_Hit]] = {top: [] for top in tops}
    for code, found_of_code in hits.items():
        by_top[taxonomy.top(code)] += found_of_code
    points = {top: _points(by_top[top]) + LIKE_POINTS * max(0.0, like.get(top, 0.0)) for top in tops}
    first, second = sorted(tops, key=lambda top: (-points[top], tops.index(top)))[:2]
    found, strength = by_top[first], PLAIN_STRENGTH
    if not found:
        found, strength = _like_hits(told, first, taxonomy), LIKE_STRENGTH
    if not found:
        return Field()
    if any(hit.points > PLAIN_POINTS for hit in found):
        strength = STRONG_STRENGTH
    heard = sum(hit.confidence * hit.points for hit in found) / sum(hit.points for hit in found)
    confidence = strength * (1 - RIVAL_SHARE * points[second] / points[first]) * heard
    return Field(_kind(first, hits, told, taxonomy), confidence, once([hit.evidence for hit in found]))


def _kind(top: str, hits: Mapping[str, Sequence[_Hit]], told: Sequence[Clause], taxonomy: Taxonomy) -> str:
    """Choose the sub-matter of `top` with the most points; `top` itself where none has a phrase or is like enough."""
    like = taxonomy.kinds[top].scores("，".join(clause.text for clause in told))

    def points(code: str) -> float:
        return _points(hits.get(code, ())) + LIKE_POINTS * max(0.0, like.get(code, 0.0))

    subs = [matter.code for matter in taxonomy.matters if matter.top == top and matter.code != top]
    said = [code for code in subs if hits.get(code) or like.get(code, 0.0) > LEAST_LIKE_SUB]
    return max(said, key=points, default=top)


def _like_hits(told: Sequence[Clause], top: str, taxonomy: Taxonomy) -> list[_Hit]:
    """Give the clauses that make a call like the examples of `top`; none where it is hardly like them."""
    scores = [taxonomy.likeness.scores(clause.text).get(top, 0.0) for clause in told]
    most = max(scores, default=0.0)
    return [
        _Hit(clause.text, PLAIN_POINTS, clause.confidence, clause.evidence)
        for clause, score in zip(told, scores, strict=True)
        if score >= max(LEAST_LIKE, most / 2)
    ]


def complexity(said: Sequence[Said], taxonomy: Taxonomy, chosen: Field) -> Field:
    """Take the matter's complexity, or complex where the citizen tells of several turns (多次, 推诿 …)."""
    if chosen.value is None:
        return Field()
    told = [
        (each, found.span())
        for each in citizens(said)
        for word in taxonomy.complex_words
        for found in re.finditer(re.escape(word), each.text)
    ]
    if told:
        heard = max(each.confidence(*span) for each, span in told)
        return Field("complex", PLAIN_STRENGTH * heard, once([each.evidence(*span) for each, span in told]))
    return Field(taxonomy.matter(chosen.value).complexity, chosen.confidence * 0.9, chosen.evidence)


def unit(taxonomy: Taxonomy, chosen: Field) -> Field:
    """Take the matter's default unit."""
    if chosen.value is None:
        return Field()
    return Field(taxonomy.matter(chosen.value).unit, chosen.confidence * 0.9, chosen.evidence)


def _collect(each: Said, taxonomy: Taxonomy, gazetteer: Gazetteer, hits: dict[str, list[_Hit]]) -> None:
    taken = [False] * len(each.text)
    for place in gazetteer.find(each.text):
        taken[place.start : place.end] = [True] * (place.end - place.start)
    # Leftmost, then longest: 煤气味很大 is 煤气味, not 气味很大. What is written goes before what only sounds so.
    found = sorted(
        taxonomy.phrases.find(each.text), key=lambda hit: (hit.by_sound, hit.start, hit.start - hit.end, hit.name)
    )
    for hit in found:
        heard_well = each.confidence(hit.start, hit.end) >= HEARD_WELL
        if any(taken[hit.start : hit.end]) or (hit.by_sound and heard_well):
            continue
        taken[hit.start : hit.end] = [True] * (hit.end - hit.start)
        if _ONLY_WHERE.match(each.text, hit.end) or _ONLY_FEARED.search(each.text[: hit.start]):
            continue
        evidence, confidence = each.evidence(hit.start, hit.end), each.confidence(hit.start, hit.end)
        for code, strong in taxonomy.meanings[hit.name]:
            points = (BY_SOUND_POINTS if hit.by_sound else STRONG_POINTS) if strong else PLAIN_POINTS
            if strong or not hit.by_sound:
                hits[code].append(_Hit(hit.name, points, confidence, evidence))


def _prefer_the_topic(hits: dict[str, list[_Hit]]) -> None:
    """Raise the strong phrase that came first: Chinese names its topic first (水管爆了，水到了配电箱)."""
    strong = [
        (hit.evidence.utterance, hit.evidence.start, code, at)
        for code, found in hits.items()
        for at, hit in enumerate(found)
        if hit.points > PLAIN_POINTS
    ]
    if strong:
        _, _, code, at = min(strong)
        hits[code][at] = replace(hits[code][at], points=hits[code][at].points + FIRST_POINTS)


def _points(found: Sequence[_Hit]) -> float:
    times: dict[str, int] = defaultdict(int)
    total = 0.0
    for hit in found:
        times[hit.phrase] += 1
        total += hit.points if times[hit.phrase] <= COUNTED_TIMES else 0.0
    return total
