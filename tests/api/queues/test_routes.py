import csv
import io
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from api.agents.service import store_revisions
from api.calls.service import store_calls
from api.kit import clock
from api.kit.database import Database
from api.queues.metrics import METRICS
from api.queues.rollup import roll_up_all
from telephony.agents.model import Revision
from tests.api.conftest import NewToken
from tests.api.queues import facts
from tests.api.queues.facts import at, call
from tests.api.queues.test_formulas import BY_HAND, DAY, SPELLS

SPAN = {"from": at(0).isoformat(), "to": at(3600).isoformat()}
CALLS_COUNTED = set(BY_HAND) - {"asa", "mean_wait", "longest_wait", "aht"}


@pytest.fixture
async def day(database: Database) -> None:
    """The day that is counted by hand, and a call of another desk."""
    async with database.session() as session:
        await store_calls(session, [*DAY, call("13", 120, queue="dialect", agents=("8003",))])
        await store_revisions(session, [Revision("8001", "main", at(100), SPELLS)])


async def _get(client: httpx.AsyncClient, path: str, **params: Any) -> Any:
    answer = await client.get(f"/api/v1/queues{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.usefixtures("day")
async def test_the_figures_are_those_counted_by_hand(client: httpx.AsyncClient, database: Database) -> None:
    for _ in ("from the calls", "from the rollups"):
        found = await _get(client, "/hotline/metrics", **SPAN)
        assert list(found["metrics"]) == list(METRICS)
        for metric, (numerator, denominator, excluded) in BY_HAND.items():
            figure = found["metrics"][metric]
            assert (figure["numerator"], figure["denominator"]) == (numerator, denominator), metric
            assert figure["excluded"] == excluded, metric
            assert figure["formula"]
        assert found["counts"]["offered"] == 12
        assert (await _get(client, "/all/metrics", **SPAN))["counts"]["offered"] == 13
        await roll_up_all(database)


@pytest.mark.usefixtures("day")
async def test_behind_each_number_stand_as_many_calls_as_it_says(client: httpx.AsyncClient) -> None:
    for metric, figure in (await _get(client, "/hotline/metrics", **SPAN))["metrics"].items():
        if metric == "occupancy":
            continue
        parts = {"denominator": figure["denominator"], "excluded": sum(figure["excluded"].values())}
        if metric in CALLS_COUNTED:
            parts["numerator"] = figure["numerator"]
        for part, number in parts.items():
            refs = await _refs(client, f"/hotline/metrics/{metric}/calls", part=part)
            assert len(refs) == len(set(refs)) == number, (metric, part)


async def _refs(client: httpx.AsyncClient, path: str, **params: Any) -> list[str]:
    refs: list[str] = []
    cursor = None
    while True:
        page = await _get(client, path, **SPAN, limit=3, **params, **({"cursor": cursor} if cursor else {}))
        refs += [each["call_ref"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return refs


@pytest.mark.usefixtures("day")
async def test_behind_the_occupancy_stand_the_calls_that_agents_talked_on(client: httpx.AsyncClient) -> None:
    path = "/hotline/metrics/occupancy/calls"
    assert await _refs(client, path, part="numerator") == ["2", "1"]
    assert await _refs(client, path, part="excluded") == []


@pytest.mark.usefixtures("day")
async def test_a_period_by_its_parts(client: httpx.AsyncClient) -> None:
    by_quarter = await _get(client, "/hotline/metrics", **SPAN, by="quarter")
    assert by_quarter["rows"][0]["key"] == at(0).isoformat()
    assert sum(row["counts"]["offered"] for row in by_quarter["rows"]) == 12
    by_agent = (await _get(client, "/hotline/metrics", **SPAN, by="agent"))["rows"]
    assert [row["key"] for row in by_agent] == ["8001", "8002"]
    assert set(by_agent[0]["metrics"]) == {"answer_in_time_of_answered", "asa", "aht", "occupancy"}
    by_queue = (await _get(client, "/all/metrics", **SPAN, by="queue"))["rows"]
    assert {row["key"]: row["counts"]["offered"] for row in by_queue} == {"dialect": 1, "hotline": 12}


@pytest.mark.usefixtures("day")
async def test_spreadsheets_of_figures_and_of_the_calls_behind_them(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/v1/queues/hotline/metrics", params={**SPAN, "by": "quarter", "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["part"] for row in rows][-1] == "total"
    assert (rows[-1]["offered"], rows[-1]["connected_numerator"]) == ("12", "7")
    answer = await client.get(
        "/api/v1/queues/hotline/metrics/abandoned/calls", params={**SPAN, "part": "numerator", "format": "csv"}
    )
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["call_ref"] for row in rows] == ["8", "7"]


REFUSED: Sequence[tuple[str, dict[str, str], int, str]] = [
    ("/gone/metrics", SPAN, 404, "queue_not_found"),
    ("/gone/live", {}, 404, "queue_not_found"),
    ("/hotline/metrics/happiness/calls", SPAN, 404, "metric_not_found"),
    ("/hotline/metrics", {"from": SPAN["to"], "to": SPAN["from"]}, 400, "bad_period"),
    ("/hotline/metrics", {**SPAN, "to": at(1e8).isoformat(), "by": "quarter"}, 400, "bad_period"),
    ("/hotline/metrics", {"from": "2026-11-23T09:00:00", "to": SPAN["to"]}, 422, "malformed"),
    ("/hotline/metrics", {}, 422, "malformed"),
    ("/hotline/metrics", {**SPAN, "by": "month"}, 422, "malformed"),
    ("/hotline/metrics/asa/calls", {**SPAN, "cursor": "x"}, 400, "bad_cursor"),
    ("/hotline%00/live", {}, 404, "queue_not_found"),
]


async def test_what_cannot_be_answered_is_told_why(client: httpx.AsyncClient) -> None:
    for path, params, status, error_id in REFUSED:
        answer = await client.get(f"/api/v1/queues{path}", params=params)
        assert (answer.status_code, answer.json()["error_id"]) == (status, error_id), path
        if "09:00:00" in params.get("from", ""):
            assert "timezone" in answer.json()["detail"]


@pytest.mark.usefixtures("day")
async def test_who_may_see_what(nobody: httpx.AsyncClient, new_token: NewToken) -> None:
    live: Sequence[tuple[str, dict[str, str]]] = [("", {}), ("/hotline/live", {})]
    figures = [("/hotline/metrics", SPAN), ("/hotline/metrics/asa/calls", SPAN)]
    files = [(path, {**params, "format": "csv"}) for path, params in figures]
    roles = {
        "agent": (200, 403, 403),
        "machine": (200, 200, 403),
        "qa": (200, 200, 200),
        "supervisor": (200, 200, 200),
        "admin": (200, 200, 200),
        None: (401, 401, 401),
    }
    for role, statuses in roles.items():
        nobody.headers["Authorization"] = f"Bearer {await new_token(role) if role else 'nobody'}"
        for asked, status in zip((live, figures, files), statuses, strict=True):
            for path, params in asked:
                answer = await nobody.get(f"/api/v1/queues{path}", params=params)
                assert answer.status_code == status, (role, path, params)


async def test_how_the_hall_stands_now(client: httpx.AsyncClient, database: Database) -> None:
    now = clock.now()
    shift = now - at(0)

    revision = facts.spells("8001", ("idle", -600), ("talking", -30), call_refs=["2"])
    async with database.session() as session:
        await store_calls(
            session,
            [
                facts.moved(call("1", -40, "in_progress"), shift),
                facts.moved(call("2", -60, over=False), shift),
                facts.moved(call("3", -120, "abandoned", wait=20.0), shift),
                facts.moved(call("4", -50, "in_progress", queue="dialect"), shift),
            ],
        )
        await store_revisions(session, [facts.moved_revision(revision, shift)])
    found = await _get(client, "/hotline/live")
    assert (found["waiting"], found["talking"]) == (1, 1)
    assert found["longest_wait_seconds"] == pytest.approx(40, abs=5)
    assert found["agents_by_state"] == {"talking": 1}
    assert (found["agents"][0]["agent"], found["agents"][0]["call_ref"]) == ("8001", "2")
    connected = found["last_15_minutes"]["connected"]
    assert (connected["numerator"], connected["denominator"], connected["excluded"]) == (1, 2, {"waiting": 1})
    occupancy = found["last_15_minutes"]["occupancy"]
    assert occupancy["numerator"] == pytest.approx(30, abs=5), "a talk that lasts counts up to now"
    listed = (await _get(client, ""))["items"]
    assert {each["name"]: each["waiting"] for each in listed} == {"hotline": 1, "dialect": 1, "enterprise": 0}
    whole = await _get(client, "/all/live")
    assert (whole["queue"], whole["waiting"]) == ("all", 2)
    assert whole["longest_wait_seconds"] == pytest.approx(50, abs=5)
