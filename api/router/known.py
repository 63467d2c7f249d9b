from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.models import CallRow
from api.calls.repository import CallFilter, CallRepository
from telephony.calls.model import Call, Offer, Segment, Wait

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


def call_of(row: CallRow) -> Call:
    """Return a stored call as telephony sees it."""
    return Call(
        call_ref=row.call_ref,
        caller=row.caller,
        queue=row.queue,
        outcome=row.outcome,  # type: ignore[arg-type] # the column's check constraint names the same words
        via=row.via,  # type: ignore[arg-type]
        offered_at=row.offered_at,
        answered_at=row.answered_at,
        ended_at=row.ended_at,
        wait_seconds=row.wait_seconds,
        talk_seconds=row.talk_seconds,
        agent=row.agent,
        sip_call_id=row.sip_call_id,
        node=row.node,
        dialled=row.dialled,
        hold_seconds=row.hold_seconds,
        hung_up_by=row.hung_up_by,  # type: ignore[arg-type]
        segments=tuple(
            Segment(
                segment.agent,
                segment.started_at,
                segment.ended_at,
                segment.talk_seconds,
                recording_id=segment.recording_id,
                began=segment.began,  # type: ignore[arg-type]
                hold_seconds=segment.hold_seconds,
            )
            for segment in row.segments
        ),
        waits=tuple(
            Wait(wait.queue, wait.joined_at, wait.left_at, wait.ended)  # type: ignore[arg-type]
            for wait in row.waits
        ),
        offers=tuple(
            Offer(offer.agent, offer.rang_at, offer.ended_at, offer.result)  # type: ignore[arg-type]
            for offer in row.offers
        ),
    )
