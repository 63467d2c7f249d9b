import tomllib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.text import normalise_text, show
from asr.text.numbers import parse
from asr.transcript import Word

GAZETTEER = tomllib.loads(Path("config/gazetteer/chengdu.toml").read_text(encoding="utf-8"))
KINDS = ("district", "street", "road", "community", "public_place")
NAMES = [place["name"] for kind in KINDS for place in GAZETTEER[kind]]

EXAMPLES = {
    # telephone, room and house numbers
    "一三八零零一二三四五六": "13800123456",
    "幺 三 八 零 零 幺 二 三 四 五 六": "13800123456",
    "我的电话是一三九一二三四五六七八": "我的电话是13912345678",
    "一二三四五热线": "12345热线",
    "打幺幺零": "打110",
    "三零二室": "302室",
    "五栋二单元三零二": "5栋2单元302",
    "五 栋 二 单元 楼下": "5栋2单元楼下",
    "十五号门口": "15号门口",
    "一百二十号": "120号",
    "两百号": "200号",
    "一千零五号": "1005号",
    "天府大道三号小区": "天府大道3号小区",
    "十二号楼": "12号楼",
    "住在十二楼": "住在12楼",
    "三号线": "3号线",
    "三到五号": "3到5号",
    "二十幢": "20幢",
    # dates and times
    "二零二六年三月十五日晚上八点半": "2026年3月15日晚上8点半",
    "二六年": "26年",
    "三月份": "3月份",
    "十二月三十一号": "12月31号",
    "早上八点十五分": "早上8点15分",
    "晚上八点十五": "晚上8点15",
    "晚上十点多还在施工": "晚上10点多还在施工",
    "从凌晨两点开始": "从凌晨2点开始",
    "八点零五分": "8点05分",
    "八点半到": "8点半到",
    "等了十分钟": "等了10分钟",
    # words that only look like numbers
    "一直不亮": "一直不亮",
    "一下": "一下",
    "一个月": "一个月",
    "二环路": "二环路",
    "三环路": "三环路",
    "盛和一路": "盛和一路",
    "万科城": "万科城",
    "十分危险": "十分危险",
    "快一点处理": "快一点处理",
    "有一点臭": "有一点臭",
    "三点建议": "三点建议",
    "统一号码": "统一号码",
    "星期一": "星期一",
    "周二十点": "周二十点",
    "五六号": "五六号",
    "两三栋": "两三栋",
    "三四五个人": "三四五个人",
    "三天": "三天",
    "好几个月": "好几个月",
    "二十年": "二十年",
    "两室一厅": "两室一厅",
    "有一栋楼": "有一栋楼",
    "五栋楼都停电": "五栋楼都停电",
    "五栋楼下": "5栋楼下",
    "万科城三栋楼": "万科城3栋楼",
    "三轮车": "三轮车",
    "万一": "万一",
    # spaces
    "路灯 不 亮": "路灯不亮",
    "我 家 的 wifi 断 了": "我家的wifi断了",
    "hello   world": "hello world",
    "  ": "",
    "": "",
} | tomllib.loads(Path(__file__).with_name("examples.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("spoken", EXAMPLES)
def test_speech_is_written_as_people_write_it(spoken: str) -> None:
    assert normalise_text(spoken, NAMES) == EXAMPLES[spoken]


def test_a_name_with_a_house_number_in_it_is_kept() -> None:
    assert normalise_text("住在五号大院三号", ["五号大院"]) == "住在五号大院3号"
    assert normalise_text("住在五号大院三号") == "住在5号大院3号"


NUMERALS = {"十": 10, "二十五": 25, "一百零五": 105, "二百五": 250, "一千二": 1200, "两千零二十": 2020}
NO_NUMERALS = dict.fromkeys(["零五", "十百", "五五", "零零", "百", "一百零"])


@pytest.mark.parametrize(("numeral", "value"), [*NUMERALS.items(), *NO_NUMERALS.items()])
def test_numerals_are_read(numeral: str, value: int | None) -> None:
    assert parse(numeral) == value


NUMBER_SIGNS = "之零〇幺一二两三四五六七八九十百千万亿第号年月日点分栋单元楼室路环周星期到至半钟晚上个 a1，。？\ue000"
SIGNS = st.sampled_from(list(NUMBER_SIGNS))
CHINESE = st.lists(st.one_of(SIGNS, SIGNS, st.sampled_from(NAMES), st.text(max_size=3)), max_size=25).map("".join)


@settings(max_examples=400, deadline=None)
@given(CHINESE)
def test_a_second_time_changes_nothing(text: str) -> None:
    once = normalise_text(text, NAMES)
    assert normalise_text(once, NAMES) == once


@settings(max_examples=200, deadline=None)
@given(CHINESE, st.sampled_from(NAMES), CHINESE)
def test_a_gazetteer_name_is_never_changed(before: str, name: str, after: str) -> None:
    assert name in normalise_text(before + name + after, NAMES)


@st.composite
def spoken(draw: st.DrawFn) -> list[Word]:
    at, words = 0.0, []
    for text in draw(st.lists(st.one_of(CHINESE, st.sampled_from(NAMES)), max_size=8)):
        at += draw(st.sampled_from([0.0, 0.1, 0.5]))
        words.append(Word(text, at, at + 0.3, 0.9))
        at += 0.3
    return words


@settings(max_examples=200, deadline=None)
@given(spoken())
def test_every_shown_sign_knows_its_words(words: list[Word]) -> None:
    shown = show(words, NAMES)
    assert len(shown.text) == len(shown.links)
    assert normalise_text(shown.text, NAMES) == shown.text
    links = [link for link in shown.links if link is not None]
    assert links == sorted(links)
    assert all(0 <= first <= last < len(words) for first, last in links)
    for sign, link in zip(shown.text, shown.links, strict=True):
        if link is not None and not sign.isdigit() and sign != " ":
            assert sign in "".join(word.text for word in words[link[0] : link[1] + 1])


def words_at(*spoken_at: tuple[str, float, float]) -> list[Word]:
    return [Word(text, start, end, 0.99) for text, start, end in spoken_at]


def test_seconds_stay_tied_to_the_digits() -> None:
    words = words_at(("在", 0, 0.2), ("二十", 0.3, 0.6), ("五", 0.6, 0.9), ("号", 0.9, 1.2), ("门口", 1.2, 1.6))
    shown = show(words)
    assert shown.text == "在25号门口。"
    assert shown.words_of(1, 3) == range(1, 3)
    assert shown.words_of(4, 6) == range(4, 5)
    assert shown.words_of(6, 7) == range(0)


def test_a_pause_is_a_comma_but_not_in_a_number_or_a_name() -> None:
    words = words_at(
        ("富华", 0, 0.4), ("南路", 1.0, 1.4), ("路灯", 2.0, 2.4), ("坏了", 2.5, 2.9),
        ("一三八", 3.5, 3.9), ("零零一二", 4.5, 4.9), ("三四五六", 5.5, 5.9),
    )  # fmt: skip
    assert show(words, ["富华南路"]).text == "富华南路，路灯坏了，13800123456。"


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("您 贵姓", "您贵姓？"),
        ("免 贵姓 陈", "免贵姓陈。"),
        ("有 什么 可以 帮 您", "有什么可以帮您？"),
        ("什么 时候 能 处理", "什么时候能处理？"),
        ("可以 吗", "可以吗？"),
        ("我 不知道 什么 原因", "我不知道什么原因。"),
        ("没有 什么 问题", "没有什么问题。"),
        ("那么 麻烦 您 了", "那么麻烦您了。"),
    ],
)
def test_questions_get_a_question_mark(said: str, written: str) -> None:
    words = [Word(text, at * 0.3, at * 0.3 + 0.3, 0.9) for at, text in enumerate(said.split())]
    assert show(words).text == written


def test_silence_is_nothing() -> None:
    assert show([]).text == ""
