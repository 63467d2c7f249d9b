import json
import os
import subprocess
import sys
import wave
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
CAPTURES = ROOT / "tests/fixtures/ami"


def zhitong(tmp_path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "ZHITONG_DATA": str(tmp_path / "data")}
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments], capture_output=True, text=True, check=False, env=environment
    )


def rendered_dialplan() -> str:
    from telephony.asterisk.configure import AgentSeat, render_dialplan  # noqa: PLC0415

    return render_dialplan(ROOT / "config/asterisk", [AgentSeat("a", "8001", 1, "x" * 20)])


def test_check_dialplan_proves_the_shipped_one(tmp_path: Path) -> None:
    done = zhitong(tmp_path, "check-dialplan")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no menu" in done.stdout


@pytest.mark.parametrize("menu", ["Background(welcome)", "Read(CHOICE,press-1,1)", "WaitExten(5)"])
def test_check_dialplan_names_the_line_of_a_menu(tmp_path: Path, menu: str) -> None:
    lines = rendered_dialplan().splitlines()
    at = next(number for number, line in enumerate(lines) if "Ringing()" in line)
    lines.insert(at, f" same => n,{menu}")
    broken = tmp_path / "extensions.conf"
    broken.write_text("\n".join(lines), encoding="utf-8")
    done = zhitong(tmp_path, "check-dialplan", str(broken))
    assert done.returncode == 1
    assert f"{broken}:{at + 1}:" in done.stdout
    assert menu.partition("(")[0] in done.stdout


def test_replay_prints_a_list_of_calls(tmp_path: Path) -> None:
    capture = min(CAPTURES.glob("*.ami"))
    done = zhitong(tmp_path, "replay", str(capture), "--json")
    assert done.returncode == 0, done.stderr
    calls = json.loads(done.stdout)
    assert isinstance(calls, list)
    assert {"call_ref", "outcome", "via", "segments", "wait_seconds"} <= set(calls[0])


def test_replay_of_something_else_says_what_it_is_not(tmp_path: Path) -> None:
    other = tmp_path / "letter.txt"
    other.write_text("Dear mayor,\n", encoding="utf-8")
    done = zhitong(tmp_path, "replay", str(other))
    assert done.returncode == 1
    assert "capture" in done.stderr
    assert "Traceback" not in done.stderr


def test_transcribe_goes_on_after_a_bad_file_and_says_which(tmp_path: Path) -> None:
    bad, silent = tmp_path / "bad.wav", tmp_path / "silent.wav"
    bad.write_bytes(b"not a wav at all")
    with wave.open(str(silent), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\0\0" * 16000)
    done = zhitong(tmp_path, "transcribe", str(bad), str(silent), "--draft", "--json")
    assert done.returncode == 1
    assert "bad.wav" in done.stderr
    [shape] = json.loads(done.stdout)
    assert shape["utterances"] == []
    assert all(field["value"] is None for name, field in shape["draft"]["fields"].items() if name.startswith("contact"))


def test_model_info_says_that_it_understands_synthetic_speech_only(tmp_path: Path) -> None:
    done = zhitong(tmp_path, "model", "info")
    assert done.returncode == 0, done.stderr
    assert "8000" in done.stdout
    assert "synthetic" in done.stdout


def test_status_of_nothing_is_down_not_a_crash(tmp_path: Path) -> None:
    done = zhitong(tmp_path, "status", "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["postgres"]["up"] is False
    assert "Traceback" not in done.stderr


def test_an_unknown_setting_is_named(tmp_path: Path) -> None:
    environment = {**os.environ, "ZHITONG_DATA": str(tmp_path), "ZHITONG_HTTP__PROT": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", "status"], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode == 1
    assert "http.prot" in done.stderr
