"""GET /api/v1/tickets."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit.pagination import Cursor
from api.kit.problems import NotFound
from api.tickets import service
from api.tickets.schemas import TicketOut, TicketPage

router = APIRouter(prefix="/api/v1", tags=["tickets"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_TICKETS), scope="function")]


class TicketNotFound(NotFound):
    """No ticket has this number."""

    error_id = "ticket_not_found"


@router.get("/tickets", response_model=TicketPage, summary="Tickets, latest first")
async def list_tickets(
    session: Session,
    _principal: Reader,
    since: Annotated[AwareDatetime | None, Query(alias="from", description="made at or after")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="made before")] = None,
    cursor: Annotated[str | None, Query(max_length=600)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Any:
    """Give tickets a page at a time."""
    found, next_cursor = await service.page(session, since, until, Cursor.decode(cursor) if cursor else None, limit)
    return {"items": [service.ticket_json(ticket) for ticket in found], "next_cursor": next_cursor}


@router.get("/tickets/{ticket_id}", response_model=TicketOut, summary="One ticket")
async def get_ticket(ticket_id: str, session: Session, _principal: Reader) -> Any:
    """Give one ticket with the evidence of each field."""
    ticket = await service.find(session, ticket_id)
    if ticket is None:
        raise TicketNotFound(f"There is no ticket {ticket_id!r}.")
    return service.ticket_json(ticket)
