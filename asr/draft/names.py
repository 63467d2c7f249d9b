"""Names of roads and communities that no gazetteer has: what looks like one, where one would stand."""

import re
from collections.abc import Iterable, Iterator, Sequence

from asr.draft.speech import Said

Span = tuple[int, int]

CROSSING = re.compile(r"的?(?:十字路口|路口|交叉口|交界处)")
RELATION = re.compile(
    r"大门口|门口|十字路口|路口|交叉口|交界处|旁边|附近|斜对面|对面|后面|前面|里面|楼下|楼上|门前|背后|隔壁"
    r"|[前后侧正东南西北]门"
)
HOUSE = re.compile(r"\d+(?:号楼(?![道上下顶了])|号院|[号栋])")

NO_NAME = "我你他的了是有在这那个不没很就来去要说从到和跟与把被一哪几条住于请让给上下里外喂哈啊哎嗯嘛哦吗吧呢"
"""Signs that are in no name, unless the recogniser knows the whole name as a word."""

_COMMUNITY = (
    r"小区|花园|公寓|家园|山庄|新[村城居]|[佳嘉]园|公馆|半岛|丽景|名城|[豪华][庭府]|家属院|苑(?!小区|社区|路|街)"
)
_ROAD = r"街道|大道|大街|巷|(?<![公线马铁跑])路(?![灯面口边上人过费段])|街(?![道上边])"
_SECTION = r"(?:[东南西北中]?[一二三四五六七八九\d]段)?"
_PUBLIC = rf"(?:公园|广场|医院|大学|中学|小学|车站|体育馆|市场)(?={RELATION.pattern})"
_HOUSED = r"(?=\d+(?:[栋幢]|号楼))"  # 金色海岸8栋
_NO_BEGIN = (
    "好|[你您]好|[今昨前明后]天|刚[才刚]|现在|[早晚]上|[上中下]午|半夜|凌晨|事情|情况|问题|投诉|反映|举报|麻烦|请问"
)
_NAME = re.compile(
    rf"(?!{_NO_BEGIN})[^\W\d_{NO_NAME}]{{2,4}}?(?:(?:{_ROAD}){_SECTION}|{_COMMUNITY}|社区|村(?![民里上])|{_PUBLIC}|{_HOUSED})"
)
_WORD = re.compile(rf"[^\W\d_]{{2,6}}?(?:{_ROAD}|{_COMMUNITY})")
_BARE = re.compile(rf"(?!.*(?:{_ROAD}|{_COMMUNITY}|社区|村|段|公园|广场|医院|大学|中学|小学|车站|体育馆|市场)$).+")
_NO_BARE = re.compile(
    "住户|业主|邻居|居民|物业|房东|公司|社区|电梯|大楼|大门|高层|通知|反映|投诉|告诉|发现|听|问|谢|麻烦|登记|同志|师傅|热线|[您你]好"
    "|[天年月日]|早|晚|现|刚|前|后|旁|边|面|楼|栋|号|们|家"
)
"""Of what stands before 8栋 with no word that tells a name: people, things, greetings, times, directions."""

_SHORTEST_BARE = 3
_OF_COMMUNITY = re.compile(rf".+(?:{_COMMUNITY})")
_NO_ONES = re.compile(
    r"(?:隔壁|对面|旁边|附近|整个|老旧|全部|所有|每个|本来|某个|别的|安置|拆迁|高档|封闭|智慧|老年|人才|单身|员工|学生"
    r"|街心|屋顶|空中|楼顶|中心|电梯|居民|住宅|商品|普通)(?:小区|花园|公寓|社区|新村|大街|大道|公园|广场|医院|大学|中学|小学|车站|体育馆|市场)"
    r"|(?:高速|水泥|柏油|石子|必经之|十字)路|附近|旁边|对面|前面|后面|前头|后头|隔壁|地址|位置|地点|小区|院子|大院|社区"
)
"""What looks like a name and is everybody's."""

