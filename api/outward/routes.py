"""/api/v1/outward: calls that agents placed, what came of each, and its sound."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit.settings import Settings
from api.outward import service
from api.outward.repository import OutwardFilter
from api.outward.schemas import OutwardList
from api.recordings import names
from api.recordings.streaming import stream

router = APIRouter(prefix="/api/v1", tags=["outward calls"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_CALLS), scope="function")]
Listener = Annotated[Principal, Depends(Require(Permission.HEAR_RECORDINGS), scope="function")]
Name = Annotated[str | None, Query(max_length=150, pattern=r"^[A-Za-z0-9_.:-]+$")]


@router.get("/outward", response_model=OutwardList, summary="Calls that agents placed, the latest first")
async def list_outward(
    session: Session,
    _principal: Reader,
    agent: Name = None,
    callback_id: Annotated[int | None, Query(ge=1, le=2**62)] = None,
    ticket_id: Name = None,
    call_ref: Name = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 50,
) -> Any:
    """Give the calls that match: of an agent, or about a callback, a ticket, or the call that it is about."""
    wanted = OutwardFilter(agent, callback_id, ticket_id, call_ref)
    return {"items": await service.latest(session, wanted, limit)}


@router.get(
    "/outward/{dial_ref}/audio",
    summary="The sound of a call that an agent placed",
    response_class=Response,
    responses={200: {"content": {"audio/wav": {}}}, 206: {"content": {"audio/wav": {}}}},
)
async def get_outward_audio(
    request: Request,
    dial_ref: str,
    session: Session,
    _principal: Listener,
    track: Annotated[Literal["mixed", "agent", "citizen"], Query()] = "mixed",
    range_header: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Give a track as WAV, whole or the bytes asked for."""
    settings: Settings = request.app.state.settings
    call = await service.find(session, dial_ref.replace("\0", ""))
    name = names.parse(call.recording_id) if call.recording_id else None
    if name is None:
        raise service.OutwardNotFound(f"The call {dial_ref!r} was not recorded: the agent never picked up.")
    return await stream(settings.outward_dir / name.file(track), range_header, if_range)
