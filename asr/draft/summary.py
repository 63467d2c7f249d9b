"""The matter in the citizen's own words: the clauses that carry what, where and how bad, nothing added."""

import re
from collections.abc import Sequence

from asr.draft.fields import Evidence, Field
from asr.draft.speech import Said, citizens

MOST_SIGNS = 90
CHOSEN_STRENGTH, FALLBACK_STRENGTH = 0.9, 0.5

_SMALL_TALK = re.compile(
    r"(?:喂|你好|您好|嗯+|啊|哦|好|好的|好吧|对|对的|是|是的|可以|谢谢你?|谢谢您|麻烦您?了?|再见|请问|没有了?|不用了?|那个|就是)+"
)
_PERSONAL = re.compile(r"\d{7,}|(?:免贵|我)?姓[\u4e00-\u9fff](?:先生|女士)?$|^我叫|电话(?:号码)?是?|手机号码?是?|匿名")
_OPENING = re.compile(r"^(?:喂|你好|您好|嗯|请问)+")


def summary(said: Sequence[Said], grounds: Sequence[Evidence]) -> Field:
    """Join the citizen's clauses that hold evidence for other fields (`grounds`), in order, up to 90 signs.

    Where nothing was recognised as a matter, the longest clauses stand in, with strength 0.5 instead of 0.9.
    """
    clauses = [clause for each in citizens(said) for clause in _clauses(each)]
    chosen = [clause for clause in clauses if _holds(clause, grounds)]
    strength = CHOSEN_STRENGTH
    if not chosen:
        longest = sorted(clauses, key=lambda clause: clause[1] - clause[2])[:2]
        chosen = [clause for clause in clauses if clause in longest]
        strength = FALLBACK_STRENGTH
    kept: list[tuple[Said, int, int]] = []
    texts: list[str] = []
    for each, start, end in chosen:
        text = each.text[start:end]
        if text not in texts and sum(map(len, texts)) + len(text) <= MOST_SIGNS:
            kept.append((each, start, end))
            texts.append(text)
    if not kept:
        return Field()
    heard = sum(each.confidence(start, end) for each, start, end in kept) / len(kept)
    evidence = tuple(each.evidence(start, end) for each, start, end in kept)
    return Field("，".join(texts) + "。", strength * heard, evidence)


def _clauses(each: Said) -> list[tuple[Said, int, int]]:
    found = []
    for start, end in each.clauses():
        opening = _OPENING.match(each.text[start:end])
        begin = start + (opening.end() if opening else 0)
        text = each.text[begin:end]
        if len(text) > 1 and not _SMALL_TALK.fullmatch(text) and not _PERSONAL.search(text):
            found.append((each, begin, end))
    return found


def _holds(clause: tuple[Said, int, int], grounds: Sequence[Evidence]) -> bool:
    each, start, end = clause
    mine = each.evidence(start, end)
    return any(
        ground.utterance == mine.utterance and ground.start < mine.end and mine.start < ground.end for ground in grounds
    )
