"""What is decoded of a track and what is left out: a real recognizer, a real voice."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import vosk

from asr.audio import Samples
from asr.hearing import CONTEXT_STEPS, PAUSE_SECONDS, QUIET_STEPS, Hearing, Step, skips
from asr.live.sound import TrackSound
from asr.live.track import TrackFollower
from asr.model import SpeechModel
from asr.speechlike import FAINT_DB, Nearby
from asr.synthesis import Espeak, synthesise
from asr.transcript import Word

RATE = 8000
FIRST, SECOND = "我想反映富华南路的路灯坏了", "我的电话是一三八零零一二三四五六"


@pytest.fixture(scope="module")
def model(speech_model: SpeechModel) -> vosk.Model:
    vosk.SetLogLevel(-1)
    return vosk.Model(str(speech_model.path))


def room(seconds: float, loud: float) -> Samples:
    """The other speaker's echo and a room: a voice-like hum that rises and falls, `loud` at its peaks."""
    time = np.arange(int(seconds * RATE)) / RATE
    swell = 0.5 + 0.5 * np.sin(2 * np.pi * 1.3 * time)
    noise = np.random.default_rng(1).standard_normal(time.size)
    return np.asarray(loud / 4 * swell * noise, np.int16)


def hear(model: vosk.Model, samples: Samples, part: float = 1.0) -> tuple[list[Step], float]:
    """Feed a track by parts of so many seconds; its steps, and where it ended."""
    hearing, steps = Hearing(model, RATE), []
    for at in range(0, samples.size, int(part * RATE)):
        hearing.put(samples[at : at + int(part * RATE)], RATE)
        while step := hearing.step():
            steps.append(step)
    hearing.end()
    while step := hearing.step():
        steps.append(step)
    return [*steps, hearing.final()], hearing.position


def words(steps: list[Step]) -> list[tuple[str, float]]:
    return [(word[0], word[1]) for step in steps for heard in step.utterances for word in heard]


@pytest.mark.parametrize(
    ("quiet_run", "open_steps", "left_out"),
    [
        (QUIET_STEPS, 0, False),
        (QUIET_STEPS + 1, 0, True),
        (0, 9, False),
        (QUIET_STEPS + 1, QUIET_STEPS + 1, False),  # silence that began in an utterance which has not ended
        (20, 20 - CONTEXT_STEPS, False),
        (20, 19 - CONTEXT_STEPS, True),
    ],
)
def test_a_quiet_step_is_left_out_between_utterances_only(quiet_run: int, open_steps: int, left_out: bool) -> None:
    assert skips(quiet_run, open_steps) is left_out


@pytest.mark.parametrize("pause", [6.0, 6.05, 6.1, 6.17])
@pytest.mark.parametrize("part", [0.34, 10.0])
def test_after_a_long_murmur_every_word_is_heard_at_its_time(
    model: vosk.Model, espeak: Espeak, pause: float, part: float
) -> None:
    first, second = (synthesise(text, "f4", 180, espeak) for text in (FIRST, SECOND))
    murmur = room(pause, np.abs(first).max() / 40)
    (alone, _), begins = hear(model, second), (first.size + murmur.size) / RATE
    steps, ended = hear(model, np.concatenate([first, murmur, second, murmur]), part)
    heard = [(text, start - begins) for text, start in words(steps) if start > begins - 0.2]
    assert [text for text, _ in heard] == [text for text, _ in words(alone)]
    assert np.allclose([at for _, at in heard], [at for _, at in words(alone)], atol=0.13)
    assert ended == pytest.approx(begins + (second.size + murmur.size) / RATE)
    assert sum(step.settled_seconds is not None for step in steps) > 20  # the murmur was left out
    settled = [step.settled_seconds for step in steps if step.settled_seconds is not None]
    assert settled == sorted(settled)


def with_echo(espeak: Espeak) -> Samples:
    """Two sentences of one speaker; between them the other's, as the line brings them back."""
    first, second = (synthesise(text, "f4", 180, espeak) for text in (FIRST, SECOND))
    other = synthesise("请问您贵姓，您的联系电话是多少，请您说一下具体的地址，我马上为您登记", "m7", 180, espeak)
    return np.concatenate([first, np.asarray(other * 0.05, np.int16), second])


def test_a_question_after_the_others_echo_is_an_utterance_of_its_own(model: vosk.Model, espeak: Espeak) -> None:
    steps, _ = hear(model, with_echo(espeak))
    said = [heard for step in steps for heard in step.utterances]
    assert "路灯" in (first := "".join(word[0] for word in said[0]))
    assert "电话" not in first
    assert "电话" in "".join(word[0] for word in said[-1])
    for heard in said:
        gaps = [after[1] - before[2] for before, after in pairwise(heard)]
        assert max(gaps, default=0.0) <= PAUSE_SECONDS


def test_whoever_dies_between_two_utterances_of_one_result_hears_the_second_again(
    model: vosk.Model, espeak: Espeak, tmp_path: Path
) -> None:
    path = tmp_path / "R-agent.wav"
    soundfile.write(path, with_echo(espeak), RATE, subtype="PCM_16")
    track = TrackFollower(model, RATE, TrackSound("agent", None, path, 0.0))
    track.finish()
    told = [message for message in track.steps(10_000) if message.get("kind") == "heard" and message["words"]]
    track.close()
    assert track.done
    assert len(told) > 1
    for one, following in pairwise(told):
        assert one["words"][-1][2] <= one["seconds"] <= following["words"][0][1]


def test_before_the_speaker_was_heard_nothing_is_faint() -> None:
    assert not Nearby(RATE).faint(np.zeros(1600, np.int16))


@pytest.mark.parametrize("db", [-3.0, 3.0])
def test_faint_is_what_would_be_left_out_as_a_word(db: float) -> None:
    nearby, said = Nearby(RATE), np.full(RATE, 2000, np.int16)
    other = np.full(RATE, 2000 * 10 ** ((db - FAINT_DB) / 20), np.int16)
    nearby.put(np.concatenate([said, other]))
    assert nearby.keep([Word("好的", 0.0, 0.9, 0.99)])
    faint = nearby.faint(other[:1600])
    assert faint is (db < 0)
    assert bool(nearby.keep([Word("请问", 1.0, 1.9, 0.99)])) is not faint


def test_one_loud_frame_makes_a_step_worth_hearing() -> None:
    nearby = Nearby(RATE)
    nearby.put(np.full(RATE, 2000, np.int16))
    nearby.keep([Word("好的", 0.0, 0.9, 0.99)])
    samples = np.zeros(1600, np.int16)
    samples[800:880] = 2000
    assert not nearby.faint(samples)
