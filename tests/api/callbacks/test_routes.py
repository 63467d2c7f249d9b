import csv
import io
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from api.callbacks import service
from api.commands.models import CommandRow
from api.kit import clock
from telephony.calls.outward import OutwardCall
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


async def _overrule(
    client: httpx.AsyncClient, callback_id: int, ordinal: int, result: str, reason: str = "语音信箱"
) -> httpx.Response:
    url = f"/api/v1/callbacks/{callback_id}/tries/{ordinal}/result"
    return await client.post(url, json={"result": result, "reason": reason})


async def _get(client: httpx.AsyncClient, callback_id: int) -> Any:
    return (await client.get(f"/api/v1/callbacks/{callback_id}")).json()


async def _try(
    client: httpx.AsyncClient, follower: Follower, callback_id: int, status: str, seconds: float = 30, cause: int = 0
) -> Any:
    """Dial, let the agent pick up and the call end; returns the callback."""
    assert (await _dial(client, callback_id)).status_code == 200
    ended = clock.now()
    began = ended - timedelta(seconds=seconds)
    ref = f"{ended.timestamp():.6f}"
    await follower.carry_out(ref)
    talked = 12.5 if status == "ANSWER" else None
    name = f"{ref}--8001--{int(began.timestamp() * 1_000_000)}"
    await follower.tell(OutwardCall(ref, "8001", name, began, ended, status, cause, talked))
    await follower.follow(ended)
    return await _get(client, callback_id)


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


