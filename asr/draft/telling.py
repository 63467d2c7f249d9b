"""The clauses in which citizens tell what it is about: without courtesies, names, numbers, places and other answers."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from asr.draft.fields import Evidence
from asr.draft.gazetteer import Gazetteer
from asr.draft.speech import Said, asked

_WHERE = r"(?:大门口|门口|旁边|附近|对面|楼下|后面|前面|隔壁|路口)"
# What is left of a clause without these words tells something.
_COURTESY = re.compile(
    r"您好|你好|你们好|[早上中下晚][上午]好|老师|同志|谢谢|辛苦|麻烦|再见|登记|记录|市民热线|12345|问一下|问[个下]|打听|咨询"
    r"|求助|反映|投诉|说一下|一下|这样|就是|那个|那里|这里|这边|问题|情况|事情|可以|位置|地[点址方]|具体|不知道|不?太?清楚|不住在"
    rf"|{_WHERE}|十字|交叉口|单元|[栋号幢楼室和与路喂嗯啊哦好对是行请我想要一个了吧吗呢您你们的在就也住]"
)
_PERSONAL = re.compile(r"\d{7,}|姓.{0,3}$|先生$|女士$|(?:电话|手机|号码)[^，]{0,3}是|联系我|匿名|保密")
_NOT_IT = re.compile(r"\0*(?:不是|并非)|.{0,8}没[^，。]{0,3}(?:受伤|被困)")
_ANSWERS = frozenset({"phone", "name", "time"})
_MASK = "\0"


@dataclass(frozen=True, slots=True)
class Clause:
    """`text` is what `said.text[start:end]` tells, with a NUL for each sign that says only where or how many."""

    said: Said
    start: int
    end: int
    text: str

    @property
    def evidence(self) -> Evidence:
        """The clause's seconds."""
        return self.said.evidence(self.start, self.end)

    @property
    def confidence(self) -> float:
        """The mean confidence of its words."""
        return self.said.confidence(self.start, self.end)


def tells(said: Sequence[Said], gazetteer: Gazetteer) -> Iterator[Clause]:
    """Give the citizen's clauses that tell what it is about, in order of speech; what it is not (不是停电) left out."""
    landmarks = "|".join(map(re.escape, gazetteer.landmarks)) or r"(?!)"
    only_where = re.compile(rf"(?:{landmarks})的?{_WHERE}|\d+")
    for position, each in enumerate(said):
        if each.speaker != "citizen" or asked(said, position, reach=1) & _ANSWERS:
            continue
        masked = list(each.text)
        places = [(hit.start, hit.end) for hit in gazetteer.find(each.text)]
        for start, end in (*places, *(found.span() for found in only_where.finditer(each.text))):
            masked[start:end] = _MASK * (end - start)
        for start, end in each.clauses():
            text = "".join(masked[start:end])
            nothing = not _COURTESY.sub("", text).strip(_MASK)
            if not (nothing or _NOT_IT.match(text) or _PERSONAL.search(each.text[start:end])):
                yield Clause(each, start, end, text)


def chiefly(told: Sequence[Clause]) -> list[Clause]:
    """Give the clauses of the utterances that tell at least half as much as the one that tells most.

    What is left of short answers and misheard scraps says nothing of what a call is about.
    """
    spoken = utterances(told)
    most = max(map(telling, spoken), default=0)
    return [clause for clauses in spoken if telling(clauses) >= most / 2 for clause in clauses]


def utterances(told: Sequence[Clause]) -> list[list[Clause]]:
    """Give the clauses of each utterance together."""
    return [list(clauses) for _, clauses in groupby(told, key=lambda clause: clause.said.index)]


def telling(clauses: Sequence[Clause]) -> int:
    """Give how many signs clauses have together."""
    return sum(len(clause.text) for clause in clauses)
