import copy
from typing import Any

import httpx
from sqlalchemy import func, select

from api.kit.database import Database
from api.tickets import service
from api.tickets.models import TicketRow
from tests.api import samples

FIELDS: dict[str, Any] = samples.fields()


async def _draft(database: Database, ref: str, fields: dict[str, Any], reason: str | None = None) -> str:
    async with database.session() as session:
        return await service.store_draft(
            session, ref, fields, reason=reason, now=samples.NOON, timezone="Asia/Shanghai"
        )


async def test_a_call_has_one_ticket_however_often_it_is_drafted(database: Database) -> None:
    first = await _draft(database, "1.1", FIELDS)
    assert await _draft(database, "1.1", FIELDS) == first
    assert await _draft(database, "1.2", FIELDS) != first
    assert first == "20261123000001"
    async with database.session() as session:
        assert await session.scalar(select(func.count()).select_from(TicketRow)) == 2


async def test_a_field_that_a_human_confirmed_is_never_changed_by_the_machine(database: Database) -> None:
    confirmed = copy.deepcopy(FIELDS)
    confirmed["unit"] |= {"value": "城管委", "confirmed": True}
    await _draft(database, "1.1", confirmed)
    again = copy.deepcopy(FIELDS)
    again["place"]["value"] = "别处"
    ticket_id = await _draft(database, "1.1", again)
    async with database.session() as session:
        ticket = await service.find(session, ticket_id)
        assert ticket is not None
        assert ticket.fields["unit"]["value"] == "城管委"
        assert ticket.fields["place"]["value"] == "别处"


async def test_tickets_page_latest_first(client: httpx.AsyncClient, database: Database) -> None:
    made = [await _draft(database, f"1.{number}", FIELDS) for number in range(3)]
    first = (await client.get("/api/v1/tickets", params={"limit": 2})).json()
    rest = (await client.get("/api/v1/tickets", params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert [ticket["ticket_id"] for ticket in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert (await client.get("/api/v1/tickets", params={"to": samples.NOON.isoformat()})).json()["items"] == []
