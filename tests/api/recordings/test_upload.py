import asyncio
import base64
import hashlib
import io
import signal
import sys
import wave
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import numpy as np
import pytest

from api.accounts import service as accounts
from api.calls import service as calls
from api.kit.database import Database
from api.kit.settings import Settings
from api.recordings import names, service
from api.recordings.client import send
from api.recordings.upload import MOST_BYTES
from asr.audio import probe, read_mono
from tests.api import samples
from tests.api.conftest import NewToken

BEGAN = datetime(2025, 11, 23, 4, 0, tzinfo=UTC)
MICROS = int(BEGAN.timestamp() * 1_000_000)
FAR_AHEAD = 4_102_444_800_000_000  # the year 2100, microseconds
VISIT = f"walkin-{'ab' * 16}"
WALK_IN = f"{VISIT}--8001--{MICROS}"


def wav(seconds: float = 1.0, channels: int = 1, rate: int = 8000, level: int = 1000) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        columns = [np.full(int(seconds * rate), level * (n + 1), "<i2") for n in range(channels)]
        file.writeframes(np.stack(columns, axis=1).tobytes())
    return out.getvalue()


async def put(client: httpx.AsyncClient, recording: str, body: bytes, **headers: str) -> httpx.Response:
    return await client.put(f"/api/v1/recordings/{recording}/audio", content=body, headers=headers)


