"""GET /api/v1/tickets, and what an agent does with a draft."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit.listing import AskedPlace
from api.tickets import corrections, service
from api.tickets.corrections import Seen, TicketNotFound
from api.tickets.schemas import ConfirmIn, CorrectIn, TicketOut, TicketPage

router = APIRouter(prefix="/api/v1", tags=["tickets"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_TICKETS), scope="function")]
Editor = Annotated[Principal, Depends(Require(Permission.EDIT_TICKETS), scope="function")]


@router.get("/tickets", response_model=TicketPage, summary="Tickets, latest first")
async def list_tickets(
    session: Session,
    _principal: Reader,
    place: AskedPlace,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="made at or after")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="made before")] = None,
) -> Any:
    """Give tickets a page at a time."""
    found, next_cursor = await service.page(session, since, until, place.cursor, place.limit)
    return {"items": [service.ticket_json(ticket) for ticket in found], "next_cursor": next_cursor}


@router.get("/tickets/{ticket_id}", response_model=TicketOut, summary="One ticket")
async def get_ticket(ticket_id: str, session: Session, _principal: Reader) -> Any:
    """Give one ticket with the evidence of each field."""
    ticket = await service.find(session, ticket_id)
    if ticket is None:
        raise TicketNotFound(f"There is no ticket {ticket_id!r}.")
    return service.ticket_json(ticket)


@router.post(
    "/tickets/{ticket_id}/correct",
    response_model=TicketOut,
    summary="An agent's value of one field",
    responses={
        400: {"description": "No such field, or no such value"},
        404: {},
        409: {"description": "Decided by others"},
    },
)
async def correct_ticket(request: Request, ticket_id: str, body: CorrectIn, session: Session, principal: Editor) -> Any:
    """Store what the agent says of a field: it is confirmed by that, and the machine leaves it alone from then on.

    With `seen`, 409 `draft_changed` where another person decided the field meanwhile.
    """
    seen = Seen({body.field: body.seen}) if "seen" in body.model_fields_set else None
    taxonomy = request.app.state.taxonomy
    ticket = await corrections.correct(session, principal, taxonomy, ticket_id, body.field, body.value, seen)
    return service.ticket_json(ticket)


@router.post(
    "/tickets/{ticket_id}/confirm",
    response_model=TicketOut,
    summary="All the rest is right as it stands",
    responses={404: {}, 409: {"description": "The draft changed since it was seen"}},
)
async def confirm_ticket(ticket_id: str, session: Session, principal: Editor, body: ConfirmIn | None = None) -> Any:
    """Confirm every field that has a value and that nobody decided yet; empty fields stay open.

    With `seen`, 409 `draft_changed` where the draft says something else now; `fields` names where.
    """
    seen = Seen(body.seen) if body is not None and body.seen is not None else None
    return service.ticket_json(await corrections.confirm(session, principal, ticket_id, seen))
