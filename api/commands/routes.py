"""The orders of the day: who ordered what, and what became of it; and orders that concern no agent's phone."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.commands import service
from api.kit.database import Database

router = APIRouter(prefix="/api/v1", tags=["agents"])
Director = Annotated[Principal, Depends(Require(Permission.DIRECT_AGENTS), scope="function")]


class CommandOut(BaseModel):
    """One order."""

    model_config = ConfigDict(from_attributes=True)
    command_id: int
    verb: str
    arguments: dict[str, Any]
    about: dict[str, Any]
    node: str
    ordered_by: str
    ordered_at: AwareDatetime
    state: str
    finished_at: AwareDatetime | None
    result: dict[str, Any] | None
    error_id: str | None
    error: str | None


class CommandList(BaseModel):
    """Orders, the latest first."""

    items: list[CommandOut]


class CommandIn(BaseModel):
    """An order by its verb: raise_priority, advise, forget, or any that /agents knows."""

    model_config = ConfigDict(extra="forbid")
    verb: str
    arguments: dict[str, str | int | None]
    node: str | None = None


@router.get("/commands", response_model=CommandList, summary="Who ordered what")
async def list_commands(
    session: Session, _principal: Director, limit: Annotated[int, Query(ge=1, le=500)] = 100
) -> Any:
    """Give the latest orders, from people and from this program's own rules."""
    return {"items": await service.latest(session, limit)}


@router.post("/commands", summary="Order something of a router", responses={409: {}, 503: {}})
async def give_command(request: Request, body: CommandIn, principal: Director) -> dict[str, Any]:
    """Carry out an order, and answer when it is done."""
    database: Database = request.app.state.database
    async with database.session() as own:
        number = await service.order(own, body.verb, body.arguments, node=body.node, ordered_by=principal.name)
    return await service.carried_out(database, number)
