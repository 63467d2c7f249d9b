import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asr.draft import Gazetteer, Taxonomy, draft
from asr.transcript import Transcript, Utterance
from tests.asr.conftest import Conversation

SHED = (
    "a 您好 请问 有 什么 可以 帮 您",
    "c 你好 我 要 反映 富华南路 变压器 旁边 有 一个 板房倾斜 很 危险",
    "a 请问 具体 位置 在 哪里",
    "c 就 在 十五 号 门口",
    "a 请问 您 的 联系电话",
    "c 一 三 八 零 零 一 二 三 四 五 六",
    "a 您 贵姓",
    "c 我 姓 王",
    "a 好的 马上 转给 住建局 处理 谢谢",
)
LIGHTS = (
    "c 天府大道 三 号 小区 门口 路灯 不亮 三天 没有人 管",
    "a 您 的 联系电话",
    "c 一 三 九 一 二",
    "a 嗯",
    "c 三 四 五 六 七 八",
    "a 您 贵姓",
    "c 李",
)
GRILL = (
    "c 玉林街道 紫荆小区 五 栋 二 单元 楼下 烧烤店 噪音很大 每天晚上 都 睡 不 好",
    "a 请问 您 的 联系电话",
    "c 一八六二八 零零 九九 八八",
    "a 请问 您 贵姓",
    "c 免贵 姓 陈",
)

CALLS: dict[str, tuple[tuple[str, ...], dict[str, Any]]] = {
    "a shed tilts beside a transformer": (
        SHED,
        {
            "category": "building-safety",
            "place": "富华南路15号门口，变压器旁边",
            "urgency": "urgent",
            "complexity": "complex",
            "unit": "住建局",
            "contact_phone": "13800123456",
            "contact_name": "王",
            "summary": "我要反映富华南路变压器旁边有一个板房倾斜很危险，就在15号门口。",
        },
    ),
    "street lights are out": (
        LIGHTS,
        {
            "category": "lighting",
            "place": "天府大道3号小区门口",
            "urgency": "normal",
            "complexity": "simple",
            "unit": "城管委",
            "contact_phone": "13912345678",
            "contact_name": "李",
        },
    ),
    "a grill is loud": (
        GRILL,
        {
            "category": "noise",
            "place": "玉林街道紫荆小区5栋2单元楼下",
            "urgency": "normal",
            "contact_phone": "18628009988",
            "contact_name": "陈",
        },
    ),
    "gas smells in a stairwell": (
        (
            "c 喂 你好 我 是 万科城 三 栋 的 住户",
            "c 楼道 里 有 很 大 的 煤气味",
            "a 您 怎么 称呼",
            "c 我 姓 刘 女士",
            "a 电话 多少",
            "c 就 这个 号码",
        ),
        {
            "category": "gas",
            "place": "万科城3栋",
            "urgency": "urgent",
            "contact_name": "刘女士",
            "contact_phone": None,
            "unit": "燃气公司",
        },
    ),
    "wages are owed": (
        ("c 我们 公司 拖欠工资 好几个月 了 老板 不接电话", "a 公司 地址 在 哪里", "c 剑南大道 一百二十 号"),
        {"category": "labour", "place": "剑南大道120号", "urgency": "normal", "complexity": "complex"},
    ),
    "water has stopped": (
        ("c 锦绣花园 停水 两天 了 什么 时候 能 恢复", "a 您 的 电话", "c 零 二 八 八 五 一 二 三 四 五 六"),
        {"category": "water", "place": "锦绣花园", "contact_phone": "02885123456", "urgency": "normal"},
    ),
    "a manhole lies open at a crossing": (
        ("c 红星路 和 蜀都大道 路口 井盖 丢失 了",),
        {"category": "road", "place": "红星路和蜀都大道路口", "urgency": "urgent", "contact_name": None},
    ),
    "an old fire is no emergency": (
        ("c 上个月 楼下 爆炸 过 我 想 咨询 一下 理赔 政策",),
        {"category": "enquiry", "urgency": "normal"},
    ),
    "what is denied is no emergency": (
        ("c 配电箱 坏了 停电 了 没有 漏电 也 没有 人 受伤",),
        {"category": "power", "urgency": "normal"},
    ),
    "nobody in charge does not deny the danger": (
        ("c 围墙 要倒了 一直 没有人 管 很 危险",),
        {"urgency": "urgent", "category": "building-safety"},
    ),
    "a question about residence": (
        ("c 请问 居住证 怎么 办理 需要 什么 材料",),
        {"category": "enquiry.residence", "urgency": "normal", "place": None, "unit": "公安局"},
    ),
    "only the agent speaks of a danger": (
        ("a 有没有 危险 有没有 起火", "c 广场舞 声音太大"),
        {"category": "noise", "urgency": "normal"},
    ),
    "names heard wrong": (
        ("c 福花南路 那个 板房 清鞋 了 很 危险", "a 您 贵姓", "c 我 姓 网"),
        {"category": "building-safety", "place": "富华南路", "urgency": "urgent", "contact_name": "王"},
    ),
    "gas that smells strongly is gas": (
        ("c 万科城 三 栋 楼 到 李 煤气味 很 大", "a 位置", "c 剑南大道 一八十 号", "a 电话", "c 一五零零四四七七八九"),
        {"category": "gas", "place": "万科城3栋", "contact_phone": "1500447789"},
    ),
    "a syllable is missing": (
        ("c 我 住 在 紫荆小 五 栋 楼下 噪音 太 大",),
        {"place": "紫荆小区5栋楼下", "category": "noise"},
    ),
    "digits heard wrong": (
        ("c 路灯 坏了", "a 联系电话", "c 要三八 零零 要二三 四五六", "a 好的"),
        {"category": "lighting", "contact_phone": "13800123456"},
    ),
    "one digit heard as another word": (
        ("c 路灯 坏了", "a 联系电话", "c 一三八 零零 要 二三 四五六"),
        {"contact_phone": "13800123456"},
    ),
    "a road that no gazetteer knows": (
        ("c 我 住在 梧桐路 八 号 下水道 堵了",),
        {"category": "water", "place": "梧桐路8号"},
    ),
    "a spot without a name": (("c 学校 门口 违章停车 太 多",), {"category": "parking", "place": "学校门口"}),
    "a date is no house number": (
        ("c 三月 十五 号 晚上 开始 停电", "c 在 阳光小区"),
        {"place": "阳光小区", "category": "power"},
    ),
    "the district is told first": (
        ("c 我 在 武侯区", "a 具体 位置", "c 科华南路 二十 号 旁边"),
        {"place": "武侯区科华南路20号旁边"},
    ),
    "a full name": (
        ("c 我 叫 王 建国 我 要 投诉 健身房 不退钱", "a 电话", "c 我 的 手机号 是 一三七 零零零零 一一一一"),
        {"category": "consumer", "contact_name": "王建国", "contact_phone": "13700001111"},
    ),
    "a gentleman by the agent's word": (
        ("c 垃圾 没有人清理", "a 您 贵姓", "c 姓 赵", "a 赵 先生 您好"),
        {"contact_name": "赵先生", "category": "sanitation"},
    ),
    "digits of which one is missing": (
        ("c 路灯 不亮", "a 联系电话", "c 一三八 零零 一二三 四五"),
        {"contact_phone": "1380012345"},
    ),
    "small talk only": (
        ("a 您好", "c 喂 你好", "a 请 说", "c 嗯 谢谢 再见"),
        dict.fromkeys(
            ("summary", "category", "place", "urgency", "complexity", "unit", "contact_phone", "contact_name")
        ),
    ),
}


