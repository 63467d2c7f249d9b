from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.repository import CallFilter, CallRepository
from api.calls.stored import call_of
from telephony.calls.model import Call

# Calls are stored in one transaction per batch, in the order of their changes: what the router knew and had not
# stored when it died began at most this long before the newest stored call.
MARGIN = timedelta(minutes=10)
# The manager port tells of a call's beginning a little later than Asterisk's record.
BEFORE = timedelta(seconds=1)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
MOST = 100_000


async def known_calls(
    session: AsyncSession, node: str = "main", touched: Sequence[str] = ()
) -> tuple[datetime, list[Call]]:
    """Return a moment before which nothing was missed of a node, and its stored calls since.

    With them come those still in progress, and those of `touched` (the calls that a spool tells of, perhaps only in
    part: the moment is then before their beginning). An empty database has missed everything since the beginning of
    Asterisk's records.
    """
    repository = CallRepository(session)
    newest = await repository.page(CallFilter(node=node), None, 1)
    since = newest[0].offered_at - MARGIN if newest else BEGINNING
    told = await repository.by_refs(list(touched)) if touched else []
    since = min([since, *(row.offered_at - BEFORE for row in told)])
    rows = {row.call_ref: row for row in await repository.page(CallFilter(node=node, since=since), None, MOST)}
    rows |= {row.call_ref: row for row in await repository.in_progress() if row.node == node}
    return since, [call_of(row) for row in rows.values()]
