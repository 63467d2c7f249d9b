"""From speech to features and labels: phones, channel, alignment."""

import io

import numpy as np
import pytest
import soundfile

from asr.synthesis import SAMPLE_RATE, Espeak, Syllable
from asr.training.align import realign
from asr.training.channel import a_law, add_noise, babble, gsm, mu_law, street_noise, telephone
from asr.training.corpus import plan
from asr.training.errors import TrainingError
from asr.training.features import label, mfcc, output_frames
from asr.training.phones import HMM_STATES, PDF_COUNT, PHONE_COUNT, SILENCE, first_pdf, phone_id, split, word_positions
from asr.training.recipe import Recipe
from asr.training.speech import examples


@pytest.mark.parametrize(
    ("syllable", "sounds"),
    [
        ("zhuang1", ("zh", "uang")),
        ("zhi4", ("zh", "ih")),
        ("si4", ("s", "iz")),
        ("xi1", ("x", "i")),
        ("ju2", ("j", "v")),
        ("yuan2", ("y", "van")),
        ("yan2", ("y", "ian")),
        ("lve4", ("l", "ve")),
        ("nü3", ("n", "v")),
        ("er4", ("er",)),
        ("wang2", ("w", "ang")),
    ],
)
def test_a_syllable_is_initial_and_final(syllable: str, sounds: tuple[str, ...]) -> None:
    assert split(syllable) == sounds


@pytest.mark.parametrize("wrong", ["xyz1", "ang", "n2", ""])
def test_what_is_no_syllable_is_refused(wrong: str) -> None:
    if wrong == "ang":
        assert split(wrong) == ("ang",)
        return
    with pytest.raises(TrainingError, match="no syllable"):
        split(wrong)


def test_transition_ids_count_all_states_once() -> None:
    states = [state for phone in HMM_STATES for state in phone]
    assert [state.number for state in states] == list(range(len(states)))
    assert {state.pdf for state in states} == set(range(PDF_COUNT))
    assert states[-1].forward == 2 * len(states)
    assert len(HMM_STATES) == PHONE_COUNT + 1
    assert HMM_STATES[phone_id("ang", "B")][1].pdf == HMM_STATES[phone_id("ang", "E")][1].pdf == first_pdf("ang") + 1
    assert word_positions(("er",)) == [("er", "S")]
    assert [position for _, position in word_positions(("l", "u", "d", "eng"))] == ["B", "I", "I", "E"]


@pytest.mark.parametrize(("codec", "subtype"), [(a_law, "ALAW"), (mu_law, "ULAW")])
def test_codecs_are_those_of_the_telephone(codec: type, subtype: str) -> None:
    signal = np.sin(np.arange(8000) / 5) * np.linspace(100, 30000, 8000)
    file = io.BytesIO()
    soundfile.write(file, signal.astype(np.int16), SAMPLE_RATE, format="WAV", subtype=subtype)
    file.seek(0)
    real = soundfile.read(file, dtype="int16")[0].astype(float)
    ours, theirs = ((x - signal).std() / signal.std() for x in (codec(signal), real))
    assert ours == pytest.approx(theirs, abs=0.01)


def test_gsm_keeps_length_and_loudness() -> None:
    tone = 8000 * np.sin(np.arange(12345) * 2 * np.pi * 440 / SAMPLE_RATE)
    heard = gsm(tone)
    assert len(heard) == len(tone)
    assert heard.std() == pytest.approx(tone.std(), rel=0.3)


def test_noise_is_as_loud_as_asked() -> None:
    chance = np.random.default_rng(1)
    signal = 3000 * chance.standard_normal(80000)
    loud = np.sort(signal**2)[40000:].mean()
    for noise in (street_noise(80000, chance), babble([np.ones(500, np.int16)], 80000, chance)):
        noisy = add_noise(signal, noise, 10.0)
        assert 10 * np.log10(loud / ((noisy - signal) ** 2).mean()) == pytest.approx(10.0, abs=0.01)


def test_a_call_moves_the_times_as_it_says() -> None:
    chance, edge = np.random.default_rng(5), 800
    beep = np.zeros(24000, np.int16)
    beep[8000:16000] = 20000 * np.sin(np.arange(8000) * 2 * np.pi * 1000 / SAMPLE_RATE)
    for _ in range(10):
        heard, scale, shift = telephone(beep, [], chance)
        start, end = (int((second * scale + shift) * SAMPLE_RATE) for second in (1.0, 2.0))
        inside = np.abs(heard[start + edge : end - edge]).mean()
        assert inside > 1.15 * np.abs(heard[: start - edge]).mean()
        assert inside > 1.15 * np.abs(heard[end + edge :]).mean()


def test_labels_follow_the_sounds() -> None:
    syllables = (Syllable("ma1", (0.10, 0.19), 0.40), Syllable("er4", (0.45,), 0.60))
    found = label(syllables, 1.0, 0.0, 30)
    m, a, er, silence = (first_pdf(sound) for sound in ("m", "a", "er", SILENCE))
    assert list(found[:14]) == [*[silence] * 3, *[m] * 3, *[a] * 4, *[a + 1] * 3, er]
    assert list(found[-5:]) == [silence] * 5
    assert (label(syllables, 1.0, 0.3, 40)[10:] == found).all()


def test_alignment_finds_the_states_and_the_silence_between() -> None:
    silence, m, a, er = (first_pdf(sound) for sound in (SILENCE, "m", "a", "er"))
    truth = np.array([silence, m, m, a, a + 1, a + 1, silence, er, er + 1, silence])
    scores = np.full((len(truth), PDF_COUNT), -8.0, dtype=np.float32)
    scores[np.arange(len(truth)), truth] = -0.1
    scores[4, a + 1], scores[4, m] = -0.5, -0.4  # the order of the states overrules one frame's doubt
    np.testing.assert_array_equal(realign(scores, ("ma1", "er4"), truth * 0), truth)


def test_alignment_keeps_the_old_labels_where_the_words_do_not_fit() -> None:
    old = np.array([0, 1, 2])
    assert realign(np.zeros((3, PDF_COUNT), np.float32), ("ma1", "er4"), old) is old


def test_utterances_become_features_and_labels_of_one_length(recipe: Recipe, espeak: Espeak) -> None:
    said: list[str] = []
    done = examples(plan(recipe, 3, 40), espeak, 1, said.append)
    assert 30 <= len(done) <= 40
    assert said
    for example in done:
        assert example.features.shape[1] == 40
        assert len(example.labels) == output_frames(len(example.features))
    spoken = np.concatenate([example.labels for example in done if example.syllables])
    assert 0.1 < (spoken == first_pdf(SILENCE)).mean() < 0.6


def test_features_are_a_frame_each_10_ms() -> None:
    assert mfcc(np.zeros(8000, np.float32)).shape == (98, 40)
