"""The real decoder with the bundled model."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from api.jobs.speech import Speech
from api.kit.settings import load
from api.setup.parts import speaking_voice
from asr.audio import Samples, Speaker, TrackSource
from asr.model import SpeechModel, locate
from asr.recognizer import DecoderPool
from asr.synthesis import SAMPLE_RATE, render_track
from tests.api.jobs.growing import RECORDING, GrowingCall, Words, words_of


@pytest.fixture(scope="session")
def speech_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechModel]:
    folder: Path = tmp_path_factory.mktemp("tools") / "models"
    yield locate(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def speech(speech_model: SpeechModel) -> Iterator[Speech]:
    with DecoderPool(1) as pool:
        yield Speech(load().model_copy(update={"tools_dir": speech_model.path.parents[1]}), pool)


@pytest.fixture(scope="session")
def tracks() -> dict[Speaker, Samples]:
    """A citizen who reports a tilting shed, and the agent who asks: 16 seconds."""
    espeak = speaking_voice(load().tools_dir, print)
    citizen = [(2.6, "富华南路的变压器旁边，有一个板房倾斜了，很危险。"), (9.5, "一三八零零一二三四五六。")]
    agent = [(0.2, "您好，一二三四五热线，请讲。"), (7.4, "请问您的联系电话？")]
    # Silence at the end: the last utterance ends before the call does.
    quiet = np.zeros(3 * SAMPLE_RATE, np.int16)
    return {
        "agent": np.concatenate([render_track(agent, "f4", espeak), quiet]),
        "citizen": np.concatenate([render_track(citizen, "m7", espeak), quiet]),
    }


@pytest.fixture(scope="session")
def spoken(tracks: dict[Speaker, Samples], speech: Speech, tmp_path_factory: pytest.TempPathFactory) -> Words:
    """The words that batch decoding hears in these tracks, by speaker."""
    folder = tmp_path_factory.mktemp("batch")
    call = GrowingCall(folder, RECORDING, tracks)
    call.end()
    sources = [TrackSource(who, folder / f"recordings/{RECORDING}-{who}.wav") for who in tracks]
    transcript = speech.decoders.transcribe(speech.model(None), sources, "1.1", speech.city.names, RECORDING)
    return words_of(transcript.utterances)
