"""Which matter a call is about: points for phrases, none for what only says where."""

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from asr.draft.fields import Evidence, Field, once
from asr.draft.gazetteer import Gazetteer
from asr.draft.speech import Said, citizens
from asr.draft.taxonomy import Matter, Taxonomy
from asr.text.sound import sounds_like

STRONG_POINTS, PLAIN_POINTS, BY_SOUND_POINTS = 3.0, 1.0, 2.0
COUNTED_TIMES = 2  # the same phrase said often says no more
STRONG_STRENGTH, PLAIN_STRENGTH, RIVAL_SHARE = 0.95, 0.6, 0.4

_ONLY_WHERE = re.compile(r"(?:的)?(?:旁边|附近|对面|门口|楼下|后面|前面|里面|上面)")


@dataclass(frozen=True, slots=True)
class _Hit:
    phrase: str
    points: float
    confidence: float
    evidence: Evidence


def category(said: Sequence[Said], taxonomy: Taxonomy, gazetteer: Gazetteer) -> Field:
    """Choose the matter with the most points; its code is the value.

    Confidence: 0.95 where a strong phrase was said, else 0.6, less up to 0.4 of it for the share of the next matter.
    """
    hits: dict[str, list[_Hit]] = defaultdict(list)
    for each in citizens(said):
        _collect(each, taxonomy.matters, gazetteer, hits)
    scored = sorted(
        ((_points(found), -at, matter) for at, matter in enumerate(taxonomy.matters) if (found := hits[matter.code])),
        key=lambda entry: entry[:2],
        reverse=True,
    )
    if not scored:
        return Field()
    points, _, matter = scored[0]
    found = hits[matter.code]
    rival = scored[1][0] / points if len(scored) > 1 else 0.0
    strength = STRONG_STRENGTH if any(hit.points > PLAIN_POINTS for hit in found) else PLAIN_STRENGTH
    heard = sum(hit.confidence * hit.points for hit in found) / sum(hit.points for hit in found)
    return Field(matter.code, strength * (1 - RIVAL_SHARE * rival) * heard, once([hit.evidence for hit in found]))


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


def _collect(each: Said, matters: Sequence[Matter], gazetteer: Gazetteer, hits: dict[str, list[_Hit]]) -> None:
    taken = [False] * len(each.text)
    for place in gazetteer.find(each.text):
        taken[place.start : place.end] = [True] * (place.end - place.start)
    strong = {phrase for matter in matters for phrase in matter.strong}
    plain = {phrase for matter in matters for phrase in matter.phrases}
    found = [
        (*hit.span(), phrase, False) for phrase in strong | plain for hit in re.finditer(re.escape(phrase), each.text)
    ]
    found += [(*span, phrase, True) for phrase in strong for span in sounds_like(phrase, each.text)]
    # Leftmost, then longest: 煤气味很大 is 煤气味, not 气味很大. What is written goes before what only sounds so.
    for start, end, phrase, by_sound in sorted(found, key=lambda hit: (hit[3], hit[0], -hit[1], hit[2])):
        _count(each, phrase, (start, end), matters, taken, hits, by_sound=by_sound)


def _count(
    each: Said,
    phrase: str,
    span: tuple[int, int],
    matters: Sequence[Matter],
    taken: list[bool],
    hits: dict[str, list[_Hit]],
    *,
    by_sound: bool,
) -> None:
    start, end = span
    if any(taken[start:end]):
        return
    taken[start:end] = [True] * (end - start)
    if _ONLY_WHERE.match(each.text, end):
        return
    for matter in matters:
        if phrase in matter.strong:
            points = BY_SOUND_POINTS if by_sound else STRONG_POINTS
        elif phrase in matter.phrases and not by_sound:
            points = PLAIN_POINTS
        else:
            continue
        hits[matter.code].append(_Hit(phrase, points, each.confidence(start, end), each.evidence(start, end)))


def _points(found: Sequence[_Hit]) -> float:
    times: dict[str, int] = defaultdict(int)
    total = 0.0
    for hit in found:
        times[hit.phrase] += 1
        total += hit.points if times[hit.phrase] <= COUNTED_TIMES else 0.0
    return total
