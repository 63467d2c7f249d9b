import random
import shutil
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from asr.synthesis import PAUSE, spoken_syllables
from asr.training import Plan
from asr.training.corpus import plan
from asr.training.errors import TrainingError
from asr.training.phones import split
from asr.training.recipe import HELD_OUT, Recipe, gazetteer_names, load_recipe
from asr.training.sentences import draw, said_number, sentences
from asr.training.words import one_way

CONFIG = Path(__file__).parents[3] / "config"
LONGEST_WORD = 12


@pytest.fixture
def edited(tmp_path: Path) -> Callable[[str, str, str], Path]:
    """A copy of config/ with one text replaced in one file of speech/."""

    def edit(name: str, old: str, new: str) -> Path:
        config = tmp_path / "config"
        shutil.copytree(CONFIG / "speech", config / "speech")
        path = config / "speech" / name
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        return config

    return edit


def test_the_voices_for_measuring_are_never_trained_on(recipe: Recipe) -> None:
    assert set(recipe.voices.held_out) == HELD_OUT == {"f4", "m7", "Andrea", "Mike"}
    assert not HELD_OUT & set(recipe.voices.training)
    spoken_by = {utterance.job.voice for utterance in plan(recipe, 1, 2000) if utterance.job}
    assert spoken_by == set(recipe.voices.training)


def test_a_recipe_that_trains_on_a_held_out_voice_is_refused(edited: Callable[[str, str, str], Path]) -> None:
    with pytest.raises(TrainingError, match="f4"):
        load_recipe(edited("voices.toml", '"f5"', '"f5", "f4"'))


def test_no_training_text_contains_a_measured_sentence(recipe: Recipe) -> None:
    held = recipe.held_out.texts
    assert len(held) >= 200
    assert len(recipe.held_out.known_shapes) == len(recipe.held_out.unseen_shapes)
    shipped = Plan()
    assert not held & {"".join(words) for words in sentences(recipe, shipped.seed, shipped.text_sentences)}
    assert not held & {utterance.text for utterance in plan(recipe, shipped.seed, shipped.utterances)}


def test_a_measured_sentence_is_dropped_even_where_a_template_says_it(edited: Callable[[str, str, str], Path]) -> None:
    said = "你好我想反映有毒的问题"
    config = edited("sentences.toml", 'lines = """', 'lines = """\n300* 你好 我 想 反映 有毒 的 问题\n300* 路灯 不亮')
    drawn = {"".join(words) for words in sentences(load_recipe(config), 1, 200)}
    assert said in load_recipe(config).held_out.texts
    assert "路灯不亮" in drawn
    assert said not in drawn


def test_a_shape_kept_for_measuring_is_refused_as_a_template(
    recipe: Recipe, edited: Callable[[str, str, str], Path]
) -> None:
    with pytest.raises(TrainingError, match="held_out"):
        load_recipe(edited("sentences.toml", 'lines = """', f'lines = """\n{recipe.held_out.shapes[0]}'))


@pytest.mark.parametrize(
    ("name", "old", "new", "said"),
    [
        ("sentences.toml", "{landmark} {side}", "{landmrk} {side}", r"no slot \{landmrk\}"),
        ("sentences.toml", "路灯 不亮", "路灯 off", "'off' is not written in hanzi"),
        ("words.txt", "路灯", "路灯3", "'路灯3' is not written in hanzi"),
        ("common_words.txt", "\n因为 ", "\n因为", r"common_words.txt, line \d+: '因为\d+' is not a word and how often"),
        ("voices.toml", "[130", "[[130", "voices.toml"),
    ],
)
def test_a_slip_in_a_file_is_named(
    edited: Callable[[str, str, str], Path], name: str, old: str, new: str, said: str
) -> None:
    with pytest.raises(TrainingError, match=said):
        load_recipe(edited(name, old, new))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match=r"sentences\.toml is missing"):
        load_recipe(tmp_path)


def test_every_word_has_sounds_the_model_knows(recipe: Recipe) -> None:
    for word in recipe.vocabulary():
        for reading in recipe.pronunciations(word):
            assert all(split(syllable) for syllable in reading)


