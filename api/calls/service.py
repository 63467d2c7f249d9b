"""What the rest of the program does with calls."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.models import CallRow, OfferRow, SegmentRow, WaitRow
from api.calls.repository import CallFilter, CallRepository, PartRow
from api.kit.base import storable
from api.kit.changes import ChangeRepository
from api.kit.pagination import Cursor, cut
from api.live.repository import ClaimRepository
from api.recordings import service as recordings
from api.recordings.models import RecordingRow
from api.tickets.repository import TicketRepository
from telephony.calls.model import Call, Offer, Segment, Wait

# PostgreSQL takes 65,535 parameters a statement; a call has 17.
_BATCH = 1000


async def store_calls(session: AsyncSession, calls: Sequence[Call]) -> set[str]:
    """Store calls as the reducer sees them now; returns the references of those that became different.

    Idempotent: the same calls again change nothing and wake nobody. Of a call given twice, the last counts. A call
    that has ended is not reopened.
    """
    latest = {storable(call.call_ref): call for call in calls}
    # One order for everybody, so that two writers never wait for each other in a circle.
    ordered = sorted(latest.items())
    changed: set[str] = set()
    for start in range(0, len(ordered), _BATCH):
        changed |= await _store_batch(session, dict(ordered[start : start + _BATCH]))
    await ChangeRepository(session).publish("call", sorted(changed))
    return changed


async def _store_batch(session: AsyncSession, calls: dict[str, Call]) -> set[str]:
    repository = CallRepository(session)
    running = {ref for ref, call in calls.items() if call.ended_at is None}
    # Its parts stay closed as well.
    stale = await repository.ended(running) if running else set()
    fresh = {ref: call for ref, call in calls.items() if ref not in stale}
    changed = await repository.upsert([_call_values(ref, call) for ref, call in fresh.items()])
    parts: dict[type[PartRow], dict[str, list[dict[str, Any]]]] = {
        SegmentRow: {ref: [_segment_values(part) for part in call.segments] for ref, call in fresh.items()},
        WaitRow: {ref: [_wait_values(part) for part in call.waits] for ref, call in fresh.items()},
        OfferRow: {ref: [_offer_values(part) for part in call.offers] for ref, call in fresh.items()},
    }
    for kind, of_calls in parts.items():
        rows = [
            {"call_ref": ref, "ordinal": ordinal, **values}
            for ref, of_call in of_calls.items()
            for ordinal, values in enumerate(of_call)
        ]
        changed |= await repository.upsert_parts(kind, rows)
        changed |= await repository.drop_parts_from(kind, {ref: len(of_call) for ref, of_call in of_calls.items()})
    return changed


def _segment_values(segment: Segment) -> dict[str, Any]:
    return {
        "agent": storable(segment.agent),
        "started_at": segment.started_at,
        "ended_at": segment.ended_at,
        "talk_seconds": segment.talk_seconds,
        "recording_id": storable(segment.recording_id) if segment.recording_id else None,
        "began": segment.began,
        "hold_seconds": segment.hold_seconds,
    }


def _wait_values(wait: Wait) -> dict[str, Any]:
    return {"queue": storable(wait.queue), "joined_at": wait.joined_at, "left_at": wait.left_at, "ended": wait.ended}


def _offer_values(offer: Offer) -> dict[str, Any]:
    return {
        "agent": storable(offer.agent),
        "rang_at": offer.rang_at,
        "ended_at": offer.ended_at,
        "result": offer.result,
    }


def _call_values(call_ref: str, call: Call) -> dict[str, Any]:
    return {
        "call_ref": call_ref,
        "caller": storable(call.caller) if call.caller else None,
        "queue": storable(call.queue) if call.queue else None,
        "outcome": call.outcome,
        "via": call.via,
        "sip_call_id": storable(call.sip_call_id) if call.sip_call_id else None,
        "offered_at": call.offered_at,
        "answered_at": call.answered_at,
        "ended_at": call.ended_at,
        "wait_seconds": call.wait_seconds,
        "talk_seconds": call.talk_seconds,
        "agent": storable(call.agent) if call.agent else None,
        "node": storable(call.node),
        "dialled": storable(call.dialled) if call.dialled else None,
        "hold_seconds": call.hold_seconds,
        "hung_up_by": call.hung_up_by,
    }


async def in_progress(session: AsyncSession) -> list[CallRow]:
    """Return the stored calls that have not ended, with their parts."""
    return await CallRepository(session).in_progress()


async def find(session: AsyncSession, call_ref: str) -> CallRow | None:
    """Return a call with its parts, None where there is none."""
    return await CallRepository(session).get(storable(call_ref))


async def by_refs(session: AsyncSession, call_refs: Sequence[str]) -> list[CallRow]:
    """Return those of the calls that are stored, latest first."""
    return await CallRepository(session).by_refs(call_refs)


async def find_by_sip_call_id(session: AsyncSession, sip_call_id: str) -> CallRow | None:
    """Return the call that began with this SIP dialogue, None where there is none."""
    return await CallRepository(session).by_sip_call_id(storable(sip_call_id))


async def page(
    session: AsyncSession, wanted: CallFilter, cursor: Cursor | None, limit: int
) -> tuple[list[CallRow], str | None]:
    """Return calls, latest first, and the cursor of the next page."""
    rows = await CallRepository(session).page(wanted, cursor, limit + 1)
    return cut(rows, limit, lambda call: Cursor(call.offered_at, call.call_ref))


async def calls_json(session: AsyncSession, calls: Sequence[CallRow]) -> list[dict[str, Any]]:
    """Return calls in the shape that others rely on, with what became of their recordings and tickets."""
    refs = [call.call_ref for call in calls]
    found = await recordings.of_calls(session, refs)
    tickets = await TicketRepository(session).ids_by_calls(refs)
    live = await ClaimRepository(session).states(refs)
    return [call_json(call, found.get(call.call_ref, []), tickets.get(call.call_ref), live) for call in calls]


def call_json(
    call: CallRow, found: Sequence[RecordingRow], ticket_id: str | None, live: Mapping[str, str]
) -> dict[str, Any]:
    """Return one call in the shape that others rely on; times are ISO 8601 with zone, seconds are floats."""
    states = {recording.recording_id: recording.state for recording in found}
    expected = {segment.recording_id for segment in call.segments if segment.recording_id}
    return {
        "call_ref": call.call_ref,
        "caller": call.caller,
        "queue": call.queue,
        "outcome": call.outcome,
        "via": call.via,
        "offered_at": _iso(call.offered_at),
        "answered_at": _iso(call.answered_at),
        "ended_at": _iso(call.ended_at),
        "wait_seconds": call.wait_seconds,
        "talk_seconds": call.talk_seconds,
        "agent": call.agent,
        "node": call.node,
        "dialled": call.dialled,
        "hold_seconds": call.hold_seconds,
        "hung_up_by": call.hung_up_by,
        "waits": [_wait_json(wait) for wait in call.waits],
        "offers": [_offer_json(offer) for offer in call.offers],
        "segments": [_segment_json(segment, states) for segment in call.segments],
        "transcript_state": recordings.transcript_state(expected, found, live),
        "ticket_id": ticket_id,
    }


def _segment_json(segment: SegmentRow, states: dict[str, str]) -> dict[str, Any]:
    recording_id = segment.recording_id
    return {
        "agent": segment.agent,
        "started_at": _iso(segment.started_at),
        "ended_at": _iso(segment.ended_at),
        "talk_seconds": segment.talk_seconds,
        "began": segment.began,
        "hold_seconds": segment.hold_seconds,
        "recording_id": recording_id,
        # Named by Asterisk, not yet seen by a worker: it is being written.
        "recording_state": states.get(recording_id, "recording") if recording_id else None,
    }


def _wait_json(wait: WaitRow) -> dict[str, Any]:
    return {
        "queue": wait.queue,
        "joined_at": _iso(wait.joined_at),
        "left_at": _iso(wait.left_at),
        "ended": wait.ended,
    }


def _offer_json(offer: OfferRow) -> dict[str, Any]:
    return {
        "agent": offer.agent,
        "rang_at": _iso(offer.rang_at),
        "ended_at": _iso(offer.ended_at),
        "result": offer.result,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") if moment else None
