"""The corpus of whole calls (tests/benchmarks/corpus) is what tests/benchmarks/draft_accuracy.py says it is."""

import re
from pathlib import Path

import numpy as np
import pytest

from asr.audio import read_mono
from asr.draft import Taxonomy
from asr.model import SpeechModel
from asr.synthesis import SAMPLE_RATE, Espeak
from asr.training.recipe import HELD_OUT
from tests.benchmarks import __main__ as bench
from tests.benchmarks import draft_accuracy
from tests.benchmarks.corpus.call import FIELDS, CallText, Truth
from tests.benchmarks.corpus.compare import right, same_place, same_text, scored
from tests.benchmarks.corpus.perfect import in_words, model_words, perfect_transcript
from tests.benchmarks.corpus.places import read_known
from tests.benchmarks.corpus.script import SIZES, VOICES, load_script, spoken_digits, write_calls
from tests.benchmarks.corpus.sound import CROWD, call_sounds

CONFIG = Path(__file__).parents[2] / "config"
TOP_CODES = {
    *("lighting", "water", "power", "gas", "noise", "road", "sanitation", "parking", "building-safety"),
    *("public-facilities", "consumer", "labour", "education", "health", "housing", "environment", "enquiry"),
}
SETS = ("dev", "held_out")


@pytest.fixture(scope="module")
def vocabulary(speech_model: SpeechModel) -> frozenset[str]:
    return model_words(speech_model.path)


@pytest.fixture(scope="module", params=SETS)
def calls(request: pytest.FixtureRequest) -> list[CallText]:
    return write_calls(load_script(request.param))


def test_the_same_seed_writes_the_same_calls_and_another_seed_others(calls: list[CallText]) -> None:
    name = calls[0].name.rpartition("-")[0]
    assert len(calls) == SIZES[name]
    assert write_calls(load_script(name)) == calls
    assert write_calls(load_script(name), seed=1) != calls


def test_every_field_has_a_truth_and_every_matter_a_call(calls: list[CallText]) -> None:
    for call in calls:
        assert set(call.truth.fields) == set(FIELDS), call.name
        assert call.truth.unscored <= set(FIELDS)
    assert {call.truth.fields["category"] for call in calls} == TOP_CODES


def test_the_codes_of_the_truth_are_the_taxonomys(calls: list[CallText], taxonomy: Taxonomy) -> None:
    known = {matter.code.partition(".")[0] for matter in taxonomy.matters}
    assert {str(call.truth.fields["category"]) for call in calls} <= known
    assert {code for call in calls for code in call.truth.category_also} <= known


def test_only_voices_that_training_refuses_speak_and_none_of_them_babbles() -> None:
    assert set(VOICES) == HELD_OUT
    assert not HELD_OUT & set(CROWD)


def test_the_bundled_model_knows_every_word(calls: list[CallText], vocabulary: frozenset[str]) -> None:
    phrases = {phrase for call in calls for line in call.lines for phrase in line.text.split("，")}
    assert [phrase for phrase in phrases if in_words(phrase, vocabulary) is None] == []


def test_what_the_truth_says_was_said(calls: list[CallText]) -> None:
    for call in calls:
        said = "|".join(same_text(line.text) for line in call.lines if line.speaker == "citizen")
        for field in ("contact_phone", "happened_at", "contact_name", "respondent"):
            value = call.truth.fields[field]
            if value:
                parts = said.replace("|", "") if field == "contact_phone" else said
                assert same_text(value) in parts, (call.name, field)
        place = call.truth.fields["place"]
        if place:
            assert all(part in said for part in re.findall(r"\d+[号栋]?|[^\d和]+", same_text(place))), call.name


