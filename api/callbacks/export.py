"""Callbacks as a spreadsheet reads them."""

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any

from api.callbacks import service
from api.callbacks.repository import CallbackFilter
from api.kit import sheet
from api.kit.database import Database
from api.kit.pagination import Cursor

COLUMNS = (
    "callback_id",
    "caller",
    "desk",
    "state",
    "reason",
    "abandoned_at",
    "due_at",
    "overdue",
    "tries",
    "tries_allowed",
    "last_result",
    "last_agent",
    "closed_at",
    "call_ref",
    "closed_by_call",
)
_BATCH = 500


async def sheet_of(database: Database, wanted: CallbackFilter, now: datetime) -> AsyncIterator[str]:
    """Give all callbacks that match as the pieces of a spreadsheet; a piece is a transaction."""
    cursor: Cursor | None = None
    header = True
    while header or cursor is not None:
        async with database.session() as session:
            found, following = await service.page(session, wanted, cursor, _BATCH)
        yield sheet.lines(COLUMNS, (_flat(service.callback_json(one, now)) for one in found), header=header)
        header = False
        cursor = Cursor.decode(following) if following else None


def _flat(one: dict[str, Any]) -> dict[str, Any]:
    last = one["tries"][-1] if one["tries"] else {"result": None, "agent": None}
    told = {"tries": len(one["tries"]), "last_result": last["result"], "last_agent": last["agent"]}
    return one | told | {"overdue": "yes" if one["overdue"] else "no"}
