"""Five drafts, what agents made of them, and the report's figures counted by hand."""

from datetime import timedelta
from typing import Any

import httpx

from api.kit.database import Database
from api.tickets import service as tickets
from tests.api import samples


async def _drafts(database: Database, number: int) -> list[str]:
    found = []
    async with database.session() as session:
        for at in range(number):
            one = samples.call(f"1.{at}", offered_at=samples.NOON + timedelta(seconds=at))
            await samples.store_answered(session, one)
            ticket = await tickets.find_by_call(session, one.call_ref)
            assert ticket is not None
            found.append(ticket.ticket_id)
    return found


async def test_the_report_counts_what_was_counted_by_hand(client: httpx.AsyncClient, database: Database) -> None:
    right, wrong, half, back, unseen = await _drafts(database, 5)

    async def correct(ticket_id: str, field: str, value: str) -> None:
        body = {"field": field, "value": value}
        (await client.post(f"/api/v1/tickets/{ticket_id}/correct", json=body)).raise_for_status()

    async def confirm(ticket_id: str) -> None:
        (await client.post(f"/api/v1/tickets/{ticket_id}/confirm")).raise_for_status()

    await confirm(right)
    await correct(wrong, "category", "lighting")
    await confirm(wrong)  # and with it the unit that follows: 住建局 became 城管委
    await correct(half, "category", "lighting")
    await correct(half, "place", "新希望路7号")
    await correct(back, "category", "noise")
    await correct(back, "category", "building-safety")  # the latest counts: the machine was right
    await correct(back, "contact_name", "王女士")

    day = {"from": "2026-11-23", "to": "2026-11-23"}
    found = (await client.get("/api/v1/speech/report", params=day)).raise_for_status().json()

    def figures(name: str) -> tuple[Any, ...]:
        one = found["fields"][name]
        assert one["drafts"] == 5
        assert unseen not in [each for ids in one["tickets"].values() for each in ids]
        return one["unchanged"], one["corrected"], one["left_empty"], one["accuracy"]

    assert figures("category") == (2, 2, 0, 1 / 2)
    assert figures("place") == (2, 1, 0, 2 / 3)
    assert figures("unit") == (1, 1, 0, 1 / 2)
    assert figures("contact_name") == (0, 1, 3, 0.0)
    for name in ("summary", "urgency", "complexity", "contact_phone"):
        assert figures(name) == (2, 0, 0, 1.0), name
    assert found["confusions"] == [
        {
            "field": "category",
            "machine": "building-safety",
            "agent": "lighting",
            "count": 2,
            "tickets": [wrong, half],
        },
        {"field": "unit", "machine": "住建局", "agent": "城管委", "count": 1, "tickets": [wrong]},
    ]
    assert found["places_lacking"] == [{"field": "place", "text": "新希望路", "count": 1, "tickets": [half]}]
    # The citizens of the calls that are no lighting said the same words: none of them tells of lighting.
    assert found["words_lacking"] == []
