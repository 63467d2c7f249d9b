"""Whom or what a complaint is about (被反映对象): a shop, a company, a school, a landlord."""

import re
from collections.abc import Sequence

from asr.draft.fields import Field
from asr.draft.gazetteer import Gazetteer
from asr.draft.speech import Said, citizens
from asr.draft.taxonomy import Taxonomy

NAMED_STRENGTH = 0.8

_ONLY_WHERE = re.compile(r"(?:的)?(?:旁边|附近|对面|门口|楼下|后面|前面|里面|上面|旁|外面)")


def respondent(said: Sequence[Said], taxonomy: Taxonomy, gazetteer: Gazetteer) -> Field:
    """Take the first of the taxonomy's `respondents` that the citizen names, not as a place (超市旁边).

    A general word (老板, 公司) counts only where nothing more exact was said.
    """
    for names in taxonomy.respondents:
        for each in citizens(said):
            if span := _named(each, names, gazetteer):
                confidence = NAMED_STRENGTH * each.confidence(*span)
                return Field(each.text[slice(*span)], confidence, (each.evidence(*span),))
    return Field()


def _named(each: Said, names: Sequence[str], gazetteer: Gazetteer) -> tuple[int, int] | None:
    places = [(place.start, place.end) for place in gazetteer.find(each.text)]
    found = [
        match.span()
        for name in names
        for match in re.finditer(re.escape(name), each.text)
        if not _ONLY_WHERE.match(each.text, match.end())
        and not any(start < match.end() and match.start() < end for start, end in places)
    ]
    return min(found, key=lambda span: (span[0], span[0] - span[1]), default=None)
