"""Callbacks as a spreadsheet reads them."""

from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.callbacks import service
from api.callbacks.repository import CallbackFilter
from api.kit.listing import Listing
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


def listing(wanted: CallbackFilter, now: datetime) -> Listing:
    """Return the list of the callbacks that match."""

    async def rows(session: AsyncSession, cursor: Cursor | None, limit: int) -> tuple[list[dict[str, Any]], str | None]:
        found, following = await service.page(session, wanted, cursor, limit)
        return service.callbacks_json(found, now), following

    return Listing("callbacks", COLUMNS, rows, _flat)


def _flat(one: dict[str, Any]) -> dict[str, Any]:
    last = one["tries"][-1] if one["tries"] else {"result": None, "agent": None}
    told = {"tries": len(one["tries"]), "last_result": last["result"], "last_agent": last["agent"]}
    return one | told | {"overdue": "yes" if one["overdue"] else "no"}
