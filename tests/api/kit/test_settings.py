from pathlib import Path

import pytest

from api.kit.settings import SettingsError, load


def test_the_environment_overrides_the_data_directorys_ports_which_override_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ports.toml").write_text("[http]\nport = 9001\n[sip]\nport = 9002\n")
    monkeypatch.setenv("ZHITONG_SIP__PORT", "9003")
    settings = load(tmp_path)
    assert (settings.http.port, settings.sip.port, settings.ami.port) == (9001, 9003, 5038)


def test_two_data_directories_have_ports_of_their_own(tmp_path: Path) -> None:
    for name, port in (("a", 9001), ("b", 9002)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "ports.toml").write_text(f"[http]\nport = {port}\n")
    assert [load(tmp_path / name).http.port for name in ("a", "b")] == [9001, 9002]


def test_the_data_directory_comes_from_the_environment_unless_it_is_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHITONG_DATA", str(tmp_path / "env"))
    assert load().data_dir == tmp_path / "env"
    assert load(tmp_path / "given").data_dir == tmp_path / "given"


@pytest.mark.parametrize("variable", ["DATABASE_URL", "ZHITONG_DATABASE_URL"])
def test_a_real_database_is_named_by_either_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.setenv(variable, "postgresql://db/zhitong")
    assert load(tmp_path).database_url == "postgresql://db/zhitong"


@pytest.mark.parametrize(
    ("text", "named"),
    [("[sip]\nprot = 1\n", "sip.prot"), ("[http]\nport = 70000\n", "http.port"), ("[http\n", "ports.toml")],
)
def test_wrong_settings_are_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    (tmp_path / "ports.toml").write_text(text)
    with pytest.raises(SettingsError, match=named):
        load(tmp_path)


def test_a_queue_may_have_a_model_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "ports.toml").write_text(
        '[speech]\nmodel = "small"\nprocesses = 3\n[speech.by_queue]\n"方言" = "big"\n'
    )
    speech = load(tmp_path).speech
    assert [speech.model_of(queue) for queue in ("方言", "hotline", None)] == ["big", "small", "small"]
    assert speech.process_count() == 3
    assert load(tmp_path / "other").speech.process_count() >= 1


@pytest.mark.parametrize("name", ["", "North", "a-b", "1st", "x" * 21, "a/b", "a;b"])
def test_a_nodes_name_that_would_not_survive_in_file_names_is_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHITONG_NODE__NAME", name)
    with pytest.raises(SettingsError, match=r"node\.name"):
        load(tmp_path)
