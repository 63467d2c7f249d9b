"""Several decoding processes for finished recordings."""

import os
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from asr.audio import Resampler, TrackSource, resample
from asr.errors import DecoderDied
from asr.model import SpeechModel
from asr.recognizer import Decoder, DecoderPool
from asr.synthesis import Espeak, render_track
from tests.asr.conftest import SaveWav


@pytest.fixture(scope="module")
def sound(espeak: Espeak) -> npt.NDArray[np.int16]:
    return render_track([(0.5, "富华南路变压器旁边有一个板房倾斜，很危险。")], "f4", espeak)


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    with DecoderPool(2) as pool:
        yield pool


def test_many_threads_share_as_many_processes_as_there_may_be(
    pool: DecoderPool, speech_model: SpeechModel, sound: npt.NDArray[np.int16], save_wav: SaveWav
) -> None:
    sources = [TrackSource("citizen", save_wav("c.wav", sound))]
    with Decoder(speech_model) as one:
        expected = one.transcribe(sources, "c", ("富华南路",), "r")
    with ThreadPoolExecutor(5) as threads:
        got = list(threads.map(lambda _: pool.transcribe(speech_model, sources, "c", ("富华南路",), "r"), range(10)))
    assert got == [expected] * 10
    assert len(pool.pids) == 2


def test_a_killed_process_of_the_pool_is_replaced(
    pool: DecoderPool, speech_model: SpeechModel, sound: npt.NDArray[np.int16], save_wav: SaveWav
) -> None:
    sources = [TrackSource("citizen", save_wav("c.wav", sound))]
    expected = pool.transcribe(speech_model, sources, "c")
    (pid,) = pool.pids
    os.kill(pid, signal.SIGKILL)
    try:
        assert pool.transcribe(speech_model, sources, "c") == expected
    except DecoderDied:  # it was not dead yet when it was asked
        assert pool.transcribe(speech_model, sources, "c") == expected
    assert pid not in pool.pids


def test_closing_the_pool_ends_its_processes_and_who_waits(
    speech_model: SpeechModel, sound: npt.NDArray[np.int16], save_wav: SaveWav
) -> None:
    short, long = save_wav("s.wav", sound), save_wav("l.wav", np.tile(sound, 300))
    pool = DecoderPool(1)
    pool.transcribe(speech_model, [TrackSource("citizen", short)], "c")
    (pid,) = pool.pids
    with ThreadPoolExecutor(2) as threads:
        asked = [threads.submit(pool.transcribe, speech_model, [TrackSource("citizen", long)], "c") for _ in range(2)]
        closer = threading.Timer(0.5, pool.close)
        closer.start()
        for each in asked:
            with pytest.raises(DecoderDied):
                each.result()
        closer.join()
    assert not Path(f"/proc/{pid}").exists()


def test_sound_resampled_in_pieces_is_the_sound_resampled_in_one(sound: npt.NDArray[np.int16]) -> None:
    whole = resample(sound, 8000, 16_000)
    stream = Resampler(8000, 16_000)
    pieces = [stream.feed(sound[at : at + 777]) for at in range(0, len(sound), 777)]
    joined = np.concatenate([*pieces, stream.flush()])
    assert len(joined) == len(whole)
    assert np.abs(joined.astype(int) - whole).max() <= 2
