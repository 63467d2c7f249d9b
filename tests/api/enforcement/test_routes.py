import csv
import io
from datetime import timedelta

import httpx
import pytest

from tests.api.conftest import NewToken
from tests.api.enforcement.conftest import NOON, Desk, answered, waiting


@pytest.fixture
async def day(desk: Desk) -> Desk:
    """Pressure that rose, and fell; and a warning of an hour later that still stands."""
    callers = [waiting(f"1.{number}", NOON - timedelta(seconds=20)) for number in range(6)]
    await desk.store(*callers)
    await desk.look(times=3)
    await desk.store(*(answered(call.call_ref, call.offered_at, 35) for call in callers))
    await desk.look(times=12)
    desk.now = NOON + timedelta(hours=1)
    await desk.store(*(waiting(f"2.{number}", desk.now) for number in range(3)))
    await desk.look(times=3)
    return desk


@pytest.mark.usefixtures("day")
async def test_each_act_shows_what_asked_for_it_what_was_ordered_and_what_it_achieved(
    client: httpx.AsyncClient,
) -> None:
    items = (await client.get("/api/v1/enforcement")).json()["items"]
    assert [(each["act"], each["rung"], each["undone_reason"]) for each in items] == [
        ("warn_wall", 1, None),
        ("call_reserve", 2, "eased"),
        ("warn_wall", 1, "eased"),
    ]
    reserve = items[1]
    assert reserve["figure"] == {"value": 6.0, "numerator": None, "denominator": None, "excluded": 0}
    assert (reserve["limit"], reserve["zh"], reserve["en"]) == (5.0, "后备", "reserve")
    assert (reserve["target"]["zh"], reserve["target"]["metric"]) == ("排队人数", "waiting")
    assert {(each["subject"], each["undo"]) for each in reserve["orders"]} == {
        ("8003 main", False),
        ("8004 main", False),
        ("8003 main", True),
        ("8004 main", True),
    }
    assert [(each["after_seconds"], each["value"]) for each in reserve["effects"]] == [(300, 0.0), (900, 0.0)]
    assert len(reserve["policy_sha256"]) == 64


@pytest.mark.usefixtures("day")
async def test_acts_come_by_every_filter_and_by_page(client: httpx.AsyncClient) -> None:
    async def count(**params: str) -> int:
        answer = await client.get("/api/v1/enforcement", params={k.rstrip("_"): v for k, v in params.items()})
        assert answer.status_code == 200, answer.text
        return len(answer.json()["items"])

    assert await count(act="warn_wall") == 2
    assert await count(in_force="true") == 1
    assert await count(desk="elsewhere") == 0
    assert await count(from_=(NOON + timedelta(minutes=30)).isoformat()) == 1
    first = (await client.get("/api/v1/enforcement", params={"limit": 2})).json()
    second = (await client.get("/api/v1/enforcement", params={"cursor": first["next_cursor"]})).json()
    assert len({each["act_id"] for each in first["items"] + second["items"]}) == 3
    assert (
        await client.get("/api/v1/enforcement", params={"cursor": "WyIyMDI2LTExLTIzVDA0OjAwOjAwKzAwOjAwIiwieCJd"})
    ).json()["error_id"] == "bad_cursor"


@pytest.mark.usefixtures("day")
async def test_the_export_holds_all_of_them(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/enforcement", params={"format": "csv", "limit": 1})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["act"] for row in rows] == ["warn_wall", "call_reserve", "warn_wall"]
    assert (rows[1]["value"], rows[1]["after_5_min"], rows[1]["undone_reason"]) == ("6.0", "0.0", "eased")


@pytest.mark.usefixtures("day")
async def test_an_agent_sees_what_is_in_force_and_not_the_record(
    nobody: httpx.AsyncClient, new_token: NewToken
) -> None:
    assert (await nobody.get("/api/v1/enforcement")).status_code == 401
    nobody.headers["Authorization"] = f"Bearer {await new_token('agent')}"
    assert (await nobody.get("/api/v1/enforcement")).status_code == 403
    assert [each["act"] for each in (await nobody.get("/api/v1/enforcement/in-force")).json()] == ["warn_wall"]
    nobody.headers["Authorization"] = f"Bearer {await new_token('machine')}"
    assert (await nobody.get("/api/v1/enforcement")).status_code == 200
    assert (await nobody.get("/api/v1/enforcement", params={"format": "csv"})).status_code == 403