def test_names_that_no_list_has_are_put_together_from_their_parts(recipe: Recipe) -> None:
    chance = random.Random(1)  # noqa: S311 - reproducible, no secret
    drawn = [draw(recipe, chance, "{community}") for _ in range(200)]
    stems, ends = set(recipe.slots["name_stem"]), set(recipe.slots["community_end"])
    made = [words for words in drawn if len(words) == 2 and words[0] in stems and words[1] in ends]
    assert 20 < len(made) < 100, "a share of them, beside those of the lists"
    assert [words for words in drawn if len(words) == 1 and words[0] not in recipe.slots["community"]] == []


def test_the_same_seed_gives_the_same_text(recipe: Recipe) -> None:
    assert sentences(recipe, 7, 50) == sentences(recipe, 7, 50)
    assert plan(recipe, 7, 50) == plan(recipe, 7, 50)
    assert sentences(recipe, 7, 50) != sentences(recipe, 8, 50)


def sayable(text: str, vocabulary: set[str]) -> bool:
    """Whether the text is a row of words of the vocabulary."""
    reached = {0}
    for end in range(1, len(text) + 1):
        if any(start in reached and text[start:end] in vocabulary for start in range(max(0, end - LONGEST_WORD), end)):
            reached.add(end)
    return len(text) in reached


def test_all_that_is_measured_and_all_that_the_demo_says_is_in_the_vocabulary(recipe: Recipe) -> None:
    demo = tomllib.loads((CONFIG / "demo.toml").read_text(encoding="utf-8"))
    lines = [text for speaker in (demo["agent"], *demo["call"]) for _, text in speaker["lines"]]
    vocabulary = set(recipe.vocabulary())
    phrases = [part for line in lines for part in line.replace("。", "，").replace("？", "，").split("，") if part]
    assert [text for text in (*phrases, *recipe.held_out.texts) if not sayable(text, vocabulary)] == []


def test_names_of_the_gazetteer_are_words_and_phrases_of_the_taxonomy_can_be_said(recipe: Recipe) -> None:
    vocabulary = set(recipe.vocabulary())
    for path in (CONFIG / "gazetteer").glob("*.toml"):
        for _, names in gazetteer_names(tomllib.loads(path.read_text(encoding="utf-8"))):
            assert set(names) <= vocabulary
    matters = tomllib.loads((CONFIG / "taxonomy.toml").read_text(encoding="utf-8"))["matter"]
    assert [phrase for matter in matters for phrase in matter["strong"] if not sayable(phrase, vocabulary)] == []


def test_a_sentence_is_spoken_as_its_words_are_written_in_the_lexicon(recipe: Recipe) -> None:
    """The demo and the tests speak whole texts; the lexicon reads word by word: both must agree nearly always."""
    different = []
    for words in sentences(recipe, 3, 1000):
        known = [{tuple(split(s) for s in reading) for reading in recipe.pronunciations(word)} for word in words]
        said = [split(s) for s in spoken_syllables("".join(words)) if s != PAUSE]
        for readings in known:
            count = len(next(iter(readings)))
            if tuple(said[:count]) not in readings:
                different.append("".join(words))
            said = said[count:]
    assert len(different) < 20


def test_what_can_be_cut_in_two_ways_is_cut_in_one_and_digits_stay() -> None:
    vocabulary = ["您", "贵姓", "您贵姓", "五", "三", "天", "三天", "五三"]
    said = [("您", "贵姓"), ("您贵姓",), ("五", "三", "天")]
    assert list(one_way(said, vocabulary)) == [("您贵姓",), ("您贵姓",), ("五", "三", "天")]


def test_what_is_said_of_dangers_is_text_too(recipe: Recipe) -> None:
    alarms = tomllib.loads((CONFIG / "dangers.toml").read_text(encoding="utf-8"))
    text = {template.replace(" ", "") for template in recipe.templates}
    said = [text for kind in ("urgent", "normal") for texts in alarms[kind].values() for text in texts]
    assert [each for each in said if each.replace("，", "") not in text] == []


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "零"), (10, "十"), (15, "十五"), (20, "二十"), (101, "一百零一"), (115, "一百一十五"), (3012, "三千零一十二")],
)
def test_numbers_are_said_as_people_say_them(number: int, said: str) -> None:
    assert said_number(number) == said
