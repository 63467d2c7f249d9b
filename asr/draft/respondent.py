"""Whom or what a complaint is about (被反映对象): a shop, a company, a school, a landlord."""

import re
from collections.abc import Sequence

from asr.draft.fields import Field
from asr.draft.gazetteer import Gazetteer
from asr.draft.names import NO_NAME
from asr.draft.speech import Said, citizens
from asr.draft.taxonomy import Taxonomy

NAMED_STRENGTH = 0.8

_ONLY_WHERE = re.compile(r"(?:的)?(?:旁边|附近|对面|门口|楼下|后面|前面|里面|上面|旁|外面)")

_FIRM = re.compile(
    "(?:装饰|装修|物流|票务|汽车|教育|培训|房产|地产|物业|保安|保洁|口腔|数码|家政|科技|网络|服装|劳务|再生资源)?(?:公司|学校|医院|厂)"
    "|物流|房产(?!证)|地产|装饰|旅行社|驾校|健身房|超市|物业|口腔|商城|酒吧|诊所|中介"
)
"""What a firm's own name is followed by: its trade, or what every firm is."""

_OWN_NAME = re.compile(rf"(?<!\d)(?![号家个点])[^\W\d_{NO_NAME}叫找问买卖]{{2,4}}$")
_NO_OWN_NAME = re.compile(
    "对面|旁边|隔壁|附近|小区|社区|家园|花园|院子|村|门口|里面|外地|所有|整个|全部|那家|本来|新开|以前|现在|刚才|办理"
    "|[今昨前]天|^(?:孩子|娃[娃儿]|儿子|女儿|孙[子女儿]|老公|老婆|爸爸|妈妈|老师|家长|同学|员工|工人|老板)$"
)


def respondent(said: Sequence[Said], taxonomy: Taxonomy, gazetteer: Gazetteer) -> Field:
    """Take the first of the taxonomy's `respondents` that the citizen names, not as a place (超市旁边).

    A general word (老板, 公司) counts only where nothing more exact was said. A firm's own name goes with what it is
    (东方装饰公司), where words begin with it.
    """
    names, general = taxonomy.respondents
    spoken = citizens(said)
    found = [
        *((each, _firm(each, gazetteer) or _named(each, names, gazetteer)) for each in spoken),
        *((each, _named(each, general, gazetteer)) for each in spoken),
    ]
    for each, span in found:
        if span:
            confidence = NAMED_STRENGTH * each.confidence(*span)
            return Field(each.text[slice(*span)], confidence, (each.evidence(*span),))
    return Field()


def _firm(each: Said, gazetteer: Gazetteer) -> tuple[int, int] | None:
    """Give the first firm that is called by its own name."""
    places = [(place.start, place.end) for place in gazetteer.find(each.text)]
    starts = {start for start, _ in each.words()}
    for match in _FIRM.finditer(each.text):
        before = max([0, *(end for _, end in places if end <= match.start())])
        own = [
            at
            for at in range(max(before, match.start() - 4), match.start() - 1)
            if at in starts and _OWN_NAME.fullmatch(each.text, at, match.start())
        ]
        name = each.text[own[0] : match.start()] if own else ""
        if name and not _NO_OWN_NAME.search(name) and not _ONLY_WHERE.match(each.text, match.end()):
            return own[0], match.end()
    return None


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
