"""What training writes is what stock Vosk reads: the acoustic model's text, the graph, the archive."""

import json
import math
import shutil
import tarfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pytest
import vosk

from asr.model import SpeechModel, extract
from asr.synthesis import SAMPLE_RATE, Espeak, Job, spoken_syllables, synthesise, synthesise_all
from asr.training import renew_words
from asr.training.channel import street_noise
from asr.training.errors import TrainingError
from asr.training.graph import FstTools, Lexicon, expand, lexicon_text, write_graph
from asr.training.kaldi_text import word_boundaries
from asr.training.language import EDGE, estimate, grammar_text
from asr.training.layout import COEFFICIENTS, FIRST_KERNEL, OFFSETS, WIDTH
from asr.training.pack import pack, write_acoustics, write_settings
from asr.training.phones import PDF_COUNT, PHONE_COUNT

ROOT = Path(__file__).parents[3]
Samples = npt.NDArray[np.int16]
Heard = TypeVar("Heard")
SENTENCES = [("路灯", "不亮"), ("路灯", "坏了"), ("是", "市"), ("市", "路灯")]
VOCABULARY = ["不亮", "坏了", "市", "是", "路灯"]


def hear(folder: str, tracks: list[Samples]) -> list[str]:
    """Decode each track with a recognizer of its own; runs in a child process, for a bad model kills its process."""
    vosk.SetLogLevel(-1)
    model = vosk.Model(folder)
    heard = []
    for track in tracks:
        recognizer = vosk.KaldiRecognizer(model, SAMPLE_RATE)
        audio, text = track.tobytes(), ""
        for start in range(0, len(audio), 3200):
            if recognizer.AcceptWaveform(audio[start : start + 3200]):
                text += json.loads(recognizer.Result())["text"]
        heard.append((text + json.loads(recognizer.FinalResult())["text"]).replace(" ", ""))
    return heard


def words_in(folder: str, track: Samples, grammar: str) -> list[tuple[str, float, float]]:
    """Decode one track, by a grammar where one is given; return each word with its start and end second."""
    vosk.SetLogLevel(-1)
    given = (grammar,) if grammar else ()
    recognizer = vosk.KaldiRecognizer(vosk.Model(folder), SAMPLE_RATE, *given)
    recognizer.SetWords(True)
    recognizer.AcceptWaveform(track.tobytes())
    return [(word["word"], word["start"], word["end"]) for word in json.loads(recognizer.FinalResult())["result"]]


def in_child(work: Callable[..., Heard], folder: Path, *arguments: Any) -> Heard:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as child:
        return child.submit(work, str(folder), *arguments).result()


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return Lexicon.build(
        {
            "路灯": [("lu4", "deng1")],
            "不亮": [("bu2", "liang4"), ("bu4", "liang4")],
            "坏了": [("huai4", "le5"), ("huai4", "liao3")],
            "是": [("shi4",)],
            "市": [("shi4",)],
        }
    )


def random_weights() -> dict[str, npt.NDArray[np.float64]]:
    chance = np.random.default_rng(1)

    def norm(name: str) -> dict[str, npt.NDArray[np.float64]]:
        ones, zeros = np.ones(WIDTH), np.zeros(WIDTH)
        return {
            f"{name}.weight": ones,
            f"{name}.bias": zeros,
            f"{name}.running_mean": zeros,
            f"{name}.running_var": ones,
        }

    weights = {
        "mean": np.zeros(COEFFICIENTS),
        "deviation": np.full(COEFFICIENTS, 20.0),
        "first.weight": 0.05 * chance.standard_normal((WIDTH, COEFFICIENTS, FIRST_KERNEL)),
        "last.weight": 0.05 * chance.standard_normal((PDF_COUNT, WIDTH, 1)),
        "last.bias": np.zeros(PDF_COUNT),
        **norm("first_norm"),
    }
    for layer in range(len(OFFSETS)):
        weights |= {
            f"layers.{layer}.weight": 0.03 * chance.standard_normal((WIDTH, WIDTH, 3)),
            **norm(f"norms.{layer}"),
        }
    return weights


def test_vosk_loads_and_runs_an_untrained_export(lexicon: Lexicon, fst_tools: FstTools, tmp_path: Path) -> None:
    grammar = grammar_text(estimate(SENTENCES, VOCABULARY, {}), lexicon.numbers())
    folder = tmp_path / "tiny"
    write_acoustics(folder, random_weights(), np.full(PDF_COUNT, 1 / PDF_COUNT))
    write_settings(folder)
    (folder / "graph/phones").mkdir(parents=True)
    (folder / "graph/phones/word_boundary.int").write_text(word_boundaries())
    write_graph(folder / "graph", lexicon, grammar, fst_tools)
    noise = (3000 * np.random.default_rng(2).standard_normal(24000)).astype(np.int16)
    heard = in_child(hear, folder, [noise])[0]
    assert set(heard) <= set("".join(VOCABULARY))
    with tarfile.open(pack(folder, tmp_path / "tiny.tar.xz")) as archive:
        assert {name.split("/")[0] for name in archive.getnames()} == {"tiny"}
        assert {member.mtime for member in archive} == {0}


def test_a_trained_model_learns_a_new_name_without_training(
    espeak: Espeak, fst_tools: FstTools, tmp_path: Path
) -> None:
    config = tmp_path / "config"
    shutil.copytree(ROOT / "config", config)
    (config / "dangers.toml").unlink()  # 18,000 sentences that this name stands in none of; seconds
    (config / "gazetteer/new.toml").write_text('road = [{ name = "海椒市街" }]\n', encoding="utf-8")
    [archive] = (ROOT / "asr/models").glob("*.tar.xz")
    renewed = renew_words(archive, tmp_path / "out", config, fst_tools.programs.parents[1], print)
    said = [synthesise("在海椒市街十五号", "m7", 175, espeak)]
    before, after = (extract(each, tmp_path / f"of-{each.parent.name}") for each in (archive, renewed))
    assert "海椒市街" not in in_child(hear, before, said)[0]
    assert in_child(hear, after, said) == ["在海椒市街十五号"]