@pytest.mark.parametrize("call", CALLS)
def test_a_call_becomes_a_draft(
    call: str, conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    lines, expected = CALLS[call]
    fields = draft(conversation(*lines), taxonomy, gazetteer).to_json()
    got = {name: fields[name]["value"] for name in expected}
    if got.get("category") and "." not in expected["category"]:
        got["category"] = taxonomy.top(got["category"])
    assert got == expected


@pytest.mark.parametrize("call", CALLS)
def test_every_value_has_evidence_and_nothing_else_has(
    call: str, conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    transcript = conversation(*CALLS[call][0], recording_id="r-1")
    fields = draft(transcript, taxonomy, gazetteer).to_json()
    assert json.loads(json.dumps(fields)) == fields
    for field in fields.values():
        assert set(field) == {"value", "confidence", "confirmed", "doubtful", "evidence"}
        assert field["confirmed"] is False
        assert bool(field["evidence"]) == (field["value"] is not None) == (field["confidence"] > 0)
        assert field["confidence"] <= 1
        for each in field["evidence"]:
            utterance = transcript.utterances[each["utterance"]]
            assert utterance.start <= each["start"] < each["end"] <= utterance.end
            assert each["text"]
            assert each["recording_id"] == "r-1"
    assert all(
        transcript.utterances[each["utterance"]].speaker == "citizen"
        for name in ("summary", "category", "place", "urgency", "contact_phone")
        for each in fields[name]["evidence"]
    )


def test_the_evidence_is_the_seconds_of_the_words(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    transcript = conversation(*SHED)
    (seen,) = draft(transcript, taxonomy, gazetteer).category.evidence
    word = next(word for word in transcript.utterances[1].words if word.text == "板房倾斜")
    assert (seen.utterance, seen.start, seen.end, seen.text) == (1, word.start, word.end, "板房倾斜")


def test_doubtful_words_make_a_doubtful_value(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    clear = draft(conversation(*SHED), taxonomy, gazetteer)
    doubted = draft(conversation(*SHED, doubted=["富华南路", "危险", "王"]), taxonomy, gazetteer)
    assert doubted.place.value == clear.place.value
    assert doubted.place.confidence < clear.place.confidence
    assert doubted.contact_name.confidence < clear.contact_name.confidence
    assert doubted.category.confidence == clear.category.confidence


@pytest.mark.parametrize(
    ("line", "least", "most"),
    [
        ("c 房子 倾斜 了", 0.9, 1.0),
        ("c 会不会 爆炸", 0.3, 0.7),
        ("c 去年 墙体开裂 脱落", 0.3, 0.7),
        ("c 去年 开始 墙体开裂 现在 还 在 脱落", 0.9, 1.0),
        ("c 我 很 害怕", 0.3, 0.7),
        ("c 墙 歪 得 不是 一般 的 危险", 0.9, 1.0),
    ],
)
def test_urgency_is_never_missed_for_want_of_confidence(
    line: str, least: float, most: float, conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    field = draft(conversation(line), taxonomy, gazetteer).urgency
    assert field.value == "urgent"
    assert least < field.confidence < most


def test_a_danger_is_looked_for_by_sound_in_words_that_were_hardly_heard(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    line = "c 家里 有点 没气味"
    heard_badly = draft(conversation(line, doubted=["没气味"]), taxonomy, gazetteer).urgency
    assert (heard_badly.value, heard_badly.doubtful) == ("urgent", True)
    assert draft(conversation(line), taxonomy, gazetteer).urgency.value != "urgent"


def test_incomplete_and_guessed_numbers_are_marked_doubtful(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    short = draft(conversation("a 联系电话", "c 一三八 零零 一二三 四五"), taxonomy, gazetteer).contact_phone
    guessed = draft(conversation("a 联系电话", "c 一三八 零零 要 二三 四五六"), taxonomy, gazetteer).contact_phone
    whole = draft(conversation(*SHED), taxonomy, gazetteer).contact_phone
    assert short.confidence < 0.35 < guessed.confidence < 0.6
    assert whole.confidence > 0.9


def test_a_surname_that_sounds_like_a_commoner_one_is_doubtful(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    common, rare = (draft(conversation(f"c 我 姓 {name}"), taxonomy, gazetteer).contact_name for name in "李黎")
    assert (common.value, rare.value) == ("李", "黎")
    assert rare.confidence < 0.6 < common.confidence


def test_a_transcript_without_words_still_gives_a_draft(taxonomy: Taxonomy, gazetteer: Gazetteer) -> None:
    said = Utterance("citizen", 3.0, 6.5, "富华南路十五号路灯不亮。", 0.8)
    result = draft(Transcript("c", "complete", "m", (said,)), taxonomy, gazetteer)
    assert (result.category.value, result.place.value) == ("lighting.street-lamp", "富华南路15号")
    assert [(each.start, each.end) for each in result.place.evidence] == [(3.0, 6.5)]


def test_every_matter_is_found_by_its_first_phrase(
    conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    for matter in taxonomy.matters:
        field = draft(conversation(f"c 我 要 反映 {matter.strong[0]}"), taxonomy, gazetteer).category
        assert field.value == matter.code


TALK = st.lists(
    st.tuples(
        st.sampled_from("ac"),
        st.lists(
            st.one_of(
                st.sampled_from("富华南路 一 三八 号 电话 姓 王 危险 没有 路灯 在 旁边 15 13800123456 ，".split()),  # noqa: SIM905
                st.text(min_size=1, max_size=4).filter(lambda text: bool(text.split())),
            ),
            min_size=1,
            max_size=6,
        ),
    ),
    max_size=6,
)


@settings(max_examples=150, deadline=None)
@given(talk=TALK)
def test_whatever_is_said_a_draft_comes_out(
    talk: list[tuple[str, list[str]]], conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    transcript = conversation(*(" ".join([who, *words]) for who, words in talk))
    for field in draft(transcript, taxonomy, gazetteer).to_json().values():
        assert bool(field["evidence"]) == (field["value"] is not None)
        assert 0 <= field["confidence"] <= 1
