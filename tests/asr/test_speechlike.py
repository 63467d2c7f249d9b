import numpy as np
import pytest

from asr.audio import Samples
from asr.speechlike import FAINT_DB, Meter, Nearby, loudness, said_here, understood
from asr.transcript import Word

RATE = 8000


def words(*texts: str, confidence: float = 0.98) -> list[Word]:
    return [Word(text, float(at), at + 0.5, confidence) for at, text in enumerate(texts)]


def half_loud() -> Samples:
    """A second of silence, half a second of sound, half a second of silence."""
    samples = np.zeros(2 * RATE, dtype=np.int16)
    samples[RATE : RATE + RATE // 2] = 1000
    return samples


@pytest.mark.parametrize("step", [1600, 37, 2 * RATE])
def test_a_words_level_is_that_of_its_own_time_however_the_sound_comes(step: int) -> None:
    meter, samples = Meter(RATE), half_loud()
    for at in range(0, len(samples), step):
        meter.put(samples[at : at + step])
    quiet, loud = meter.levels(words("请", "讲"))
    assert quiet == pytest.approx(0, abs=0.1)
    assert loud == pytest.approx(60, abs=0.1)


def test_a_track_taken_up_later_has_the_same_levels() -> None:
    meter = Meter(RATE, start=1.0)
    meter.put(half_loud()[RATE:])
    assert meter.level(1.0, 1.5) == pytest.approx(60, abs=0.1)


def test_an_hour_takes_no_more_room_than_two_minutes_and_keeps_its_time() -> None:
    meter = Meter(RATE)
    for _ in range(360):
        meter.put(np.zeros(10 * RATE, dtype=np.int16))
    assert meter.level(3599.0, 3600.0) == 0.0
    meter.put(half_loud()[RATE:])
    assert meter.level(3600.0, 3600.5) == pytest.approx(60, abs=0.1)
    assert meter.level(10.0, 11.0) == 0.0
    assert meter._powers.size == 120 * 100


def test_a_word_beyond_the_samples_has_the_level_of_silence() -> None:
    meter = Meter(RATE)
    meter.put(np.ones(100, dtype=np.int16))
    assert meter.level(5.0, 5.2) == 0.0


def test_the_other_speakers_echo_is_not_said_here() -> None:
    said = words("我", "姓", "王", "请问", "您", "贵姓")
    levels = [60.0, 58.0, 52.0, 30.0, 31.0, 29.0]
    loud = loudness(levels)
    assert [word.text for word in said_here(said, levels, loud)] == ["我", "姓", "王"]
    assert said_here(said[3:], levels[3:], loud) == ()


def test_a_word_just_loud_enough_stays() -> None:
    said = words("好的", "谢谢")
    assert said_here(said, [60.0, 60.0 - FAINT_DB], 60.0) == tuple(said)
    assert said_here(said, [60.0, 59.9 - FAINT_DB], 60.0) == tuple(said[:1])


def test_one_shout_does_not_make_the_rest_faint() -> None:
    levels = [*[50.0] * 20, 75.0]
    assert loudness(levels) == pytest.approx(50)


def test_a_click_heard_as_an_unsure_word_is_left_out_and_a_sure_one_stays() -> None:
    assert said_here(words("二", confidence=0.5), [60.0], 60.0) == ()
    assert said_here(words("对", confidence=0.95), [60.0], 60.0) != ()


def test_doubtful_words_of_a_long_utterance_stay_to_be_shown_as_doubtful() -> None:
    said = words("煤气", "泄漏", confidence=0.5)
    assert said_here(said, [60.0, 60.0], 60.0) == tuple(said)


def test_a_row_of_unsure_words_is_a_language_the_model_does_not_know() -> None:
    assert not understood(words(*"买分那么落叶推诿能解决四", confidence=0.74))
    assert understood(words(*"买分那么落叶推诿能解决四", confidence=0.9))
    assert understood(words("买", "分", confidence=0.4))
    assert understood([])


def tone(seconds: float, height: int) -> Samples:
    return np.full(round(seconds * RATE), height, dtype=np.int16)


def test_an_echo_is_left_out_as_soon_as_the_speaker_was_heard() -> None:
    nearby = Nearby(RATE)
    nearby.put(np.concatenate([tone(1, 20), tone(1, 2000), tone(1, 20)]))
    greeting, own, echo = words("请讲", "你好", "贵姓")
    assert nearby.keep([greeting]) == (greeting,)
    assert nearby.keep([own]) == (own,)
    assert nearby.keep([echo]) == ()


def test_a_word_drawn_out_like_no_speech_is_left_out_and_does_not_count_as_loud() -> None:
    nearby = Nearby(RATE)
    nearby.put(np.concatenate([tone(4, 20000), tone(1, 1000)]))
    assert nearby.keep([Word("孕妇", 0.0, 4.0, 0.99)]) == ()
    own = Word("你好", 4.0, 4.5, 0.99)
    assert nearby.keep([own]) == (own,)
    assert nearby.keep([]) == ()
