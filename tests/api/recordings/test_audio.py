import io
import wave

import httpx
import pytest

from api.kit.database import Database
from api.kit.settings import Settings
from api.recordings import names, service
from api.recordings.sound import ByteRange, OutOfRange, playable_header, requested_range
from tests.api import samples

RECORDING = "1.1--8001--1763870004200000"
URL = f"/api/v1/recordings/{RECORDING}/audio"


@pytest.fixture
async def stored(database: Database, settings: Settings) -> bytes:
    """A recording with files; returns the citizen's track."""
    samples.write_tracks(settings.recordings_dir, RECORDING, 2.0)
    await _note(database)
    return (settings.recordings_dir / f"{RECORDING}-citizen.wav").read_bytes()


async def _note(database: Database) -> None:
    name = names.parse(RECORDING)
    assert name is not None
    async with database.session() as session:
        await service.note_growing(session, name)


async def test_a_track_whole_and_in_parts(client: httpx.AsyncClient, stored: bytes) -> None:
    whole = await client.get(URL, params={"track": "citizen"})
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/wav")
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.content == stored
    for header, first, part in (
        ("bytes=0-9", 0, stored[:10]),
        ("bytes=30-99", 30, stored[30:100]),
        ("bytes=1000-1999", 1000, stored[1000:2000]),
        ("bytes=32000-", 32000, stored[32000:]),
        ("bytes=-5", len(stored) - 5, stored[-5:]),
        ("bytes=44-99999999", 44, stored[44:]),
    ):
        answer = await client.get(URL, params={"track": "citizen"}, headers={"Range": header})
        assert (answer.status_code, answer.content) == (206, part), header
        assert answer.headers["content-range"] == f"bytes {first}-{first + len(part) - 1}/{len(stored)}"


@pytest.mark.usefixtures("stored")
async def test_a_range_beyond_the_end_cannot_be_satisfied(client: httpx.AsyncClient) -> None:
    answer = await client.get(URL, headers={"Range": "bytes=99999999-"})
    assert (answer.status_code, answer.json()["error_id"]) == (416, "range_not_satisfiable")
    assert answer.headers["content-range"].startswith("bytes */")


async def test_a_growing_file_is_given_as_long_as_it_is_now_and_can_be_played(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await _note(database)
    settings.recordings_dir.mkdir(parents=True)
    path = settings.recordings_dir / f"{RECORDING}.wav"
    path.write_bytes(samples.growing_wav(1.0))
    first = await client.get(URL)
    with path.open("ab") as file:
        file.write(b"\1\2" * 8000)
    second = await client.get(URL, headers={"Range": "bytes=0-", "If-Range": first.headers["etag"]})
    assert second.status_code == 200, "the file has changed since"
    for answer, seconds in ((first, 1), (second, 2)):
        with wave.open(io.BytesIO(answer.content)) as wav:
            assert wav.getnframes() == seconds * 8000


async def test_a_file_that_is_gone_is_said_to_be_gone(client: httpx.AsyncClient, database: Database) -> None:
    await _note(database)
    answer = await client.get(URL)
    assert (answer.status_code, answer.json()["error_id"]) == (404, "recording_gone")


async def test_no_name_and_no_link_leads_out_of_the_folder(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    secret = settings.data_dir / "secrets.toml"
    secret.parent.mkdir(parents=True, exist_ok=True)
    secret.write_text("secret")
    for name in ("..%2F..%2Fsecrets.toml", "..", "%2e%2e%2fsecrets", "secrets.toml%00", RECORDING + "%2F..%2F..%2Fx"):
        answer = await client.get(f"/api/v1/recordings/{name}/audio")
        assert answer.status_code == 404, name
        assert "secret" not in answer.text.replace("secrets", "")
    await _note(database)
    settings.recordings_dir.mkdir()
    (settings.recordings_dir / f"{RECORDING}.wav").symlink_to(secret)
    answer = await client.get(URL)
    assert (answer.status_code, answer.json()["error_id"]) == (404, "recording_gone")


def test_ranges_as_the_standard_has_them() -> None:
    assert requested_range(None, 10) is None
    assert requested_range("bytes=0-4", 10) == ByteRange(0, 4)
    assert requested_range("bytes=5-", 10) == ByteRange(5, 9)
    assert requested_range("bytes=-20", 10) == ByteRange(0, 9)
    for ignored in ("bytes=4-2", "lines=1-2", "bytes=1-2,4-5", "bytes=-", "bytes=a-b"):
        assert requested_range(ignored, 10) is None
    for beyond, size in (("bytes=10-", 10), ("bytes=-0", 10), ("bytes=-5", 0), ("bytes=0-", 0)):
        with pytest.raises(OutOfRange):
            requested_range(beyond, size)


def test_what_is_no_plain_wav_is_left_as_it_is() -> None:
    assert playable_header(b"ID3" + bytes(60), 63) == b"ID3" + bytes(60)
    assert playable_header(b"RIFF", 4) == b"RIFF"
