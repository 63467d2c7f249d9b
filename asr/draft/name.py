"""What to call the citizen: the surname they gave, with 先生 or 女士 only where somebody said it."""

import re
from collections.abc import Sequence

from asr.draft.fields import Field, once
from asr.draft.speech import Said, asked
from asr.text.sound import syllables

STATED_STRENGTH, ANSWERED_STRENGTH, BY_SOUND_STRENGTH = 0.95, 0.8, 0.5

# 公安部户政管理研究中心《二〇二〇年全国姓名报告》: common surnames, the most common first.
_SURNAMES = (
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈姚卢姜崔"
    "钟谭陆汪范金石廖贾夏韦傅方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
)
_TITLE = r"(?P<title>先生|女士|小姐|师傅|老师)?"
_STATED = re.compile(rf"(?:免贵姓|我的姓是|(?<![贵同])姓)(?!名|什么|是)(?P<name>[\u4e00-\u9fff]){_TITLE}")
_CALLED = re.compile(
    r"(?:我叫|我的名字叫|名字是)(?P<name>[\u4e00-\u9fff]{2,3}?)(?P<title>先生|女士)?"
    r"(?=[，。？]|我|电话|是|住|想|要|$)"
)
_CALLED_IN_ANSWER = re.compile(rf"^(?:嗯|啊|，)*叫(?P<name>[\u4e00-\u9fff]{{2,3}}?){_TITLE}(?=[，。]|$)")
_ANSWERED = re.compile(rf"^(?:嗯|啊|哦|我是|我|是|叫|，)*(?P<name>[\u4e00-\u9fff]){_TITLE}")
_INTRODUCED = re.compile(r"(?:我是|我叫|叫我|这边是|[你您]就?写|^)(?P<name>[\u4e00-\u9fff])(?P<title>先生|女士|小姐)")
_TITLED = re.compile(r"(?P<name>[\u4e00-\u9fff])(?P<title>先生|女士|小姐)")


def name(said: Sequence[Said]) -> Field:
    """Find how to address the citizen: 王, 王先生, or the full name after 我叫.

    Strengths: 0.95 after 姓 or 我叫, 0.8 for a short answer to 您贵姓, 0.5 where only the sound is a
    surname's, or a commoner surname sounds the same (黎 may well be 李).
    """
    found: list[Field] = []
    for position, each in enumerate(said):
        if each.speaker != "citizen":
            continue
        found += [_field(said, each, match, STATED_STRENGTH) for match in _STATED.finditer(each.text)]
        found += [_field(said, each, match, STATED_STRENGTH) for match in _INTRODUCED.finditer(each.text)]
        found += [
            _field(said, each, match, STATED_STRENGTH)
            for match in _CALLED.finditer(each.text)
            if match["name"][0] in _SURNAMES
        ]
        answers = "name" in asked(said, position, reach=3)
        called = _CALLED_IN_ANSWER.match(each.text) if answers else None
        if called and called["name"][0] in _SURNAMES:
            found.append(_field(said, each, called, STATED_STRENGTH))
        answer = _ANSWERED.match(each.text)
        if answer and answers and not each.text[answer.end() :].strip("，。"):
            found.append(_field(said, each, answer, ANSWERED_STRENGTH))
    return max((field for field in found if field.value), key=lambda field: field.confidence, default=Field())


def _field(said: Sequence[Said], each: Said, match: re.Match[str], strength: float) -> Field:
    value, start, end = match["name"], match.start(), match.end()
    commonest = next((sign for sign in _SURNAMES if syllables(sign) == syllables(value[0])), None)
    if commonest is None:
        return Field()
    if value[0] not in _SURNAMES:
        value, strength = commonest + value[1:], BY_SOUND_STRENGTH
    elif value[0] != commonest:
        strength = BY_SOUND_STRENGTH
    evidence = [each.evidence(start, end)]
    title = match["title"]
    if title is None and len(value) == 1:
        for other in said:
            for titled in _TITLED.finditer(other.text):
                if titled["name"] == value and title is None:
                    title = titled["title"]
                    evidence.append(other.evidence(*titled.span()))
    return Field(value + (title or ""), strength * each.confidence(start, end), once(evidence))
