"""Calls that agents placed: what they were about, what came of them, and their sound."""

import csv
import io
from collections import defaultdict
from datetime import timedelta
from itertools import product
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.commands import service as commands
from api.kit import clock
from api.kit.changes import Change
from api.kit.database import Database
from api.kit.settings import Settings
from api.outward import service
from api.recordings import names
from telephony.calls.outward import OutwardCall
from tests.api import samples
from tests.api.callbacks.conftest import Follower

REF, OTHER = "1763870004.200000", "1763870009.000001"
RECORDING = f"{REF}--8001--1763870004200000"
AUDIO = f"/api/v1/recordings/{RECORDING}/audio"


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
    samples.write_tracks(settings.recordings_dir / names.OUTWARD, RECORDING, 1.0)
    return (settings.recordings_dir / names.OUTWARD / f"{RECORDING}-citizen.wav").read_bytes()


async def _refs(client: httpx.AsyncClient, **params: Any) -> list[str]:
    answer = await client.get("/api/v1/outward", params=params)
    assert answer.status_code == 200, answer.text
    return [each["dial_ref"] for each in answer.json()["items"]]


@pytest.mark.usefixtures("placed")
async def test_a_call_is_found_by_what_it_is_about_with_what_came_of_it(client: httpx.AsyncClient) -> None:
    assert await _refs(client) == [OTHER, REF]
    assert await _refs(client, ticket_id="T1") == await _refs(client, call_ref="1.1") == [REF]
    for nothing in ({"ticket_id": "T2"}, {"callback_id": "1"}, {"agent": "8002"}):
        assert await _refs(client, **nothing) == []
    first = (await client.get("/api/v1/outward", params={"ticket_id": "T1"})).json()["items"][0]
    assert (first["result"], first["talk_seconds"], first["number"], first["ordered_by"]) == (
        ("reached", 21.5, "02888880000", "张敏")
    )
    assert (first["ticket_id"], first["recording_id"]) == ("T1", RECORDING)
    assert await _refs(client, command_id=first["command_id"]) == [REF]
    assert await _refs(client, number="8888") == [OTHER, REF]
    assert await _refs(client, number="%") == []
    at = first["ordered_at"]
    assert (await _refs(client, **{"from": at}), await _refs(client, to=at)) == ([OTHER, REF], [])
    for bad in ({"ticket_id": "' OR 1=1"}, {"from": "2026-11-23"}, {"result": "married"}, {"command_id": "0"}):
        assert (await client.get("/api/v1/outward", params=bad)).status_code == 422, bad


async def test_a_call_whose_order_never_came_to_its_end_is_listed_by_its_name(
    client: httpx.AsyncClient, follower: Follower
) -> None:
    await place(follower, REF, {})
    await follower.tell(OutwardCall(OTHER, "8001", picked_up_at=clock.now()))
    assert await _refs(client) == [REF, OTHER]
    [_, told] = (await client.get("/api/v1/outward")).json()["items"]
    assert (told["ordered_at"], told["ordered_by"], told["number"]) == ("2025-11-23T03:53:29.000001Z", None, None)


async def test_pages_follow_each_other_and_a_file_holds_all(client: httpx.AsyncClient, follower: Follower) -> None:
    refs = [f"17638700{second:02}.000001" for second in range(7)]
    for ref in refs:
        await place(follower, ref, {"ticket_id": "=1+1"})
    found: list[str] = []
    asked: dict[str, Any] = {"limit": 3}
    while asked:
        page = (await client.get("/api/v1/outward", params=asked)).json()
        found += [each["dial_ref"] for each in page["items"]]
        asked = {"limit": 3, "cursor": page["next_cursor"]} if page["next_cursor"] else {}
    assert found == refs[::-1]
    written = await client.get("/api/v1/outward", params={"format": "csv"})
    lines = list(csv.DictReader(io.StringIO(written.text.removeprefix("\ufeff"))))
    assert [line["dial_ref"] for line in lines] == found
    assert {line["ticket_id"] for line in lines} == {"'=1+1"}


