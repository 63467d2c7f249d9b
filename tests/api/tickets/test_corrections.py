"""Agents correct and confirm drafts over HTTP; a redraft at the same moment takes nothing from them."""

import asyncio
import copy
from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from api.kit.database import Database
from api.tickets import service
from api.tickets.models import CorrectionRow
from api.tickets.repository import TicketRepository
from tests.api import samples
from tests.api.conftest import NewToken

REF = "1.1"


@pytest.fixture
async def ticket_id(database: Database) -> str:
    """An answered call with its draft."""
    async with database.session() as session:
        await samples.store_answered(session, samples.call(REF))
        return (await service.find_by_call(session, REF)).ticket_id  # type: ignore[union-attr]


@pytest.fixture
async def agent(nobody: httpx.AsyncClient, new_token: NewToken) -> httpx.AsyncClient:
    """A client with an agent's token."""
    nobody.headers["Authorization"] = f"Bearer {await new_token('agent')}"
    return nobody


async def _correct(agent: httpx.AsyncClient, ticket_id: str, field: str, value: str | None, **more: Any) -> Any:
    body = {"field": field, "value": value, **more}
    return await agent.post(f"/api/v1/tickets/{ticket_id}/correct", json=body)


async def _rows(database: Database, ticket_id: str) -> list[CorrectionRow]:
    async with database.session() as session:
        return await TicketRepository(session).corrections(ticket_id)


async def _redraft(database: Database, fields: dict[str, Any]) -> None:
    async with database.session() as session:
        await service.store_draft(session, REF, fields, reason=None, now=samples.NOON, timezone="Asia/Shanghai")


async def test_the_agents_value_stands_and_the_machines_stays_beside_it(
    agent: httpx.AsyncClient, database: Database, ticket_id: str
) -> None:
    answer = await _correct(agent, ticket_id, "place", " 富华南路130号 ")
    assert answer.status_code == 200
    place = answer.json()["fields"]["place"]
    assert (place["value"], place["confirmed"], place["confidence"], place["evidence"]) == (
        "富华南路130号",
        True,
        None,
        [],
    )
    assert place["machine"]["value"] == "富华南路128号"
    assert [each["text"] for each in place["machine"]["evidence"]] == ["富华南路", "富华南路128号门口"]
    assert answer.json()["version"] == 2
    (row,) = await _rows(database, ticket_id)
    assert (row.field, row.machine_value, row.agent_value) == ("place", "富华南路128号", "富华南路130号")
    assert (row.machine_confidence, row.model, row.draft_version) == (0.93, "zhitong-demo", 1)
    assert row.made_by == "test agent"
    assert [each["text"] for each in row.machine_evidence] == ["富华南路", "富华南路128号门口"]


async def test_confirming_takes_all_that_has_a_value_and_leaves_what_was_corrected(
    agent: httpx.AsyncClient, database: Database, ticket_id: str
) -> None:
    await _correct(agent, ticket_id, "urgency", "normal")
    fields = (await agent.post(f"/api/v1/tickets/{ticket_id}/confirm")).json()["fields"]
    assert [name for name, field in fields.items() if not field["confirmed"]] == ["contact_name"]
    assert fields["urgency"]["value"] == "normal"
    assert fields["place"]["evidence"] == fields["place"]["machine"]["evidence"] != []
    rows = await _rows(database, ticket_id)
    assert [row.field for row in rows].count("urgency") == 1
    assert len(rows) == 7
    again = await agent.post(f"/api/v1/tickets/{ticket_id}/confirm")
    assert again.status_code == 200
    assert len(await _rows(database, ticket_id)) == 7


async def test_a_redraft_leaves_a_correction_and_updates_its_machine_side(
    agent: httpx.AsyncClient, database: Database, ticket_id: str
) -> None:
    await _correct(agent, ticket_id, "contact_name", "王女士")
    fields: dict[str, Any] = copy.deepcopy(samples.fields())
    fields["contact_name"]["value"] = "汪"
    fields["place"]["value"] = "富华南路129号"
    await _redraft(database, fields)
    now = (await agent.get(f"/api/v1/tickets/{ticket_id}")).json()["fields"]
    assert (now["contact_name"]["value"], now["contact_name"]["machine"]["value"]) == ("王女士", "汪")
    assert now["place"]["value"] == "富华南路129号"


