"""What the tests of speech share: the shipped taxonomy and gazetteer, the bundled model, a voice, conversations."""

import os
import wave
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from asr.draft import Gazetteer, Taxonomy, load_gazetteer, load_taxonomy
from asr.model import SpeechModel, locate
from asr.synthesis import Espeak, SynthesisError
from asr.transcript import Transcript, Utterance, Word

ROOT = Path(__file__).parents[2]

Conversation = Callable[..., Transcript]
SaveWav = Callable[[str, npt.NDArray[np.int16]], Path]


@pytest.fixture(scope="session")
def taxonomy() -> Taxonomy:
    return load_taxonomy(ROOT / "config/taxonomy.toml")


@pytest.fixture(scope="session")
def gazetteer() -> Gazetteer:
    return load_gazetteer(ROOT / "config/gazetteer")


@pytest.fixture(scope="session")
def models_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def speech_model(models_dir: Path) -> SpeechModel:
    return locate(models_dir)


@pytest.fixture(scope="session")
def espeak() -> Espeak:
    """espeak-ng as the set-up unpacked it, or the host's own."""
    tools = Path(os.environ.get("ZHITONG_TOOLS", ROOT / ".tools"))
    try:
        return Espeak.under(tools / "speech")
    except SynthesisError:
        return Espeak.under(Path("/"))


@pytest.fixture
def save_wav(tmp_path: Path) -> SaveWav:
    """Write int16 samples at 8 kHz, one column a channel."""

    def save(name: str, samples: npt.NDArray[np.int16]) -> Path:
        with wave.open(str(tmp_path / name), "wb") as out:
            out.setnchannels(1 if samples.ndim == 1 else samples.shape[1])
            out.setsampwidth(2)
            out.setframerate(8000)
            out.writeframes(samples.astype("<i2").tobytes())
        return tmp_path / name

    return save


@pytest.fixture(scope="session")
def conversation() -> Conversation:
    """Make a transcript from lines such as "c 路灯 不亮" (citizen) and "a 您 贵姓" (agent); 0.3 s a word.

    `doubted` words get the confidence 0.5 instead of 0.98.
    """

    def build(*lines: str, doubted: Sequence[str] = (), recording_id: str | None = None) -> Transcript:
        at, utterances = 0.0, []
        for line in lines:
            who, *texts = line.split()
            words = []
            for text in texts:
                words.append(Word(text, round(at, 2), round(at + 0.3, 2), 0.5 if text in doubted else 0.98))
                at += 0.3
            utterances.append(
                Utterance(
                    speaker="agent" if who == "a" else "citizen",
                    start=words[0].start,
                    end=words[-1].end,
                    text="".join(texts),
                    confidence=sum(word.confidence for word in words) / len(words),
                    words=tuple(words),
                    recording_id=recording_id,
                )
            )
            at += 1.0
        return Transcript("call-1", "complete", "hand-written", tuple(utterances))

    return build
