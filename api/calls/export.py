"""Calls as a spreadsheet reads them."""

from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

from fastapi.responses import StreamingResponse

from api.calls import service
from api.calls.repository import CallFilter
from api.kit.database import Database
from api.kit.pagination import Cursor
from api.kit.sheet import BOM, cell
from api.kit.sheet import lines as sheet_lines

__all__ = ["BOM", "COLUMNS", "cell", "download", "lines"]

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
_BATCH = 500


def lines(rows: Iterable[Mapping[str, Any]], *, header: bool) -> str:
    """Return calls as CSV (RFC 4180), with the line of column names first where wanted."""
    return sheet_lines(COLUMNS, rows, header=header)


def download(database: Database, wanted: CallFilter) -> StreamingResponse:
    """Answer with all calls that match, as a file of a spreadsheet."""
    return StreamingResponse(
        _pages(database, wanted),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="calls.csv"', "Cache-Control": "no-store"},
    )


async def _pages(database: Database, wanted: CallFilter) -> AsyncIterator[str]:
    cursor: Cursor | None = None
    header = True
    while header or cursor is not None:
        # A page is a transaction: a year's export holds none open.
        async with database.session() as session:
            calls, following = await service.page(session, wanted, cursor, _BATCH)
            rows = await service.calls_json(session, calls)
        yield lines(rows, header=header)
        header = False
        cursor = Cursor.decode(following) if following else None