async def test_who_came_in_person_becomes_a_call_with_a_recording(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    body = wav(1.5)
    answer = await put(client, WALK_IN, body)
    assert answer.status_code == 201, answer.text
    assert answer.json() == {
        "recording_id": WALK_IN,
        "call_ref": VISIT,
        "sha256": hashlib.sha256(body).hexdigest(),
        "duration_seconds": 1.5,
    }
    assert (settings.recordings_dir / f"{WALK_IN}.done").exists()
    assert read_mono(settings.recordings_dir / f"{WALK_IN}-citizen.wav")[0].max() == 1000
    assert probe(settings.recordings_dir / f"{WALK_IN}-agent.wav").frames == 0
    assert not list(settings.recordings_dir.glob(".upload*"))
    shape = (await client.get(f"/api/v1/calls/{VISIT}")).json()
    assert (shape["outcome"], shape["queue"], shape["caller"], shape["agent"]) == ("answered", "walk-in", None, "8001")
    assert shape["transcript_state"] == "pending"
    assert shape["segments"][0]["recording_id"] == WALK_IN


async def test_stereo_has_the_agent_left(client: httpx.AsyncClient, settings: Settings) -> None:
    assert (await put(client, WALK_IN, wav(channels=2))).status_code == 201
    levels = [read_mono(settings.recordings_dir / f"{WALK_IN}{end}.wav")[0].max() for end in ("-agent", "-citizen", "")]
    assert levels == [1000, 2000, 3000]


async def test_the_same_again_changes_nothing_and_another_is_refused(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    assert (await put(client, WALK_IN, wav())).status_code == 201
    stamp = (settings.recordings_dir / f"{WALK_IN}.wav").stat().st_mtime_ns
    assert (await put(client, WALK_IN, wav())).status_code == 200
    other = await put(client, WALK_IN, wav(level=5))
    assert (other.status_code, other.json()["error_id"]) == (409, "recording_differs")
    assert other.headers["content-type"] == "application/problem+json"
    assert (settings.recordings_dir / f"{WALK_IN}.wav").stat().st_mtime_ns == stamp


async def test_two_at_once_store_it_once(client: httpx.AsyncClient) -> None:
    answers = await asyncio.gather(*(put(client, WALK_IN, wav()) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 200, 200, 201]


async def test_what_the_pbx_recorded_is_not_replaced(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    one = samples.call(offered_at=BEGAN)
    async with database.session() as session:
        recording = await samples.store_answered(session, one, settings.recordings_dir)
    before = (settings.recordings_dir / f"{recording}.wav").read_bytes()
    begun = int(one.segments[0].started_at.timestamp() * 1_000_000)
    for name in (recording, f"{one.call_ref}--8001--{begun + 2_000_000}"):
        answer = await put(client, name, wav())
        assert (answer.status_code, answer.json()["error_id"]) == (409, "recording_present"), name
    assert (settings.recordings_dir / f"{recording}.wav").read_bytes() == before
    notes_after = await put(client, f"{one.call_ref}--8001--{begun + 60_000_000}", wav())
    assert notes_after.status_code == 201


async def test_while_the_pbx_records_the_backup_waits(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    one = samples.call(offered_at=BEGAN)
    recording = str(one.segments[0].recording_id)
    name = names.parse(recording)
    assert name is not None
    samples.write_tracks(settings.recordings_dir, recording, done=False)
    async with database.session() as session:
        await calls.store_calls(session, [one])
        await service.note_growing(session, name)
    for sent in (recording, f"{one.call_ref}--8001--{int(name.started_at.timestamp() * 1_000_000) + 5}"):
        answer = await put(client, sent, wav())
        assert (answer.status_code, answer.json()["error_id"]) == (409, "recording_running")


async def test_a_backup_serves_where_the_pbx_has_nothing(client: httpx.AsyncClient, database: Database) -> None:
    one = samples.call(offered_at=BEGAN)
    name = f"{one.call_ref}--8001--{MICROS + 4_200_000}"
    assert (await put(client, name, wav())).json()["error_id"] == "call_not_found"
    async with database.session() as session:
        await calls.store_calls(session, [one])
    assert (await put(client, name, wav(channels=2))).status_code == 201


_KILLED_AT_A_RENAME = """
import os, signal, sys
from pathlib import Path
from api.recordings import names
from api.recordings.storing import Sent, store

left = int(sys.argv[1])

def die(event, _):
    global left
    if event == "os.rename":
        left -= 1
        if not left:
            os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
store(Sent(Path(sys.argv[2]), sys.argv[3]), Path(sys.argv[4]), names.parse(sys.argv[5]))
"""


@pytest.mark.parametrize("step", [1, 2, 3, 4])
async def test_a_server_that_dies_while_it_stores_takes_the_backup_when_it_is_sent_again(
    client: httpx.AsyncClient, database: Database, settings: Settings, tmp_path: Path, step: int
) -> None:
    one, body = samples.call(offered_at=BEGAN), wav(channels=2)
    name = f"{one.call_ref}--8001--{MICROS + 4_200_000}"
    async with database.session() as session:
        await calls.store_calls(session, [one])
    settings.recordings_dir.mkdir(parents=True, exist_ok=True)
    (tmp_path / "sent.wav").write_bytes(body)
    arguments = (str(step), str(tmp_path / "sent.wav"), hashlib.sha256(body).hexdigest(), settings.recordings_dir, name)
    died = await asyncio.create_subprocess_exec(sys.executable, "-c", _KILLED_AT_A_RENAME, *arguments)
    assert await died.wait() == -signal.SIGKILL
    assert len(list(settings.recordings_dir.glob(f"{name}*.wav"))) == step - 1
    assert (await put(client, name, body)).status_code == 201
    assert (await put(client, name, body)).status_code == 200
    left = sorted(path.name.removeprefix(name) for path in settings.recordings_dir.glob(f"{name}*"))
    assert left == ["-agent.wav", "-citizen.wav", ".done", ".wav"]
    assert probe(settings.recordings_dir / f"{name}-agent.wav").seconds == 1.0


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("..%2F..%2Fsecrets", 404),
        ("nonsense", 400),
        (f"{VISIT}--8001--{MICROS}%00", 400),
        (f"{VISIT}--8001--{FAR_AHEAD}", 400),
        ("walkin-1--8001--1763870004200000", 404),
    ],
)
async def test_only_a_recordings_name_is_taken(
    client: httpx.AsyncClient, settings: Settings, name: str, status: int
) -> None:
    answer = await put(client, name, wav())
    assert answer.status_code == status, answer.text
    assert not settings.recordings_dir.exists() or list(settings.recordings_dir.iterdir()) == []


@pytest.mark.parametrize(
    "body",
    [b"", b"nonsense", wav(rate=16_000), wav()[:2000], wav(seconds=0.0)],
    ids=["none", "text", "16k", "torn", "0s"],
)
async def test_only_a_whole_recording_is_taken(client: httpx.AsyncClient, settings: Settings, body: bytes) -> None:
    answer = await put(client, WALK_IN, body)
    assert (answer.status_code, answer.json()["error_id"]) == (400, "recording_unusable")
    assert list(settings.recordings_dir.iterdir()) == []


async def test_bytes_that_changed_on_their_way_are_refused(client: httpx.AsyncClient, settings: Settings) -> None:
    digest = base64.b64encode(hashlib.sha256(b"else").digest()).decode()
    answer = await put(client, WALK_IN, wav(), **{"Content-Digest": f"sha-256=:{digest}:"})
    assert (answer.status_code, answer.json()["error_id"]) == (400, "recording_digest_mismatch")
    assert list(settings.recordings_dir.iterdir()) == []


async def test_too_much_is_refused_when_it_is_announced(client: httpx.AsyncClient) -> None:
    assert (await put(client, WALK_IN, b"", **{"Content-Length": str(MOST_BYTES + 1)})).status_code == 413


async def test_too_much_is_refused_while_it_comes(
    client: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.recordings.upload.MOST_BYTES", 1000)

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"0" * 65536

    answer = await client.put(f"/api/v1/recordings/{WALK_IN}/audio", content=endless())
    assert (answer.status_code, answer.json()["error_id"]) == (413, "recording_too_large")
    assert list(settings.recordings_dir.iterdir()) == []


async def test_who_may(nobody: httpx.AsyncClient, new_token: NewToken, database: Database) -> None:
    assert (await put(nobody, WALK_IN, wav())).status_code == 401
    for role, status in (("qa", 403), ("machine", 201), ("supervisor", 200)):
        nobody.headers["Authorization"] = f"Bearer {await new_token(role)}"
        assert (await put(nobody, WALK_IN, wav())).status_code == status, role
    for name, error_id in (("8002", "recording_not_own"), ("8001", None)):
        async with database.session() as session:
            token = await accounts.create_token(session, name=name, role="agent")
        nobody.headers["Authorization"] = f"Bearer {token}"
        assert (await put(nobody, WALK_IN, wav())).json().get("error_id") == error_id


async def test_a_file_goes_from_the_desk_when_the_server_has_it(
    address: str, new_token: NewToken, tmp_path: Path
) -> None:
    token = await new_token("machine")
    path = tmp_path / f"walkin-{'cd' * 16}--8001--{MICROS}.wav"
    path.write_bytes(wav())
    away = await asyncio.to_thread(send, path, "http://127.0.0.1:9", token)
    wrong = await asyncio.to_thread(send, path, address, "zt_wrong")
    assert [away.outcome, wrong.outcome] == ["kept", "kept"]
    assert path.exists()
    stored = await asyncio.to_thread(send, path, address, token)
    assert (stored.outcome, path.exists()) == ("stored", False), stored.detail
    path.write_bytes(wav())
    assert (await asyncio.to_thread(send, path, address, token)).outcome == "stored"
    path.write_bytes(wav(level=7))
    differs = await asyncio.to_thread(send, path, address, token)
    assert (differs.outcome, path.exists()) == ("kept", True)