def test_the_held_out_calls_measure_what_is_hard(taxonomy: Taxonomy) -> None:
    calls = write_calls(load_script("held_out"))
    urgent = [call for call in calls if call.truth.fields["urgency"] == "urgent"]
    assert 0.2 <= len(urgent) / len(calls) <= 0.35
    for field in ("place", "contact_phone", "contact_name"):
        assert sum(call.truth.fields[field] is None for call in calls) >= 10, field
    calm = ["".join(line.text for line in call.lines) for call in calls if call not in urgent]
    dangers = [word for rule in taxonomy.urgency.rules for word in rule.words]
    assert sum(any(danger in text for danger in dangers) for text in calm) >= 10
    turns = [line.text for call in calls for line in call.lines]
    assert any(re.search("(?:不是|不对|错).{0,6}[零幺一]", text) for text in turns)


def test_the_two_sets_share_no_sentence() -> None:
    # Names of places they do share: the gazetteer has 32 roads, and a set takes 16 of them.
    dev, held_out = map(load_script, SETS)
    assert not {text for _, text in dev.matters} & {text for _, text in held_out.matters}


def test_what_training_speaks_holds_no_complaint_of_the_held_out_set() -> None:
    text = (CONFIG / "speech/sentences.toml").read_text(encoding="utf-8").replace(" ", "")
    assert not [said for _, said in load_script("held_out").matters if said.partition("@")[0] in text]


def test_the_truth_of_a_district_is_the_gazetteers_where_it_is_certain(calls: list[CallText]) -> None:
    known = read_known(CONFIG / "gazetteer")
    for call in calls:
        place = call.truth.fields["place"] or ""
        certain = {known[name].district for name in known if place.startswith(name) and "路口" not in place} - {None}
        if certain and call.truth.fields["district"]:
            assert call.truth.fields["district"] in certain, call.name


def test_perfect_text_is_the_spoken_text(calls: list[CallText], vocabulary: frozenset[str]) -> None:
    transcript = perfect_transcript(calls[0], vocabulary, ())
    heard = "".join(word.text for each in transcript.utterances for word in each.words)
    assert heard == "".join(line.text for line in calls[0].lines).replace("，", "")
    starts = [each.start for each in transcript.utterances]
    assert starts == sorted(starts)
    with pytest.raises(ValueError, match="does not know"):
        perfect_transcript(calls[0], vocabulary - {"的", "我", "您", "您好", "你好", "喂", "老师"}, ())


def test_a_call_is_two_tracks_of_one_length_made_once(tmp_path: Path, espeak: Espeak) -> None:
    calls = write_calls(load_script("dev"), 2)
    sounds = call_sounds(calls, tmp_path, espeak, 2)
    made = [path.stat().st_mtime_ns for sound in sounds for path in (sound.agent, sound.citizen)]
    for sound in sounds:
        (agent, rate), (citizen, _) = read_mono(sound.agent), read_mono(sound.citizen)
        assert rate == SAMPLE_RATE
        assert len(agent) == len(citizen) > 5 * SAMPLE_RATE
        assert not np.array_equal(agent, citizen)
    assert call_sounds(calls, tmp_path, espeak, 2) == sounds
    assert [path.stat().st_mtime_ns for sound in sounds for path in (sound.agent, sound.citizen)] == made


def test_numbers_are_read_in_groups() -> None:
    assert spoken_digits("13800123456", yao=True) == "幺三八，零零幺二，三四五六"
    assert spoken_digits("0281", yao=False) == "零二八一"