async def test_the_filter_means_by_each_result_what_the_call_says(
    client: httpx.AsyncClient, follower: Follower
) -> None:
    began = clock.now()
    whens = [(None, None), (began, None), (None, began), *((began, began + timedelta(seconds=s)) for s in (2, 15))]
    told = list(product(whens, (None, "ANSWER", "BUSY", "NOANSWER", "CANCEL", "", "CONGESTION"), (None, 1, 20, 34)))
    await follower.tell(
        *(
            OutwardCall(f"17638{number:05}.000001", None, None, picked_up, ended, status, cause)
            for number, ((picked_up, ended), status, cause) in enumerate(told)
        )
    )
    everything = (await client.get("/api/v1/outward", params={"limit": 500})).json()["items"]
    assert len(everything) == len(told)
    by_result: dict[str, list[str]] = defaultdict(list)
    for each in everything:
        by_result[each["result"] or "going_on"].append(each["dial_ref"])
    assert len(by_result) == 9
    for result, refs in by_result.items():
        assert await _refs(client, result=result, limit=500) == refs, result
    two = [each["dial_ref"] for each in everything if (each["result"] or "going_on") in {"busy", "going_on"}]
    assert await _refs(client, result=["busy", "going_on"], limit=500) == two


async def test_its_sound_and_what_was_said_in_it(
    client: httpx.AsyncClient, placed: bytes, database: Database, settings: Settings
) -> None:
    url = f"/api/v1/outward/{REF}/transcript"
    untold = (await client.get(url)).json()
    assert (untold["state"], untold["utterances"]) == ("pending", [])
    assert (await client.get(f"/api/v1/outward/{OTHER}/transcript")).json()["state"] == "none"
    async with database.session() as session:
        await samples.store_placed(session, RECORDING, settings.recordings_dir)
    told = (await client.get(url)).json()
    assert (told["call_ref"], told["state"], len(told["utterances"])) == (REF, "complete", len(samples.SPOKEN))
    first = told["utterances"][0]["words"][0]
    assert (first["text"], first["start"], first["confidence"]) == ("您", 0.4, 0.99)
    whole = await client.get(AUDIO, params={"track": "citizen"})
    assert (whole.status_code, whole.content[: len(placed)][44:]) == (200, placed[44:])
    [listed] = (await client.get("/api/v1/outward", params={"ticket_id": "T1"})).json()["items"]
    assert [each["recording_id"] for each in listed["recordings"]] == [RECORDING]
    assert listed["transcript_state"] == "complete"
    (settings.recordings_dir / names.OUTWARD / f"{RECORDING}.wav").unlink()
    assert (await client.get(AUDIO)).json()["error_id"] == "recording_gone"


async def test_a_call_that_nobody_placed_says_so(client: httpx.AsyncClient) -> None:
    for ref in ("1763870004.999999", "..%2f..%2fsecrets.toml", "%00"):
        answer = await client.get(f"/api/v1/outward/{ref}/transcript")
        assert answer.status_code == 404, ref


async def test_the_call_that_it_is_about_is_told_when_words_come(
    follower: Follower, database: Database, settings: Settings
) -> None:
    await place(follower, REF, {"call_ref": "1.1"})
    async with database.session() as session:
        await samples.store_placed(session, RECORDING, settings.recordings_dir)
    async with database.session() as session:
        told = list(await session.execute(select(Change.kind, Change.call_ref).order_by(Change.change_id)))
    assert [tuple(each) for each in told][-2:] == [("recording", "1.1"), ("transcript", "1.1")]


@pytest.mark.usefixtures("placed")
async def test_nobody_reads_it_without_a_token(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get(f"/api/v1/outward/{REF}/transcript")).status_code == 401
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
