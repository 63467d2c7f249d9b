import shutil
from pathlib import Path

import pytest

from api.jobs.speech import Speech
from api.kit.settings import ROOT, Settings, SpeechSettings
from asr.errors import ModelMissing
from asr.model import SpeechModel
from asr.recognizer import DecoderPool


@pytest.fixture
def city(settings: Settings, speech_model: SpeechModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings whose files a test may edit, and two models more."""
    shutil.copytree(ROOT / "config", tmp_path / "config")
    monkeypatch.setenv("ZHITONG_CONFIG", str(tmp_path / "config"))
    models = tmp_path / "tools" / "models"
    models.mkdir(parents=True)
    for name in ("first-8k", "second-8k"):
        shutil.copytree(speech_model.path, models / name)
    (models / "current").symlink_to("first-8k")
    return settings.model_copy(
        update={
            "config_dir": tmp_path / "config",
            "tools_dir": tmp_path / "tools",
            "speech": SpeechSettings(model="current", by_queue={"dialect": "second-8k"}),
        }
    )


@pytest.fixture
def own(city: Settings, speech: Speech) -> Speech:
    return Speech(city, speech.decoders)


def test_each_queue_has_its_model(own: Speech) -> None:
    assert [own.model(queue).name for queue in ("hotline", "dialect", None)] == ["first-8k", "second-8k", "first-8k"]
    assert isinstance(own.decoders, DecoderPool), "one pool decodes for all"


def test_a_model_that_is_not_there_is_refused_at_the_start(city: Settings, speech: Speech) -> None:
    wrong = city.model_copy(update={"speech": SpeechSettings(by_queue={"dialect": "third-8k"})})
    with pytest.raises(ModelMissing, match="third-8k"):
        Speech(wrong, speech.decoders)


def test_a_link_to_another_model_is_followed(own: Speech, city: Settings) -> None:
    before = own.model(None)
    own.refresh()
    assert own.model(None) is before
    link = city.models_dir / "current"
    link.unlink()
    link.symlink_to("second-8k")
    own.refresh()
    assert own.model(None).name == "second-8k"
    assert before.path.is_dir(), "calls that began with it still use it"


def test_a_model_that_comes_later_is_taken_up_when_it_is_there(own: Speech, city: Settings) -> None:
    settings_file = city.config_dir / "zhitong.toml"
    settings_file.write_text('[speech]\nmodel = "third-8k"\n[live]\nlag_limit_seconds = 3.0\n')
    own.refresh()
    assert own.model(None).name == "first-8k", "until then the old one goes on"
    assert own.live.lag_limit_seconds == 3.0
    shutil.copytree(city.models_dir / "first-8k", city.models_dir / "third-8k")
    own.refresh()
    assert own.model("dialect").name == "third-8k"


def test_settings_that_cannot_be_used_change_nothing(own: Speech, city: Settings) -> None:
    for wrong in ("[speech]\nmodle = 1\n", "[speech", "\0"):
        (city.config_dir / "zhitong.toml").write_text(wrong)
        own.refresh()
        assert own.model(None).name == "first-8k", wrong
    (city.config_dir / "zhitong.toml").write_text('[speech]\nmodel = "second-8k"\n')
    own.refresh()
    assert own.model(None).name == "second-8k"


def test_new_places_and_matters_are_known_at_once_and_wrong_ones_change_nothing(own: Speech, city: Settings) -> None:
    places = city.config_dir / "gazetteer" / "more.toml"
    places.write_text("[[")
    own.refresh()
    before = own.city
    places.write_text('road = [{ name = "直通路" }]\n')
    own.refresh()
    assert "直通路" not in before.names
    assert "直通路" in own.city.names
