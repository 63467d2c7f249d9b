"""Calls that agents placed: what they were about, what came of them, and their sound."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from api.commands import service as commands
from api.kit import clock
from api.kit.database import Database
from api.kit.settings import Settings
from api.outward import service
from telephony.calls.outward import OutwardCall
from tests.api import samples
from tests.api.callbacks.conftest import Follower

REF, OTHER = "1763870004.200000", "1763870009.000001"
RECORDING = f"{REF}--8001--1763870004200000"
URL = f"/api/v1/outward/{REF}/audio"


async def place(follower: Follower, dial_ref: str, about: dict[str, Any]) -> None:
    async with follower.database.session() as session:
        arguments = {"extension": "8001", "number": "02888880000"}
        await commands.order(session, "dial", arguments, ordered_by="张敏", about=about)
    await follower.carry_out(dial_ref)


@pytest.fixture
async def placed(follower: Follower, settings: Settings) -> bytes:
    """Two calls, one of them about a ticket, talked and recorded; returns the citizen's track of it."""
    now = clock.now()
    await place(follower, REF, {"ticket_id": "T1", "call_ref": "1.1"})
    await place(follower, OTHER, {})
    over = OutwardCall(REF, "8001", RECORDING, now, now + timedelta(seconds=30), "ANSWER", 16, 21.5)
    await follower.tell(over)
    samples.write_tracks(settings.outward_dir, RECORDING, 1.0)
    return (settings.outward_dir / f"{RECORDING}-citizen.wav").read_bytes()


@pytest.mark.usefixtures("placed")
async def test_a_call_is_found_by_what_it_is_about_with_what_came_of_it(client: httpx.AsyncClient) -> None:
    async def refs(**params: str) -> list[str]:
        answer = await client.get("/api/v1/outward", params=params)
        assert answer.status_code == 200, answer.text
        return [each["dial_ref"] for each in answer.json()["items"]]

    assert await refs() == [OTHER, REF]
    assert await refs(ticket_id="T1") == await refs(call_ref="1.1") == [REF]
    assert await refs(ticket_id="T2") == await refs(callback_id="1") == await refs(agent="8002") == []
    first = (await client.get("/api/v1/outward", params={"ticket_id": "T1"})).json()["items"][0]
    assert (first["result"], first["talk_seconds"], first["number"], first["ordered_by"]) == (
        ("reached", 21.5, "02888880000", "张敏")
    )
    assert (first["ticket_id"], first["recording_id"]) == ("T1", RECORDING)
    assert (await client.get("/api/v1/outward", params={"ticket_id": "' OR 1=1"})).status_code == 422


async def test_its_sound_whole_and_in_parts(client: httpx.AsyncClient, placed: bytes) -> None:
    whole = await client.get(URL, params={"track": "citizen"})
    assert (whole.status_code, whole.headers["content-type"], whole.content) == (200, "audio/wav", placed)
    part = await client.get(URL, params={"track": "citizen"}, headers={"Range": "bytes=1000-1999"})
    assert (part.status_code, part.content) == (206, placed[1000:2000])
    beyond = await client.get(URL, headers={"Range": "bytes=99999999-"})
    assert beyond.status_code == 416


async def test_what_was_not_recorded_or_is_gone_says_so(
    client: httpx.AsyncClient, placed: bytes, settings: Settings, database: Database
) -> None:
    assert placed
    for ref in (OTHER, "1763870004.999999", "..%2f..%2fsecrets.toml", "%00"):
        answer = await client.get(f"/api/v1/outward/{ref}/audio")
        assert answer.status_code == 404, ref
    async with database.session() as session:
        await service.store(session, "main", [OutwardCall(OTHER, recording_id="../../secrets")])
    assert (await client.get(f"/api/v1/outward/{OTHER}/audio")).json()["error_id"] == "outward_not_found"
    (settings.outward_dir / f"{RECORDING}.wav").unlink()
    assert (await client.get(URL)).json()["error_id"] == "recording_gone"
    secret = settings.data_dir / "secret.wav"
    secret.write_bytes(b"RIFF")
    (settings.outward_dir / f"{RECORDING}.wav").symlink_to(secret)
    assert (await client.get(URL)).json()["error_id"] == "recording_gone"


@pytest.mark.usefixtures("placed")
async def test_nobody_hears_it_without_a_token(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get(URL)).status_code == 401
    assert (await nobody.get("/api/v1/outward")).status_code == 401


async def test_what_asterisk_knows_no_more_of_is_over(follower: Follower) -> None:
    await place(follower, REF, {})
    await place(follower, OTHER, {})
    began = clock.now()
    await follower.tell(*(OutwardCall(ref, picked_up_at=began) for ref in (REF, OTHER)))
    async with follower.database.session() as session:
        await service.end_lost(session, "main", {f"dial-{REF}"}, began + timedelta(seconds=9))
        await service.end_lost(session, "elsewhere", set(), began + timedelta(seconds=9))
    async with follower.database.session() as session:
        ended = {ref: service.ending(await service.find(session, ref)) for ref in (REF, OTHER)}
    assert ended == {REF: None, OTHER: "failed"}