@pytest.mark.parametrize(
    ("got", "truth", "region", "same"),
    [
        ("富华南路15号门口", "富华南路15号门口", (), True),
        ("富华南路十五号的大门口。", "富华南路15号门口", (), True),
        ("成都市武侯区富华南路15号", "富华南路15号", ("武侯区",), True),
        ("武侯区玉林街道紫荆小区5幢2单元502室", "紫荆小区5栋2单元502", ("武侯区", "玉林街道"), True),
        ("紫荆小区5号楼", "紫荆小区5栋", (), True),
        ("府城大道与益州大道交叉口", "益州大道和府城大道路口", (), True),
        ("新园大道和和平路路口", "和平路和新园大道路口", (), True),
        ("富华南路128号", "富华南路一百二十八号", (), True),
        ("成华区成都东站", "成都东站", ("成华区",), True),
        ("富华南路105号", "富华南路一百零五号", (), True),
        ("富华南路15号对面", "富华南路15号门口", (), False),
        ("富华南路15号", "富华南路15号门口", (), False),
        ("富华北路15号", "富华南路15号", (), False),
        ("富华南路16号", "富华南路15号", (), False),
        ("紫荆小区5栋", "紫荆小区5栋2单元", (), False),
        ("府城大道", "府城大道和益州大道路口", (), False),
        ("锦江区富华南路15号", "富华南路15号", ("武侯区",), False),
    ],
)
def test_when_a_place_is_right(got: str, truth: str, region: tuple[str, ...], same: bool) -> None:
    assert same_place(got, truth, region) is same


TRUTH = Truth(
    {
        **dict.fromkeys(FIELDS),
        "category": "road",
        "urgency": "urgent",
        "place": "富华南路15号",
        "contact_phone": "13800123456",
        "happened_at": "昨天晚上8点半",
    },
    frozenset({"respondent"}),
    ("富华南路15号超市",),
    ("public-facilities",),
)


@pytest.mark.parametrize(
    ("field", "got", "verdict"),
    [
        ("category", "road.surface", True),
        ("category", "public-facilities", True),
        ("category", "water", False),
        ("category", None, False),
        ("place", "富华南路15号的超市", True),
        ("contact_phone", "138 0012 3456", True),
        ("contact_phone", "13800123457", False),
        ("happened_at", "昨天晚上八点半", True),
        ("contact_name", None, True),
        ("contact_name", "匿名", True),
        ("contact_name", "王女士", False),
        ("street", "玉林街道", False),
    ],
)
def test_when_a_field_is_right(field: str, got: str | None, verdict: bool) -> None:
    assert right(field, got, TRUTH) is verdict


def test_a_field_with_more_than_one_fair_answer_is_not_scored() -> None:
    assert set(scored({}, TRUTH)) == set(FIELDS) - {"respondent"}


def test_the_figures_count_what_they_say(vocabulary: frozenset[str]) -> None:
    call = CallText("call", (), TRUTH, {}, 0)
    empty = perfect_transcript(call, vocabulary, ())
    whole = {**TRUTH.fields, "category": "road.surface"}
    calm = {**whole, "urgency": "normal", "place": None}
    trials = [draft_accuracy.Trial(call, empty, got, whole) for got in (whole, calm)]
    assert draft_accuracy.figures(trials, lambda trial: trial.got) == {
        "category": 1.0,
        "place": 0.5,
        "phone": 1.0,
        "urgent recall": 0.5,
        "urgent precision": 1.0,
    }
    assert draft_accuracy.verdicts(trials, "place", lambda trial: trial.got) == (2, 1, 1, 2)


def test_errors_of_the_held_out_calls_are_never_written(tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        draft_accuracy.main(["--errors", str(tmp_path / "errors.txt")])
    assert list(tmp_path.iterdir()) == []


def test_one_benchmark_can_be_chosen_and_a_name_that_is_none_is_refused() -> None:
    assert bench.names("draft_acc") == ["draft_accuracy"]
    assert "speech_accuracy" in bench.names("")
    with pytest.raises(SystemExit):
        bench.main(["-k", "nothing has this name"])


def test_the_table_of_goals_tells_what_failed_without_a_word() -> None:
    shown = bench.table([("one", ["CER 1 % goal 6 % met"], False), ("two", [], True), ("three", [], False)])
    assert [line.split()[0] for line in shown.splitlines()] == ["one", "two", "three"]
    assert "MISSED" in shown.splitlines()[1]
    assert "MISSED" not in shown.splitlines()[2]