async def test_unit_and_complexity_follow_a_corrected_category_until_somebody_decides(
    agent: httpx.AsyncClient, database: Database, ticket_id: str
) -> None:
    fields = (await _correct(agent, ticket_id, "category", "power")).json()["fields"]
    assert (fields["unit"]["value"], fields["unit"]["confirmed"], fields["unit"]["follows"]) == (
        "供电局",
        False,
        "category",
    )
    assert fields["unit"]["machine"]["value"] == "住建局"
    await _redraft(database, samples.fields())
    assert (await agent.get(f"/api/v1/tickets/{ticket_id}")).json()["fields"]["unit"]["value"] == "供电局"
    fields = (await _correct(agent, ticket_id, "category", "building-safety")).json()["fields"]
    assert (fields["unit"]["value"], fields["unit"]["follows"]) == ("住建局", None)


async def test_who_saw_something_else_is_told_and_nothing_is_stored(
    agent: httpx.AsyncClient, database: Database, ticket_id: str
) -> None:
    seen = {name: field["value"] for name, field in samples.fields().items()}  # type: ignore[index]
    fields: dict[str, Any] = copy.deepcopy(samples.fields())
    fields["place"]["value"] = "富华南路129号"
    await _redraft(database, fields)
    refused = await agent.post(f"/api/v1/tickets/{ticket_id}/confirm", json={"seen": seen})
    assert (refused.status_code, refused.json()["error_id"], refused.json()["fields"]) == (
        409,
        "draft_changed",
        ["place"],
    )
    assert (await _correct(agent, ticket_id, "place", "富华南路1号", seen="富华南路128号")).status_code == 200
    refused = await _correct(agent, ticket_id, "place", "富华南路2号", seen="富华南路129号")
    assert (refused.status_code, refused.json()["error_id"]) == (409, "draft_changed")
    assert (await _correct(agent, ticket_id, "place", "富华南路2号", seen="富华南路1号")).status_code == 200
    assert [row.agent_value for row in await _rows(database, ticket_id)] == ["富华南路1号", "富华南路2号"]


@pytest.mark.parametrize(
    ("body", "status", "error_id"),
    [
        ({"field": "summery", "value": "x"}, 400, "field_unknown"),
        ({"field": "\0", "value": "x"}, 400, "field_unknown"),
        ({"field": "category", "value": "<script>"}, 400, "field_invalid"),
        ({"field": "contact_phone", "value": "1234"}, 400, "field_invalid"),
        ({"field": "place", "value": "路" * 300}, 400, "field_invalid"),
        ({"field": "place", "value": "路" * 5000}, 422, "malformed"),
        ({"field": "place"}, 422, "malformed"),
        ({"field": "place", "value": 3}, 422, "malformed"),
        ({"field": "place", "value": "x", "confirmed": True}, 422, "malformed"),
    ],
)
async def test_what_cannot_be_stored_is_refused_with_a_reason(
    agent: httpx.AsyncClient, database: Database, ticket_id: str, body: dict[str, Any], status: int, error_id: str
) -> None:
    answer = await agent.post(f"/api/v1/tickets/{ticket_id}/correct", json=body)
    assert (answer.status_code, answer.json()["error_id"]) == (status, error_id)
    assert await _rows(database, ticket_id) == []


async def test_hostile_values_come_back_as_text(agent: httpx.AsyncClient, ticket_id: str) -> None:
    answer = await _correct(agent, ticket_id, "place", "\0<b>\n富华\u202e南路'; DROP TABLE tickets; --")
    assert answer.json()["fields"]["place"]["value"] == "<b> 富华南路'; DROP TABLE tickets; --"
    assert (await _correct(agent, "%00' OR 1=1", "place", "x")).json()["error_id"] == "ticket_not_found"


