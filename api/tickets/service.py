"""What the rest of the program does with tickets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.base import storable
from api.kit.changes import ChangeRepository
from api.kit.pagination import Cursor, cut
from api.tickets.fields import linked, merged
from api.tickets.models import TicketRow
from api.tickets.repository import TicketRepository
from api.transcripts import service as transcripts


async def store_draft(
    session: AsyncSession,
    call_ref: str,
    fields: Mapping[str, Any],
    *,
    reason: str | None,
    now: datetime,
    timezone: str,
) -> str:
    """Store what a call's transcript suggests as its draft ticket; returns the ticket's number.

    Idempotent: a call has one ticket, the same draft again changes nothing, and a field that a human decided keeps
    its value and learns what the machine suggests now. `reason` says why the machine could not fill it in; the draft
    is then a task for a human.
    """
    repository = TicketRepository(session)
    ticket = await repository.lock_by_call(call_ref)
    if ticket is None:
        # The day is the city's: clerks sort and name their work by it.
        day = now.astimezone(ZoneInfo(timezone)).strftime("%Y%m%d")
        ticket_id = f"{day}{await repository.next_number():06d}"
        await repository.insert(
            ticket_id=ticket_id,
            call_ref=call_ref,
            state="draft",
            fields=dict(fields),
            reason=reason,
            created_at=now,
            changed_at=now,
        )
    else:
        ticket_id = ticket.ticket_id
        redrafted = merged(ticket.fields, fields)
        if any(field.get("confirmed") for field in redrafted.values()):
            heard = (await transcripts.call_transcript(session, call_ref)).utterances
            redrafted = {name: linked(field, heard) for name, field in redrafted.items()}
        if redrafted == ticket.fields and reason == ticket.reason:
            return ticket_id
        ticket.fields = redrafted
        ticket.reason = reason
        ticket.version += 1
        ticket.changed_at = now
    await ChangeRepository(session).publish("ticket", [call_ref])
    return ticket_id


async def find(session: AsyncSession, ticket_id: str) -> TicketRow | None:
    """Return a ticket, None where there is none."""
    return await TicketRepository(session).get(storable(ticket_id))


async def find_by_call(session: AsyncSession, call_ref: str) -> TicketRow | None:
    """Return a call's ticket, None where there is none."""
    return await TicketRepository(session).by_call(storable(call_ref))


async def find_by_calls(session: AsyncSession, call_refs: Sequence[str]) -> dict[str, TicketRow]:
    """Return the calls' tickets by call."""
    return await TicketRepository(session).by_calls(call_refs)


async def page(
    session: AsyncSession, since: datetime | None, until: datetime | None, cursor: Cursor | None, limit: int
) -> tuple[list[TicketRow], str | None]:
    """Return tickets, latest first, and the cursor of the next page."""
    rows = await TicketRepository(session).page(since, until, cursor, limit + 1)
    return cut(rows, limit, lambda ticket: Cursor(ticket.created_at, ticket.ticket_id))


def ticket_json(ticket: TicketRow) -> dict[str, Any]:
    """Return a ticket in the shape that others rely on."""
    return {
        "ticket_id": ticket.ticket_id,
        "call_ref": ticket.call_ref,
        "state": ticket.state,
        "fields": ticket.fields,
        "reason": ticket.reason,
        "version": ticket.version,
        "created_at": ticket.created_at.isoformat(timespec="microseconds"),
        "changed_at": ticket.changed_at.isoformat(timespec="microseconds"),
    }
