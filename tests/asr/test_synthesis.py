from pathlib import Path

import numpy as np
import pytest

from asr import synthesis
from asr.synthesis import (
    SAMPLE_RATE,
    Espeak,
    Job,
    SynthesisError,
    render_track,
    spoken_syllables,
    synthesise,
    synthesise_all,
)


def loud_seconds(samples: synthesis.Samples) -> list[int]:
    """The whole seconds of a track in which somebody speaks."""
    return [
        second
        for second in range(len(samples) // SAMPLE_RATE + 1)
        if np.abs(samples[second * SAMPLE_RATE : (second + 1) * SAMPLE_RATE]).max(initial=0) > 500
    ]


def test_speech_is_8_khz_and_as_long_as_the_rate_asks(espeak: Espeak) -> None:
    slow, normal, fast = (synthesise("我要反映路灯不亮", "f4", rate, espeak) for rate in (130, 175, 300))
    assert normal.dtype == np.int16
    assert 1.5 < len(normal) / SAMPLE_RATE < 3.0
    assert len(slow) > 1.2 * len(normal) > 1.4 * len(fast)
    assert np.abs(normal).max() > 5000


def test_pitch_changes_the_voice_but_not_the_length(espeak: Espeak) -> None:
    low, high = (synthesise("我要反映路灯不亮", "m7", 175, espeak, pitch) for pitch in (30, 80))
    assert not np.array_equal(low[: len(high)], high[: len(low)])
    assert abs(len(low) - len(high)) < SAMPLE_RATE * 0.3


def test_syllables_have_times_in_order_within_the_sound(espeak: Espeak) -> None:
    speech = synthesise_all([Job(spoken_syllables("投诉，噪音很大"), "f4")], espeak)[0]
    assert [syllable.pinyin for syllable in speech.syllables] == ["tou2", "su4", "zao4", "yin1", "hen3", "da4"]
    times = [time for syllable in speech.syllables for time in (*syllable.sound_starts, syllable.end)]
    assert times == sorted(times)
    assert times[-1] <= len(speech.samples) / SAMPLE_RATE
    assert speech.syllables[2].sound_starts[0] - speech.syllables[1].end > 0.1  # the comma


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("12345", "yi1 er4 san1 si4 wu3"),
        ("一三八", "yi1 san1 ba1"),
        ("幺〇二", "yao1 ling2 er4"),
        ("您好，请讲。", "nin2 hao3 , qing3 jiang3"),
        ("嗯……我姓王", "en4 wo3 xing4 wang2"),
    ],
)
def test_text_is_read_as_numbered_pinyin(text: str, said: str) -> None:
    assert " ".join(spoken_syllables(text.replace("…", ""))) == said


@pytest.mark.parametrize("text", ["", "  ", "，。", "hello", "路灯 lamp", "路灯\x00", "富华南路№3", "👍"])
def test_text_that_cannot_be_spoken_is_refused(text: str) -> None:
    with pytest.raises(SynthesisError, match="speak"):
        spoken_syllables(text)


def test_a_voice_that_is_not_there_is_refused_by_name(espeak: Espeak) -> None:
    with pytest.raises(SynthesisError, match="no voice variant 'nobody'"):
        synthesise("你好", "nobody", 175, espeak)


def test_espeak_that_is_not_there_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(SynthesisError, match="libespeak-ng1"):
        Espeak.under(tmp_path)


def test_a_library_that_cannot_be_loaded_ends_in_an_error_and_not_in_a_loop(espeak: Espeak, tmp_path: Path) -> None:
    broken = tmp_path / "libespeak-ng.so.1"
    broken.write_bytes(b"no library")
    with pytest.raises(SynthesisError, match="failed 4 times"):
        synthesise("你好", "f4", 175, Espeak(broken, espeak.data))


def test_what_a_dead_child_left_half_written_is_not_taken_for_speech() -> None:
    jobs = [Job(("ni3",), "f4"), Job(("hao3",), "f4")]
    whole = b'{"samples": 2, "rate": 8000, "words": [[0, 1, 2]]}\n' + bytes(4)
    done: list[synthesis.Speech] = []
    synthesis._read_replies(whole + whole[:-1], jobs, done)
    assert [speech.syllables[0].pinyin for speech in done] == ["ni3"]


def test_a_track_starts_each_line_at_its_second(espeak: Espeak) -> None:
    track = render_track([(1.0, "你好"), (4.0, "我姓王")], "m7", espeak)
    assert loud_seconds(track) == [1, 4]


def test_a_line_that_comes_too_early_waits_for_the_one_before(espeak: Espeak) -> None:
    first = synthesise("我要反映富华南路的路灯不亮", "m7", 175, espeak)
    both = render_track([(0.0, "我要反映富华南路的路灯不亮"), (0.5, "我姓王")], "m7", espeak)
    np.testing.assert_array_equal(both[: len(first)], first)
    assert len(both) > len(first) + SAMPLE_RATE // 4


def test_no_lines_are_an_empty_track(espeak: Espeak) -> None:
    assert len(render_track([], "m7", espeak)) == 0
