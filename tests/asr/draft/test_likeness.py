"""Matters found by likeness to example sentences: what no phrase list thought of, with its evidence and its doubt."""

from collections.abc import Iterable

import pytest

from asr.draft import Gazetteer, Taxonomy, draft
from asr.draft.likeness import Likeness
from asr.draft.taxonomy import top_of
from tests.asr.conftest import Conversation
from tests.benchmarks.corpus.script import FOLDER, load_script

LAMPS_AND_DOGS = Likeness(
    {
        "lighting.street-lamp": ["路灯坏了晚上看不清", "路灯一直不亮"],
        "lighting": ["这里晚上太黑"],
        "animal": ["狗一直叫", "有人遛狗不牵绳"],
    }
)


def best(scores: dict[str, float], among: Iterable[str] | None = None) -> str:
    return max(among or scores, key=scores.__getitem__)


def test_a_text_is_like_the_examples_with_which_it_shares_runs_of_characters() -> None:
    scores = LAMPS_AND_DOGS.scores("晚上的路灯不亮")
    assert best(scores).startswith("lighting")
    assert best(scores, ["lighting.street-lamp", "animal"]) == "lighting.street-lamp"
    assert best(LAMPS_AND_DOGS.scores("邻居的狗叫个不停")) == "animal"


def test_an_example_scores_high_and_what_is_like_none_near_nothing() -> None:
    assert LAMPS_AND_DOGS.scores("有人遛狗不牵绳")["animal"] > 0.25
    assert abs(LAMPS_AND_DOGS.scores("身份证怎么办理有没有什么要求")["animal"]) < 0.1
    assert LAMPS_AND_DOGS.scores("身份证怎么办") == {}
    assert LAMPS_AND_DOGS.scores("") == {}
    assert Likeness({}).scores("路灯") == {}
    assert Likeness({"a": ["", "123, abc"]}).scores("路灯") == {}


def test_what_only_sounds_like_an_example_counts_too() -> None:
    said, heard, other = (LAMPS_AND_DOGS.scores(text)["animal"] for text in ("遛狗不牵绳", "流够不千圣", "办卡不退钱"))
    assert said > heard > 0.1 > other


def test_the_same_examples_give_the_same_scores_in_any_case(taxonomy: Taxonomy) -> None:
    said = "小区的路灯坏了好几天没有人来修"
    lighting = {code: texts for code, texts in taxonomy.examples.matters.items() if top_of(code) == "lighting"}
    assert Likeness(lighting).scores(said) == taxonomy.kinds["lighting"].scores(said)


UNLISTED: dict[str, tuple[tuple[str, ...], str]] = {
    "darkness": (("c 晚上 走 过去 伸手不见五指", "c 老人 都 不敢 出门"), "lighting"),
    "work for nothing": (("c 干 了 三个月 一分 钱 也 没 拿到",), "labour.wages"),
    "a flooded doorway": (("c 一 下雨 门口 就 成了 河",), "water.drainage"),
    "pasted walls": (("c 墙上 贴满 了 办证 的",), "sanitation.flyposting"),
}


@pytest.mark.parametrize("call", UNLISTED)
def test_what_no_phrase_says_is_a_doubtful_guess_with_its_clauses(
    call: str, conversation: Conversation, taxonomy: Taxonomy, gazetteer: Gazetteer
) -> None:
    lines, expected = UNLISTED[call]
    transcript = conversation("a 您好 请 说", "c 喂 你好", *lines, "a 您 的 电话", "c 一三八零零一二三四五六")
    field = draft(transcript, taxonomy, gazetteer).category
    assert (field.value, field.doubtful) == (expected, True)
    assert all(2 <= each.utterance < 2 + len(lines) for each in field.evidence), (
        "neither greeting nor number carried it"
    )


def test_the_examples_hold_no_sentence_that_a_benchmark_measures_with(taxonomy: Taxonomy) -> None:
    by_code = (taxonomy.examples.matters, taxonomy.examples.tops)
    examples = {text for each in by_code for texts in each.values() for text in texts}
    examples |= {*taxonomy.examples.urgent, *taxonomy.examples.normal}
    assert len(examples) > 2500
    for path in FOLDER.glob("*.toml"):
        measured = {
            text.partition("@")[0].replace("{place}", "").strip("，") for _, text in load_script(path.stem).matters
        }
        assert not examples & measured, path.stem