async def test_a_callback_is_closed_when_the_callers_own_leg_was_answered(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    dialled = (await _dial(client, owed["1.1"])).json()
    assert [(each["agent"], each["dialled_by"], each["result"]) for each in dialled["tries"]] == [
        ("8001", "test supervisor", None)
    ]
    ref = f"{clock.now().timestamp():.6f}"
    await follower.carry_out(ref)
    picked_up = OutwardCall(ref, "8001", f"{ref}--8001--1763870004200000", clock.now())
    await follower.tell(picked_up)
    assert await follower.follow(clock.now()) == []
    assert (await _get(client, owed["1.1"]))["tries"][0]["result"] is None, "the agent listens, the far end rings"
    over = OutwardCall(ref, ended_at=clock.now(), status="ANSWER", talk_seconds=12.5)
    await follower.tell(over)
    await follower.tell(over)
    assert await follower.follow(clock.now()) == [owed["1.1"]]
    assert await follower.follow(clock.now()) == []
    reached = await _get(client, owed["1.1"])
    (tried,) = reached["tries"]
    assert (reached["state"], reached["closed_by_call"], tried["talk_seconds"]) == ("reached", ref, 12.5)
    assert (tried["result"], tried["heard"], tried["told_by"]) == ("reached", "reached", None)
    again = await _dial(client, owed["1.1"])
    assert (again.status_code, again.json()["error_id"]) == (409, "callback_closed")


async def test_a_caller_who_does_not_answer_is_tried_again_after_the_spacing_and_as_often_as_the_rule_says(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    one = await _try(client, follower, owed["1.1"], "NOANSWER")
    assert (one["state"], one["tries"][0]["result"], one["tries"][0]["told_by"]) == ("open", "no_answer", None)
    early = await _dial(client, owed["1.1"])
    assert (early.status_code, early.json()["error_id"]) == (409, "callback_too_early")
    told = [datetime.fromisoformat(each["next_try_at"]) for each in (early.json(), one)]
    assert told[0] == told[1]
    later = clock.now() + 21 * MINUTE
    async with follower.database.session() as session:
        await service.dial(session, owed["1.1"], "8002", "陈立", later)
    await follower.carry_out("1763870000.000001")
    await follower.tell(OutwardCall("1763870000.000001", ended_at=later, picked_up_at=later, status="BUSY"))
    await follower.follow(later)
    last = await _get(client, owed["1.1"])
    assert (last["state"], [each["result"] for each in last["tries"]]) == ("exhausted", ["no_answer", "busy"])


async def test_a_try_that_failed_on_our_side_is_none_of_the_callers(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    one = await _try(client, follower, owed["1.1"], "CANCEL", seconds=3)
    one = await _try(client, follower, owed["1.1"], "CONGESTION", cause=34)
    await _dial(client, owed["1.1"])
    await follower.carry_out("1763870000.000001")
    await follower.tell(OutwardCall("1763870000.000001", ended_at=clock.now()))
    await follower.follow(clock.now())
    one = await _get(client, owed["1.1"])
    assert [each["result"] for each in one["tries"]] == ["cancelled", "failed", "agent_absent"]
    assert (one["state"], (await _dial(client, owed["1.1"])).status_code) == ("open", 200)


async def test_a_phone_that_was_ordered_to_ring_and_of_which_nothing_is_heard_did_not(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    await _dial(client, owed["1.1"])
    await follower.carry_out("1763870000.000001")
    assert await follower.follow(clock.now() + timedelta(seconds=60)) == []
    assert await follower.follow(clock.now() + timedelta(seconds=120)) == [owed["1.1"]]
    assert (await _get(client, owed["1.1"]))["tries"][0]["result"] == "agent_absent"
    assert await follower.follow(clock.now() + timedelta(seconds=123)) == []
    # The router was dead, and Asterisk's record tells later what it did not see.
    await follower.tell(OutwardCall("1763870000.000001", status="ANSWER", talk_seconds=31.0))
    assert await follower.follow(clock.now() + timedelta(seconds=126)) == [owed["1.1"]]
    one = await _get(client, owed["1.1"])
    assert (one["state"], one["tries"][0]["result"], one["tries"][0]["talk_seconds"]) == ("reached", "reached", 31.0)


async def test_a_person_overrules_what_the_call_told_with_a_reason_and_a_closed_callback_is_open_again(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    closed = await _try(client, follower, owed["1.1"], "ANSWER")
    assert closed["state"] == "reached"
    opened = (await _overrule(client, owed["1.1"], 0, "no_answer")).json()
    (tried,) = opened["tries"]
    assert (opened["state"], opened["closed_at"], opened["closed_by_call"]) == ("open", None, None)
    assert (tried["result"], tried["heard"], tried["told_by"], tried["reason"]) == (
        ("no_answer", "reached", "test supervisor", "语音信箱")
    )
    assert (await _overrule(client, owed["1.1"], 0, "reached", "本人来电确认")).json()["state"] == "reached"
    for reason in ("", "  ", "x" * 201, "a\r\nb", "\0"):
        refused = await _overrule(client, owed["1.1"], 0, "busy", reason)
        assert (refused.status_code, refused.json()["error_id"]) == (422, "malformed"), reason


async def test_a_person_may_judge_before_the_call_tells_and_only_the_last_try(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    await _dial(client, owed["1.1"])
    await follower.carry_out("1763870000.000001")
    judged = (await _overrule(client, owed["1.1"], 0, "wrong_number", "提示空号")).json()
    assert (judged["state"], judged["tries"][0]["result"], judged["tries"][0]["heard"]) == (
        "open",
        "wrong_number",
        None,
    )
    await follower.tell(OutwardCall("1763870000.000001", ended_at=clock.now(), status="ANSWER", talk_seconds=3))
    await follower.follow(clock.now())
    kept = await _get(client, owed["1.1"])
    assert (kept["state"], kept["tries"][0]["result"], kept["tries"][0]["heard"]) == ("open", "wrong_number", "reached")
    async with follower.database.session() as session:
        await service.dial(session, owed["1.1"], "8002", "陈立", clock.now() + 21 * MINUTE)
    early = await _overrule(client, owed["1.1"], 0, "busy")
    assert (early.status_code, early.json()["error_id"]) == (409, "callback_try_over")
    unknown = await _overrule(client, owed["1.1"], 7, "reached")
    assert (unknown.status_code, unknown.json()["error_id"]) == (404, "callback_not_found")


async def test_a_callback_is_not_opened_again_beside_a_later_one_of_the_same_caller(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    await _try(client, follower, owed["1.1"], "ANSWER")
    await follower.store(abandoned("1.9", clock.now() - timedelta(seconds=30), caller="13800000001"))
    await follower.follow(clock.now())
    refused = await _overrule(client, owed["1.1"], 0, "no_answer")
    assert (refused.status_code, refused.json()["error_id"]) == (409, "callback_closed")
    assert (await _get(client, owed["1.1"]))["tries"][0]["result"] == "reached", "nothing was changed"


async def test_a_dial_that_no_router_carried_out_is_told_and_can_be_tried_again_at_once(
    client: httpx.AsyncClient, owed: dict[str, int], follower: Follower
) -> None:
    await _dial(client, owed["1.1"])
    async with follower.database.session() as session:
        command = await session.scalar(select(CommandRow))
        assert command is not None
        assert (command.verb, command.arguments) == ("dial", {"extension": "8001", "number": "13800000001"})
        assert command.about == {"callback_id": owed["1.1"], "call_ref": "1.1"}
    await follower.carry_out("", failed="There is no line outward.")
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
    assert (await _overrule(nobody, owed["1.1"], 0, "reached")).status_code == 403
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
