from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.repository import CallFilter, CallRepository
from api.calls.stored import call_of
from telephony.calls.model import Call

# Calls are stored in one transaction per batch, in the order of their changes: what the router knew and had not
# stored when it died began at most this long before the newest stored call.
MARGIN = timedelta(minutes=10)
BEGINNING = datetime(2000, 1, 1, tzinfo=UTC)
MOST = 100_000


async def known_calls(session: AsyncSession) -> tuple[datetime, list[Call]]:
    """Return a moment before which nothing was missed, and the stored calls since, with those still in progress.

    An empty database has missed everything since the beginning of Asterisk's records.
    """
    repository = CallRepository(session)
    newest = await repository.page(CallFilter(), None, 1)
    since = newest[0].offered_at - MARGIN if newest else BEGINNING
    rows = {row.call_ref: row for row in await repository.page(CallFilter(since=since), None, MOST)}
    rows |= {row.call_ref: row for row in await repository.in_progress()}
    return since, [call_of(row) for row in rows.values()]
