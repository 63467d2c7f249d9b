import csv
import io
from datetime import timedelta

import httpx
import pytest

from api.calls import service
from api.kit.database import Database
from tests.api import samples
from tests.api.conftest import NewToken


@pytest.fixture
async def day(database: Database) -> None:
    """Seven calls, a minute apart; the last one goes on."""
    at = [samples.NOON + timedelta(minutes=number) for number in range(7)]
    async with database.session() as session:
        await service.store_calls(
            session,
            [
                samples.call("1.0", offered_at=at[0], agent="8001"),
                samples.call("1.1", "abandoned", offered_at=at[1], caller="13900000001"),
                samples.call("1.2", offered_at=at[2], agent="8002"),
                samples.call("1.3", "short_abandoned", offered_at=at[3], caller="=1+1"),
                samples.call("1.4", "failed", offered_at=at[4]),
                samples.call("1.5", offered_at=at[5], agent="8001"),
                samples.call("1.6", "in_progress", offered_at=at[6]),
            ],
        )


async def _refs(client: httpx.AsyncClient, **params: object) -> list[str]:
    answer = await client.get("/api/v1/calls", params={key.rstrip("_"): value for key, value in params.items()})  # type: ignore[misc]
    assert answer.status_code == 200, answer.text
    return [call["call_ref"] for call in answer.json()["items"]]


@pytest.mark.usefixtures("day")
async def test_calls_come_latest_first_and_by_every_filter(client: httpx.AsyncClient) -> None:
    assert await _refs(client) == [f"1.{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert await _refs(client, agent="8001") == ["1.5", "1.0"]
    assert await _refs(client, outcome=["abandoned", "short_abandoned"]) == ["1.3", "1.1"]
    assert await _refs(client, caller="13900000001") == ["1.1"]
    assert await _refs(client, queue="other") == []
    start = samples.NOON + timedelta(minutes=2)
    assert await _refs(client, from_=start.isoformat(), to=(start + timedelta(minutes=2)).isoformat()) == ["1.3", "1.2"]


@pytest.mark.usefixtures("day")
async def test_pages_hold_every_call_once_even_when_more_come_meanwhile(
    client: httpx.AsyncClient, database: Database
) -> None:
    seen: list[str] = []
    cursor = None
    while True:
        params = {"limit": "2", **({"cursor": cursor} if cursor else {})}
        answer = (await client.get("/api/v1/calls", params=params)).json()
        seen += [call["call_ref"] for call in answer["items"]]
        cursor = answer["next_cursor"]
        if cursor is None:
            break
        async with database.session() as session:
            later = samples.call(f"2.{len(seen)}", offered_at=samples.NOON + timedelta(hours=1))
            await service.store_calls(session, [later])
    assert seen == [f"1.{number}" for number in (6, 5, 4, 3, 2, 1, 0)]


@pytest.mark.usefixtures("day")
async def test_the_export_holds_all_that_match_and_no_formula(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/calls", params={"format": "csv", "limit": 1})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["call_ref"] for row in rows] == [f"1.{number}" for number in (6, 5, 4, 3, 2, 1, 0)]
    assert rows[3]["caller"] == "'=1+1"
    assert rows[1]["wait_seconds"] == "4.2"


async def test_an_agent_may_read_calls_but_not_take_the_list_away(
    nobody: httpx.AsyncClient, new_token: NewToken
) -> None:
    nobody.headers["Authorization"] = f"Bearer {await new_token('agent')}"
    assert (await nobody.get("/api/v1/calls")).status_code == 200
    for form in ("csv", "xlsx"):
        answer = await nobody.get("/api/v1/calls", params={"format": form})
        assert (answer.status_code, answer.json()["error_id"]) == (403, "forbidden")


async def test_one_call_and_what_was_said_in_it(client: httpx.AsyncClient, database: Database) -> None:
    one = samples.call("1.1")
    async with database.session() as session:
        recording = await samples.store_answered(session, one)
    call = (await client.get("/api/v1/calls/1.1")).json()
    assert call["segments"][0]["recording_state"] == "transcribed"
    assert call["transcript_state"] == "complete"
    said = (await client.get("/api/v1/calls/1.1/transcript")).json()
    assert (said["call_ref"], said["state"], said["model"]) == ("1.1", "complete", "zhitong-demo")
    assert [each["text"] for each in said["utterances"]] == [line[3] for line in samples.SPOKEN]
    assert said["utterances"][1]["recording_id"] == recording
    assert said["utterances"][1]["words"][0].keys() == {"text", "start", "end", "confidence"}
    ticket = (await client.get(f"/api/v1/tickets/{call['ticket_id']}")).json()
    assert ticket["fields"]["category"]["value"] == "building-safety"
    assert ticket["state"] == "draft"


@pytest.mark.parametrize("path", ["/api/v1/calls/none", "/api/v1/calls/none/transcript", "/api/v1/tickets/none"])
async def test_what_is_not_there_is_not_found(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.json()["error_id"] in {"call_not_found", "ticket_not_found"}
