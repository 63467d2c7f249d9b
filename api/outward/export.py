"""Calls that agents placed as a list, and as a spreadsheet takes it."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.listing import Listing, Row
from api.kit.pagination import Cursor
from api.outward import service
from api.outward.repository import OutwardFilter

COLUMNS = (
    "dial_ref",
    "ordered_at",
    "ordered_by",
    "agent",
    "number",
    "result",
    "picked_up_at",
    "ended_at",
    "talk_seconds",
    "callback_id",
    "ticket_id",
    "call_ref",
    "command_id",
    "recording_id",
    "transcript_state",
    "node",
)


def listing(wanted: OutwardFilter) -> Listing:
    """Return the list of the calls that match, latest first."""

    async def rows(session: AsyncSession, cursor: Cursor | None, limit: int) -> tuple[list[Row], str | None]:
        return await service.page(session, wanted, cursor, limit)

    return Listing("outward", COLUMNS, rows)
