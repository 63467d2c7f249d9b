"""Captures as people keep them: cut, with other line ends, zipped, or no captures at all."""

import gzip
from pathlib import Path

import pytest

from telephony.calls.replay import CaptureUnreadable, replay, replay_fully
from tests.telephony.calls.captures import FOLDER

CAPTURE = FOLDER / "answered_by_queue.ami"


@pytest.fixture
def stream() -> bytes:
    return CAPTURE.read_bytes()


def written(folder: Path, data: bytes, name: str = "capture.ami") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def test_lf_only_line_ends(tmp_path: Path, stream: bytes) -> None:
    assert replay(written(tmp_path, stream.replace(b"\r\n", b"\n"))) == replay(CAPTURE)


def test_a_gzipped_capture(tmp_path: Path, stream: bytes) -> None:
    assert replay(written(tmp_path, gzip.compress(stream), "capture.ami.gz")) == replay(CAPTURE)


def test_gzips_one_after_the_other_are_one_capture(tmp_path: Path, stream: bytes) -> None:
    half = len(stream) // 2
    path = written(tmp_path, gzip.compress(stream[:half]) + gzip.compress(stream[half:]))
    result = replay_fully(path)
    assert (list(result.calls), result.warnings) == (replay(CAPTURE), ())


def test_a_damaged_gzip_gives_what_is_there_and_says_so(tmp_path: Path, stream: bytes) -> None:
    zipped = gzip.compress(stream * 3)
    result = replay_fully(written(tmp_path, zipped[: len(zipped) - 40]))
    assert len(result.calls) == 1
    assert "damaged" in result.warnings[0]


def test_a_capture_cut_inside_its_last_event(tmp_path: Path, stream: bytes) -> None:
    last = stream.rindex(b"Event: Hangup")
    result = replay_fully(written(tmp_path, stream[: last + 60]))
    [call] = result.calls
    assert call.outcome in {"answered", "in_progress"}
    assert "ended inside a message" in result.warnings[0]


def test_a_capture_cut_inside_an_event_in_its_middle(tmp_path: Path, stream: bytes) -> None:
    two = stream.index(b"Event: AgentConnect")
    [call] = replay(CAPTURE)
    for cut in range(two, two + 80, 7):
        result = replay_fully(written(tmp_path, stream[:cut] + b"Asterisk Call Manager/11.0.0\r\n" + stream[two:]))
        assert list(result.calls) == [call]


def test_a_call_that_began_before_the_capture_is_told_as_such(tmp_path: Path, stream: bytes) -> None:
    cut = stream.index(b"Event: AgentConnect")
    result = replay_fully(written(tmp_path, stream[cut - 30 :]))
    [call] = result.calls
    assert (call.outcome, call.agent) == ("answered", "8001")
    assert any("began before the capture" in warning for warning in result.warnings)


@pytest.mark.parametrize("data", [b"", b"\x00\xff" * 1000, b"SSH-2.0-OpenSSH_9.2\r\n\r\n", b"{}\n"])
def test_what_is_no_capture_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(CaptureUnreadable, match="no AMI message"):
        replay(written(tmp_path, data))


def test_a_capture_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CaptureUnreadable, match="cannot be read"):
        replay(tmp_path / "nowhere.ami")
    with pytest.raises(CaptureUnreadable, match="cannot be read"):
        replay(tmp_path)
