"""Calls as a list, and as a spreadsheet takes it."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.calls import service
from api.calls.repository import CallFilter
from api.kit.listing import Listing
from api.kit.pagination import Cursor

COLUMNS = (
    "call_ref",
    "caller",
    "queue",
    "outcome",
    "via",
    "offered_at",
    "answered_at",
    "ended_at",
    "wait_seconds",
    "talk_seconds",
    "agent",
    "transcript_state",
    "ticket_id",
)


def listing(wanted: CallFilter) -> Listing:
    """Return the list of the calls that match, latest first."""

    async def rows(session: AsyncSession, cursor: Cursor | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        calls, following = await service.page(session, wanted, cursor, limit)
        return await service.calls_json(session, calls), following

    return Listing("calls", COLUMNS, rows)
