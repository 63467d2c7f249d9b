"""GET /api/v1/enforcement: what was done about promises that were not kept."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.enforcement import service
from api.enforcement.policy import Act
from api.enforcement.repository import ActFilter
from api.enforcement.schemas import ActOut, ActPage
from api.kit import sheet
from api.kit.pagination import Cursor
from api.kit.problems import Forbidden

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
    responses={200: {"content": {"text/csv": {}}}},
)
async def list_acts(
    request: Request,
    session: Session,
    principal: Reader,
    wanted: Annotated[ActFilter, Depends(_wanted)],
    cursor: Annotated[str | None, Query(max_length=600)] = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
    form: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> Any:
    """Give the acts that match: the figure that asked for each, what was ordered, what it achieved, when it ended."""
    if form == "csv":
        if not principal.may(Permission.EXPORT):
            raise Forbidden(f"The role {principal.role!r} may not take lists away.")
        return sheet.download("enforcement", service.sheet_of(request.app.state.database, wanted))
    acts, next_cursor = await service.page(session, wanted, Cursor.decode(cursor) if cursor else None, limit)
    return {"items": [service.act_json(act) for act in acts], "next_cursor": next_cursor}


@router.get("/enforcement/in-force", response_model=list[ActOut], summary="What is in force now")
async def list_in_force(session: Session, _principal: Watcher) -> Any:
    """Give the acts that are not undone, for walls and desks: warnings, breaks to end, reserves that were called."""
    return [service.act_json(act) for act in await service.in_force(session)]
