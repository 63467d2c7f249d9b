from datetime import UTC, datetime

import pytest

from api.recordings.names import of_file, parse


def test_a_name_says_whose_call_which_agent_and_when() -> None:
    name = parse("1763870000.12--8001--1763870004200000")
    assert name is not None
    assert (name.call_ref, name.agent) == ("1763870000.12", "8001")
    assert name.started_at == datetime(2025, 11, 23, 3, 53, 24, 200000, tzinfo=UTC)
    assert name.file("citizen") == "1763870000.12--8001--1763870004200000-citizen.wav"

    placed = parse(name.recording_id, outward=True)
    assert placed is not None
    assert placed.file("mixed") == "outward/1763870000.12--8001--1763870004200000.wav"


@pytest.mark.parametrize(
    "text",
    ["", "..", "../../etc/passwd", "a--b", "a--8001--12", "a/b--8001--1763870004200000", "a--8001--1763870004200000\n"],
)
def test_what_is_no_name_of_ours_is_none(text: str) -> None:
    assert parse(text) is None


def test_files_belong_to_recordings() -> None:
    stem = "node1-1763870000.12--8001--1763870004200000"
    for suffix, done in ((".wav", False), ("-agent.wav", False), ("-citizen.wav", False), (".done", True)):
        found = of_file(stem + suffix)
        assert found is not None
        assert (found[0].recording_id, found[1]) == (stem, done)
    assert of_file(stem + ".mp3") is None
    assert of_file("readme.done") is None
