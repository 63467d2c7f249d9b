import asyncio
import os
import re
import signal
import subprocess
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import httpx
import numpy as np
import numpy.typing as npt
import pytest

from api.accounts import service as accounts
from api.kit.database import Database
from api.kit.settings import Settings
from asr.audio import probe
from asr.synthesis import Espeak, synthesise
from tests.api.conftest import NewToken

ROOT = Path(__file__).resolve().parents[3]


def microphone(folder: Path, samples: npt.NDArray[np.int16]) -> None:
    """Let the desk's microphone hear these samples at 8 kHz."""
    (folder / "sound.raw").write_bytes(samples.astype("<i2").tobytes())
    (folder / "asound.conf").write_text(
        'pcm.desk_mic { type file file "/dev/null" format "raw" '
        f'infile "{folder}/sound.raw" slave.pcm "still" hint {{ show on description "desk" }} }}\n'
        "pcm.still { type null }\npcm.!default { type hw card 0 }\n"
    )


@pytest.fixture
def desk(tmp_path: Path) -> dict[str, str]:
    """An agent's desk with a microphone that hears a low hum."""
    microphone(tmp_path, (2000 * np.sin(np.arange(8000 * 30) / 10)).astype(np.int16))
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("ZHITONG_T")},
        "ZHITONG_TOOLS": os.environ.get("ZHITONG_TOOLS", str(ROOT / ".tools")),
        "ZHITONG_DATA": str(tmp_path / "desk"),
        "ZHITONG_AGENT": "8001",
        "ALSA_CONFIG_PATH": str(tmp_path / "asound.conf"),
    }


def espeak_of(tools: Path) -> Espeak:
    return Espeak.under(tools / "speech" if (tools / "speech").is_dir() else Path("/"))


def mic(desk: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", "mic", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env=desk,
        cwd=ROOT,
    )


def test_devices_are_listed(desk: dict[str, str]) -> None:
    done = mic(desk, "devices")
    assert done.returncode == 0, done.stderr
    assert "desk_mic" in done.stdout
    assert done.stderr == ""


async def test_a_recording_waits_in_the_spool_until_the_server_has_it(
    desk: dict[str, str], address: str, database: Database, settings: Settings, tmp_path: Path
) -> None:
    spool = tmp_path / "desk" / "spool"
    record = ("record", "--device", "desk_mic", "--seconds", "2")
    alone = await asyncio.to_thread(mic, desk, *record)
    assert alone.returncode == 1
    assert "[mic]: 没有令牌" in alone.stderr
    assert len(list(spool.iterdir())) == 1
    async with database.session() as session:
        token = await accounts.create_token(session, name="8001", role="agent")
    secret = tmp_path / "token"
    secret.write_text(token)
    secret.chmod(0o644)
    sending = ("upload", "--server", address, "--token-file", str(secret))
    assert "chmod 600" in (await asyncio.to_thread(mic, desk, *sending)).stderr
    secret.chmod(0o600)
    sent = await asyncio.to_thread(mic, desk, *sending)
    assert sent.returncode == 0, sent.stderr
    assert list(spool.iterdir()) == []
    assert len(list(settings.recordings_dir.glob("walkin-*.done"))) == 1
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {token}"}) as client:
        (call,) = (await client.get(f"{address}/api/v1/calls")).json()["items"]
    assert (call["agent"], call["queue"], call["talk_seconds"]) == ("8001", "walk-in", 2.0)


async def test_what_is_dictated_is_shown_drafted_and_sent_when_ctrl_c_ends_it(
    desk: dict[str, str], address: str, new_token: NewToken, settings: Settings, tmp_path: Path
) -> None:
    said = synthesise("我要反映富华南路路灯不亮", "f4", 175, espeak_of(Path(desk["ZHITONG_TOOLS"])))
    quiet = np.zeros(8000, np.int16)
    microphone(tmp_path, np.concatenate([quiet, said, quiet, quiet]))
    desk |= {"ZHITONG_TOKEN": await new_token("machine"), "PYTHONUNBUFFERED": "1"}
    command = (sys.executable, "-m", "api.cli", "mic", "dictate", "--device", "desk_mic", "--server", address)
    running = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE, env=desk, cwd=ROOT)
    assert running.stdout
    shown = ""
    async with asyncio.timeout(60):
        while "路灯不亮" not in shown:
            shown += (await running.stdout.readline()).decode()
    running.send_signal(signal.SIGINT)
    rest, errors = await running.communicate()
    assert running.returncode == 0, errors.decode()
    shown += rest.decode()
    assert "我要反映富华南路路灯不亮" in shown
    assert re.search(r"category +lighting.street-lamp", shown), shown
    assert re.search(r"place +富华南路", shown), shown
    assert list((tmp_path / "desk" / "spool").iterdir()) == []
    (sent,) = settings.recordings_dir.glob("walkin-*-citizen.wav")
    assert probe(sent).seconds >= said.size / 8000


def test_where_alsa_knows_no_default_it_says_what_to_write(desk: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "asound.conf").write_text("pcm.still { type null }\n")
    done = mic(desk, "devices")
    assert done.returncode == 1
    assert "pcm.!default" in done.stderr, done.stderr


def test_nonsense_is_told_before_anything_is_recorded(desk: dict[str, str], tmp_path: Path) -> None:
    for arguments, why in (
        (("record", "--agent", "../8001"), "no extension"),
        (("record", "--call", "a/b"), "no call"),
        (("record", "--device", "nobody"), "desk_mic"),
    ):
        done = mic(desk, *arguments)
        assert done.returncode == 1
        assert why in done.stderr, done.stderr
    assert list((tmp_path / "desk").rglob("*.wav*")) == []
