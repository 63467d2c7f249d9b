import csv
import io
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import select

from api.callbacks import service
from api.commands.models import CommandRow
from api.kit import clock
from tests.api.callbacks.conftest import Follower
from tests.api.conftest import NewToken
from tests.api.enforcement.conftest import abandoned

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def owed(follower: Follower) -> dict[str, int]:
    """Three callers gave up: 50, 40 and 1 minutes ago; the first two are overdue. A fourth withheld the number."""
    now = clock.now()
    await follower.store(
        abandoned("1.1", now - 50 * MINUTE, caller="13800000001"),
        abandoned("1.2", now - 40 * MINUTE, caller="13900000002"),
        abandoned("1.3", now - MINUTE, caller="13700000003"),
        abandoned("1.4", now - MINUTE, caller=None),
    )
    await follower.follow(now)
    return {each.call_ref: each.callback_id for each in await follower.all()}


async def _dial(client: httpx.AsyncClient, callback_id: int, agent: str = "8001") -> httpx.Response:
    return await client.post(f"/api/v1/callbacks/{callback_id}/dial", json={"agent": agent})


async def _result(client: httpx.AsyncClient, callback_id: int, ordinal: int, result: str) -> httpx.Response:
    url = f"/api/v1/callbacks/{callback_id}/tries/{ordinal}/result"
    return await client.post(url, json={"result": result})


@pytest.mark.usefixtures("owed")
async def test_callbacks_come_by_due_time_by_every_filter_and_by_page(client: httpx.AsyncClient) -> None:
    async def refs(**params: str) -> list[str]:
        answer = await client.get("/api/v1/callbacks", params=params)
        assert answer.status_code == 200, answer.text
        return [each["call_ref"] for each in answer.json()["items"]]

    assert await refs() == ["1.1", "1.2", "1.3", "1.4"]
    assert await refs(state="open") == ["1.1", "1.2", "1.3"]
    assert await refs(overdue="true") == ["1.1", "1.2"]
    assert await refs(caller="0003") == ["1.3"]
    assert await refs(caller="%") == []
    assert await refs(desk="elsewhere") == []
    first = (await client.get("/api/v1/callbacks", params={"limit": 3})).json()
    assert await refs(cursor=first["next_cursor"]) == ["1.4"]


async def test_a_callback_is_closed_when_the_caller_is_reached(client: httpx.AsyncClient, owed: dict[str, int]) -> None:
    dialled = (await _dial(client, owed["1.1"])).json()
    assert [(each["agent"], each["dialled_by"], each["result"]) for each in dialled["tries"]] == [
        ("8001", "test supervisor", None)
    ]
    reached = (await _result(client, owed["1.1"], 0, "reached")).json()
    assert (reached["state"], reached["tries"][0]["told_by"]) == ("reached", "test supervisor")
    again = await _dial(client, owed["1.1"])
    assert (again.status_code, again.json()["error_id"]) == (409, "callback_closed")


async def test_a_caller_who_does_not_answer_is_tried_again_after_the_spacing_and_as_often_as_the_rule_says(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    await _dial(client, owed["1.1"])
    one = (await _result(client, owed["1.1"], 0, "no_answer")).json()
    assert one["state"] == "open"
    early = await _dial(client, owed["1.1"])
    assert (early.status_code, early.json()["error_id"]) == (409, "callback_too_early")
    told = [datetime.fromisoformat(each["next_try_at"]) for each in (early.json(), one)]
    assert told[0] == told[1]
    later = clock.now() + 21 * MINUTE
    async with follower.database.session() as session:
        await service.dial(session, owed["1.1"], "8002", "陈立", later)
    last = (await _result(client, owed["1.1"], 1, "busy")).json()
    assert (last["state"], len(last["tries"])) == ("exhausted", 2)


async def test_a_try_that_failed_on_our_side_is_none_of_the_callers(
    client: httpx.AsyncClient, owed: dict[str, int]
) -> None:
    for ordinal in range(3):
        assert (await _dial(client, owed["1.1"])).status_code == 200
        one = (await _result(client, owed["1.1"], ordinal, "agent_absent")).json()
    assert (one["state"], len(one["tries"])) == ("open", 3)


async def test_a_dial_that_no_router_carried_out_is_told_and_can_be_tried_again_at_once(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    await _dial(client, owed["1.1"])
    async with follower.database.session() as session:
        command = await session.scalar(select(CommandRow))
        assert command is not None
        assert (command.verb, command.arguments) == ("dial", {"extension": "8001", "number": "13800000001"})
        assert command.about == {"callback_id": owed["1.1"], "call_ref": "1.1"}
        command.state, command.error, command.finished_at = "failed", "There is no line outward.", clock.now()
    assert await follower.follow(clock.now()) == [owed["1.1"]]
    one = (await client.get(f"/api/v1/callbacks/{owed['1.1']}")).json()
    (tried,) = one["tries"]
    assert (tried["result"], tried["told_by"], tried["error"]) == ("failed", None, "There is no line outward.")
    assert (await _dial(client, owed["1.1"])).status_code == 200


async def test_two_agents_never_call_the_same_caller_back_at_once(
    client: httpx.AsyncClient, owed: dict[str, int]
) -> None:
    await _dial(client, owed["1.2"], "8001")
    second = await _dial(client, owed["1.2"], "8002")
    assert (second.status_code, second.json()["error_id"]) == (409, "callback_being_dialled")
    assert second.json()["agent"] == "8001"


async def test_what_came_of_a_try_is_told_once(client: httpx.AsyncClient, owed: dict[str, int]) -> None:
    await _dial(client, owed["1.2"])
    await _result(client, owed["1.2"], 0, "busy")
    again = await _result(client, owed["1.2"], 0, "reached")
    assert (again.status_code, again.json()["error_id"]) == (409, "callback_try_over")
    unknown = await _result(client, owed["1.2"], 7, "reached")
    assert (unknown.status_code, unknown.json()["error_id"]) == (404, "callback_not_found")


async def test_a_malformed_order_is_refused(client: httpx.AsyncClient, owed: dict[str, int]) -> None:
    bodies: tuple[dict[str, object], ...] = (
        {},
        {"agent": "8001; DROP"},
        {"agent": "8001", "more": 1},
        {"agent": "8001\r\nX: y"},
    )
    for body in bodies:
        answer = await client.post(f"/api/v1/callbacks/{owed['1.1']}/dial", json=body)
        assert (answer.status_code, answer.json()["error_id"]) == (422, "malformed")


async def test_agents_call_back_and_auditors_only_look(
    nobody: httpx.AsyncClient, new_token: NewToken, owed: dict[str, int]
) -> None:
    assert (await _dial(nobody, owed["1.1"])).status_code == 401
    nobody.headers["Authorization"] = f"Bearer {await new_token('qa')}"
    assert (await nobody.get(f"/api/v1/callbacks/{owed['1.1']}")).status_code == 200
    assert (await _dial(nobody, owed["1.1"])).status_code == 403
    nobody.headers["Authorization"] = f"Bearer {await new_token('agent')}"
    assert (await _dial(nobody, owed["1.1"])).status_code == 200
    assert (await nobody.get("/api/v1/callbacks", params={"format": "csv"})).status_code == 403


@pytest.mark.usefixtures("owed")
async def test_the_export_holds_all_that_match(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/callbacks", params={"format": "csv", "limit": 1})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [(row["caller"], row["state"], row["overdue"]) for row in rows] == [
        ("13800000001", "open", "yes"),
        ("13900000002", "open", "yes"),
        ("13700000003", "open", "no"),
        ("", "left_out", "no"),
    ]
