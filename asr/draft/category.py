"""Which matter a call is about: points for phrases, none for what only says where."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace

from asr.draft.fields import Evidence, Field, once
from asr.draft.gazetteer import Gazetteer
from asr.draft.speech import HEARD_WELL, Said, citizens
from asr.draft.taxonomy import Taxonomy

STRONG_POINTS, PLAIN_POINTS, BY_SOUND_POINTS = 3.0, 1.0, 2.0
FIRST_POINTS = 1.5
COUNTED_TIMES = 2  # the same phrase said often says no more
STRONG_STRENGTH, PLAIN_STRENGTH, RIVAL_SHARE = 0.95, 0.6, 0.4

_ONLY_FEARED = re.compile(r"(?:可能会|会不会|容易|担心|怕|如果|万一|跟|像)[^，。？]{0,2}$")
_ONLY_WHERE = re.compile(r"(?:的)?(?:旁边|附近|对面|门口|楼下|后面|前面|里面|上面)")


@dataclass(frozen=True, slots=True)
class _Hit:
    phrase: str
    points: float
    confidence: float
    evidence: Evidence


def category(said: Sequence[Said], taxonomy: Taxonomy, gazetteer: Gazetteer) -> Field:
    """Choose the top matter with the most points, its sub-matters' included, then its sub-matter with the most.

    The value is the code of the most specific one (`noise.construction`). Confidence: 0.95 where a strong phrase was
    said, else 0.6, less up to 0.4 of it for the share of the next top matter.
    """
    hits: dict[str, list[_Hit]] = defaultdict(list)
    for each in citizens(said):
        _collect(each, taxonomy, gazetteer, hits)
    _prefer_the_topic(hits)
    by_top: dict[str, list[_Hit]] = defaultdict(list)
    for matter in taxonomy.matters:
        by_top[matter.top] += hits[matter.code]
    order = list(by_top)
    ranked = sorted(order, key=lambda top: (-_points(by_top[top]), order.index(top)))
    found = by_top[ranked[0]] if ranked else []
    if not found:
        return Field()
    points = _points(found)
    rival = _points(by_top[ranked[1]]) / points if len(ranked) > 1 else 0.0
    subs = [matter for matter in taxonomy.matters if matter.top == ranked[0] and matter.code != ranked[0]]
    best = max(subs, key=lambda matter: _points(hits[matter.code]), default=None)
    code = best.code if best and hits[best.code] else ranked[0]
    strength = STRONG_STRENGTH if any(hit.points > PLAIN_POINTS for hit in found) else PLAIN_STRENGTH
    heard = sum(hit.confidence * hit.points for hit in found) / sum(hit.points for hit in found)
    return Field(code, strength * (1 - RIVAL_SHARE * rival) * heard, once([hit.evidence for hit in found]))


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
