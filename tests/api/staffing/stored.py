"""A city's calls and agents in the database, as the router would have stored them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from sqlalchemy import insert

from api.agents.models import SpellRow
from api.calls.models import CallRow, OfferRow, SegmentRow
from api.kit.database import Database

CHINA = ZoneInfo("Asia/Shanghai")


async def store_calls(
    database: Database, history: Mapping[date, Sequence[int]], *, queue: str = "hotline", talk_seconds: float = 180.0
) -> int:
    """Store a call for each that was counted; of ten, one hangs up after 40 s, the others wait 3 to 11 s."""
    dice = np.random.default_rng(3)
    rows: list[dict[str, object]] = []
    for day, counts in history.items():
        midnight = datetime(day.year, day.month, day.day, tzinfo=CHINA).astimezone(UTC)
        for quarter, number in enumerate(counts):
            for second in sorted(dice.uniform(0, 900, number)):
                rows.append(_call(f"{queue}-{len(rows)}", queue, midnight, quarter * 900 + second, talk_seconds))
    parts = [
        {
            "call_ref": row["call_ref"],
            "ordinal": 0,
            "agent": row["agent"],
            "started_at": row["answered_at"],
            "ended_at": row["ended_at"],
            "talk_seconds": talk_seconds,
        }
        for row in rows
        if row["answered_at"]
    ]
    async with database.session() as session:
        await session.execute(insert(CallRow), rows)
        await session.execute(insert(SegmentRow), parts)
    return len(rows)


def _call(ref: str, queue: str, midnight: datetime, second: float, talk_seconds: float) -> dict[str, object]:
    number = int(ref.rpartition("-")[2])
    offered_at = midnight + timedelta(seconds=second)
    abandoned = number % 10 == 0
    wait = 40.0 if abandoned else 3.0 + number % 9
    ended_at = offered_at + timedelta(seconds=wait + (0 if abandoned else talk_seconds))
    return {
        "call_ref": ref,
        "caller": "13800123456",
        "queue": queue,
        "outcome": "abandoned" if abandoned else "answered",
        "via": None if abandoned else "queue",
        "offered_at": offered_at,
        "answered_at": None if abandoned else offered_at + timedelta(seconds=wait),
        "ended_at": ended_at,
        "wait_seconds": wait,
        "talk_seconds": 0.0 if abandoned else talk_seconds,
        "agent": None if abandoned else "8001",
    }


async def store_spell(
    database: Database, agent: str, state: str, start: datetime, end: datetime | None, call_ref: str | None = None
) -> None:
    """Store what an agent did."""
    async with database.session() as session:
        await session.execute(
            insert(SpellRow),
            [
                {
                    "node": "main",
                    "agent": agent,
                    "state": state,
                    "reason": None,
                    "call_ref": call_ref,
                    "started_at": start,
                    "ended_at": end,
                }
            ],
        )


async def store_ring(database: Database, call_ref: str, rang_at: datetime, seconds: float) -> None:
    """Store that an agent's phone rang so long before it was answered."""
    async with database.session() as session:
        row = {"call_ref": call_ref, "ordinal": 0, "agent": "8001", "rang_at": rang_at, "result": "answered"}
        await session.execute(insert(OfferRow), [{**row, "ended_at": rang_at + timedelta(seconds=seconds)}])
