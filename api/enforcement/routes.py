"""GET /api/v1/enforcement: what was done about promises that were not kept."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.enforcement import service
from api.enforcement.policy import Act
from api.enforcement.repository import ActFilter
from api.enforcement.schemas import ActOut, ActPage
from api.kit import sheet
from api.kit.listing import AskedList

router = APIRouter(prefix="/api/v1", tags=["enforcement"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_ENFORCEMENT), scope="function")]
Watcher = Annotated[Principal, Depends(Require(Permission.READ_CALLS), scope="function")]


def _wanted(
    since: Annotated[AwareDatetime | None, Query(alias="from", description="done at or after")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="done before")] = None,
    desk: Annotated[str | None, Query(max_length=80)] = None,
    act: Act | None = None,
    in_force: bool | None = None,
) -> ActFilter:
    return ActFilter(since, until, None if desk is None else desk.replace("\0", ""), act, in_force)


@router.get(
    "/enforcement",
    response_model=ActPage,
    summary="Acts of enforcement, latest first",
    responses=sheet.RESPONSES,
)
async def list_acts(asked: AskedList, _principal: Reader, wanted: Annotated[ActFilter, Depends(_wanted)]) -> Any:
    """Give the acts that match: the figure that asked for each, what was ordered, what it achieved, when it ended."""
    return await asked.answer(service.listing(wanted))


@router.get("/enforcement/in-force", response_model=list[ActOut], summary="What is in force now")
async def list_in_force(session: Session, _principal: Watcher) -> Any:
    """Give the acts that are not undone, for walls and desks: warnings, breaks to end, reserves that were called."""
    return [service.act_json(act) for act in await service.in_force(session)]