async def test_only_who_takes_calls_may_change_a_draft(
    nobody: httpx.AsyncClient, new_token: NewToken, ticket_id: str
) -> None:
    for role, status in {"agent": 200, "supervisor": 200, "admin": 200, "qa": 403, "machine": 403}.items():
        headers = {"Authorization": f"Bearer {await new_token(role)}"}
        body = {"field": "urgency", "value": "urgent"}
        address = f"/api/v1/tickets/{ticket_id}"
        assert (await nobody.post(f"{address}/correct", json=body, headers=headers)).status_code == status, role
        assert (await nobody.post(f"{address}/confirm", headers=headers)).status_code == status, role
    assert (await nobody.post(f"/api/v1/tickets/{ticket_id}/correct", json={})).status_code == 401
    assert (await nobody.post(f"/api/v1/tickets/{ticket_id}/confirm")).status_code == 401


async def test_corrections_cannot_be_changed_or_removed(
    agent: httpx.AsyncClient, database: Database, ticket_id: str
) -> None:
    await _correct(agent, ticket_id, "urgency", "normal")
    for statement in ("UPDATE corrections SET agent_value = 'x'", "DELETE FROM corrections", "TRUNCATE corrections"):
        with pytest.raises(DBAPIError, match="corrections are kept"):
            async with database.session() as session:
                await session.execute(text(statement))
    assert len(await _rows(database, ticket_id)) == 1


async def test_redrafts_and_corrections_at_the_same_moment_lose_nothing(
    agent: httpx.AsyncClient, database: Database, ticket_id: str
) -> None:
    async def redraft(number: int) -> None:
        fields: dict[str, Any] = copy.deepcopy(samples.fields())
        fields["summary"]["value"] = f"第{number}次"
        await _redraft(database, fields)

    names = ["place", "contact_name", "urgency", "unit", "district", "street"]
    values = ["富华南路1号", "王", "normal", "水务局", "武侯区", "玉林街道"]
    answers = await asyncio.gather(
        *(redraft(number) for number in range(8)),
        *(_correct(agent, ticket_id, name, value) for name, value in zip(names, values, strict=True)),
    )
    assert [answer.status_code for answer in answers[8:]] == [200] * 6
    ticket = (await agent.get(f"/api/v1/tickets/{ticket_id}")).json()
    assert [ticket["fields"][name]["value"] for name in names] == values
    assert len(await _rows(database, ticket_id)) == 6
    assert ticket["version"] == 1 + 6 + 8


async def test_a_correction_waits_for_a_redraft_that_has_begun(
    agent: httpx.AsyncClient, database: Database, ticket_id: str
) -> None:
    fields: dict[str, Any] = copy.deepcopy(samples.fields())
    fields["place"]["value"] = "富华南路129号"
    async with database.session() as session:
        await service.store_draft(session, REF, fields, reason=None, now=samples.NOON, timezone="Asia/Shanghai")
        correction = asyncio.create_task(_correct(agent, ticket_id, "contact_name", "王"))
        async with asyncio.timeout(20), database.engine.connect() as watcher:
            waiting = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
            while not (await watcher.execute(waiting)).scalar_one():
                await watcher.rollback()
                await asyncio.sleep(0.02)
        assert not correction.done()
    now = (await correction).json()["fields"]
    assert (now["place"]["value"], now["contact_name"]["value"]) == ("富华南路129号", "王")


async def test_an_agents_decision_is_pushed(agent: httpx.AsyncClient, database: Database, ticket_id: str) -> None:
    count = text("SELECT count(*) FROM changes WHERE kind = 'ticket'")
    async with database.session() as session:
        before = (await session.execute(count)).scalar_one()
    await _correct(agent, ticket_id, "urgency", "normal")
    async with database.session() as session:
        assert (await session.execute(count)).scalar_one() == before + 1
