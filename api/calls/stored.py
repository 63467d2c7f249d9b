from api.calls.models import CallRow
from telephony.calls.model import Call, Offer, Segment, Wait


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
