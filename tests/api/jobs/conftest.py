"""The real decoder with the bundled model."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.jobs.transcription import Speech
from api.kit.settings import load
from asr.draft import load_gazetteer, load_taxonomy
from asr.model import SpeechModel, locate
from asr.recognizer import Decoder


@pytest.fixture(scope="session")
def speech_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SpeechModel]:
    folder: Path = tmp_path_factory.mktemp("tools") / "models"
    yield locate(folder)
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def speech(speech_model: SpeechModel) -> Iterator[Speech]:
    config = load().config_dir
    with Decoder(speech_model) as decoder:
        yield Speech(decoder, load_taxonomy(config / "taxonomy.toml"), load_gazetteer(config / "gazetteer"))