def test_words_of_one_sound_are_told_apart_and_double_readings_are_one(lexicon: Lexicon) -> None:
    text, disambiguators = lexicon_text(lexicon)
    assert disambiguators == 2
    assert len(lexicon.readings[lexicon.words.index("不亮")]) == 1
    assert len(lexicon.readings[lexicon.words.index("坏了")]) == 2
    labels = {int(line.split()[2]) for line in text.splitlines() if len(line.split()) > 2}
    assert {PHONE_COUNT + 1, PHONE_COUNT + 2} <= labels


def test_each_sound_becomes_its_states_with_loops_after_the_entry() -> None:
    lines = expand("0 1 1 7 0.5\n1\n").splitlines()
    assert lines[0] == f"0 2 2 7 {0.5 + math.log(2):.4f}"
    assert set(lines[1:]) == {f"2 2 1 0 {math.log(2):.4f}", "2 1 0 0", "1"}


def test_every_history_shares_out_all_probability() -> None:
    bigrams = estimate(SENTENCES, VOCABULARY, {})
    unigram = {word: math.exp(-cost) for word, cost in bigrams.unigram.items()}
    assert sum(unigram.values()) == pytest.approx(1)
    for before, after in bigrams.after.items():
        left = math.exp(-bigrams.backoff[before])
        seen = sum(math.exp(-cost) for cost in after.values())
        # a seen word's probability holds its share of the back-off already
        assert seen + left * sum(chance for word, chance in unigram.items() if word not in after) == pytest.approx(1)
    assert set(unigram) == {*VOCABULARY, EDGE}


def test_a_word_that_is_common_in_the_language_costs_less_than_one_that_is_not() -> None:
    costs = estimate(SENTENCES, [*VOCABULARY, "晚上", "犹豫"], {"晚上": 1000, "没人说": 9}).unigram
    assert costs["晚上"] < costs["犹豫"]
    assert "没人说" not in costs


def test_word_boundaries_name_every_phone_once() -> None:
    lines = [line.split() for line in word_boundaries().splitlines()]
    assert [int(phone) for phone, _ in lines] == list(range(1, PHONE_COUNT + 1))
    assert lines[0][1] == "nonword"


def test_missing_tools_are_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="libfst-tools"):
        FstTools.under(tmp_path)


def test_what_openfst_refuses_is_said(fst_tools: FstTools) -> None:
    with pytest.raises(TrainingError, match="fstcompile failed"):
        fst_tools.run("fstcompile", stdin=b"no numbers here\n")


def test_the_bundled_archive_is_small_and_has_one_top_directory() -> None:
    archive = max((ROOT / "asr/models").glob("zhitong-demo-8k-*.tar.xz"))
    assert archive.stat().st_size <= 3_000_000
    with tarfile.open(archive) as tar:
        names = tar.getnames()
    assert {name.split("/")[0] for name in names} == {archive.name.removesuffix(".tar.xz")}
    assert (ROOT / "asr/models/MODEL_CARD.md").is_file()


def test_the_bundled_model_hears_a_voice_it_never_heard(speech_model: SpeechModel, espeak: Espeak) -> None:
    said = "我要反映富华南路的变压器旁边有一个板房倾斜了"
    tracks = [np.pad(synthesise(said, voice, 175, espeak), 4000) for voice in ("f4", "m7", "Mike", "Andrea")]
    assert in_child(hear, speech_model.path, tracks) == [said] * 4


def test_the_bundled_model_hears_no_words_where_none_are(speech_model: SpeechModel) -> None:
    chance, seconds = np.random.default_rng(4), 6
    hum = 2000 * np.sin(np.arange(seconds * SAMPLE_RATE) * 2 * np.pi * 50 / SAMPLE_RATE)
    noise = [street_noise(seconds * SAMPLE_RATE, chance) for _ in range(8)]
    levelled = [2000 * sound / sound.std() for sound in noise]
    tracks = [np.zeros(seconds * SAMPLE_RATE), hum, *levelled]
    assert in_child(hear, speech_model.path, [track.astype(np.int16) for track in tracks]) == [""] * len(tracks)


def test_the_bundled_models_word_times_are_those_of_the_speech(speech_model: SpeechModel, espeak: Espeak) -> None:
    speech = synthesise_all([Job(spoken_syllables("我要反映天府大道路灯不亮"), "f4")], espeak)[0]
    heard = in_child(words_in, speech_model.path, np.pad(speech.samples, SAMPLE_RATE // 2), "")
    assert "".join(text for text, _, _ in heard) == "我要反映天府大道路灯不亮"
    first = 0
    for text, start, end in heard:
        said = speech.syllables[first : first + len(text)]
        assert start == pytest.approx(said[0].sound_starts[0] + 0.5, abs=0.1)
        assert end == pytest.approx(said[-1].end + 0.5, abs=0.1)
        first += len(text)


def test_the_bundled_model_takes_a_grammar_at_run_time(speech_model: SpeechModel, espeak: Espeak) -> None:
    track = np.pad(synthesise("一三八零零一二三四五六", "m7", 175, espeak), 4000)
    heard = in_child(
        words_in, speech_model.path, track, json.dumps(["一 二 三 四 五 六 七 八 九 零"], ensure_ascii=False)
    )
    assert "".join(text for text, _, _ in heard) == "一三八零零一二三四五六"