_BEFORE_A_NAME = re.compile(r"(?:在|于|到|是|\0)的?$")
# Whoever speaks without a pause greets first: 喂是市民热线吗金色海岸8栋停水了.
_FIRST_IN_A_CLAUSE = re.compile(
    r"(?:^|[，。？]|[你您]好|同志|师傅|热线[吗嘛]?|[记说听问]一下|[个件]事情?|情况|投诉)[嗯哦啊哎喂呃哈]*，?$"
)
_AREA, _NAMED = "\0", "\1"


def unknown_names(each: Said, areas: Iterable[Span], named: Iterable[Span], *, asked_for: bool) -> Iterator[Span]:
    """Give start and end of each name that the gazetteer lacks, in the order of speech.

    `areas` (districts, streets) and `named` places are known already; `asked_for`: the agent asked where it is. A name
    stands after 在 or an area, first in an answer, before 15号 or 对面, a community's first in any clause; one that no
    word tells to be a name (金色海岸8栋) first in a clause. A word that the recogniser knows as a name (桂花苑) is one
    wherever it stands. Beside a place that is known, only the other road of a crossing is looked for.
    """
    masked = list(each.text)
    for spans, mask in ((areas, _AREA), (named, _NAMED)):
        for start, end in spans:
            masked[start:end] = mask * (end - start)
    plain, words = "".join(masked), each.words()
    for start, end, one_word in _looks_like_names(plain, words):
        if _NO_ONES.fullmatch(plain[start:end]):
            continue
        before, after = plain[:start], plain[end:]
        if _NAMED in plain:
            stands = _crosses(before, after)
        else:
            stands = one_word or _stands(before, after, plain[start:end], asked_for=asked_for)
        if stands:
            yield start, end


def _crosses(before: str, after: str) -> bool:
    """Whether it is the other road of a crossing with one that is known."""
    last = re.search(rf"{_NAMED}[和与跟]?$", before) and CROSSING.match(after)
    return bool(last or re.match(rf"[和与跟]?{_NAMED}+{CROSSING.pattern}", after))


def _stands(before: str, after: str, name: str, *, asked_for: bool) -> bool:
    first = _FIRST_IN_A_CLAUSE.search(before)
    if _BEFORE_A_NAME.search(before) or (first and asked_for):
        return True
    if _BARE.fullmatch(name):  # 金色海岸8栋, not 住户反映5栋
        return bool(first) and len(name) >= _SHORTEST_BARE and not _NO_BARE.search(name)
    told = (first and _OF_COMMUNITY.fullmatch(name)) or HOUSE.match(after) or RELATION.match(after)
    return bool(told or CROSSING.match(after))


def ends_a_name(before: str) -> bool:
    """Whether what follows goes on with a name or a word: its last sign is one that names are made of."""
    return bool(re.search(rf"[^\W\d_{NO_NAME}区]$", before))


def _looks_like_names(plain: str, words: list[Span]) -> Iterator[tuple[int, int, bool]]:
    """Give each likely name's start and end, and whether the recogniser knows it as one word.

    A name begins where a word does, never within one (下|午桂花路, 我|们小区); with the last word where that is all of
    it (情况|清江路).
    """
    at = 0
    while at < len(plain):
        whole = next((span for span in words if span[0] == at and _WORD.fullmatch(plain, *span)), None)
        found = whole or ((match := _NAME.match(plain, at)) and match.span())
        if not found:
            at += 1
            continue
        start, end = found
        starts = [word for word, _ in words if start <= word < end and _ends(plain, word) == end]
        if words and not whole and not starts:
            at += 1
            continue
        last = (starts[-1], end) if starts else found
        one_word = last in words and _WORD.fullmatch(plain, *last) is not None
        yield (last[0] if one_word else _begins(plain, words, starts, end) if starts else start), end, one_word
        at = end


def _begins(plain: str, words: Sequence[Span], starts: Sequence[int], end: int) -> int:
    """Give which of a likely name's words it begins with: not with signs alone before a longer one (年涨|清水家园)."""
    if _BEFORE_A_NAME.search(plain[: starts[0]]):
        return starts[0]
    ends = dict(words)
    return next((start for start in starts if start + 1 < ends[start] < end), starts[0])


def _ends(plain: str, start: int) -> int | None:
    """Give where the likely name that begins at `start` ends."""
    match = _NAME.match(plain, start)
    return match and match.end()
