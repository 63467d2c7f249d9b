"""/api/v1/outward: calls that agents placed, what came of each, and its sound."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response
from pydantic import AwareDatetime

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit import sheet
from api.kit.listing import AskedList
from api.kit.settings import Settings
from api.outward import export, service
from api.outward.repository import OutwardFilter
from api.outward.schemas import OutwardPage
from api.recordings import names
from api.recordings.streaming import stream
from telephony.calls.outward import Ending

router = APIRouter(prefix="/api/v1", tags=["outward calls"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_CALLS), scope="function")]
Listener = Annotated[Principal, Depends(Require(Permission.HEAR_RECORDINGS), scope="function")]
Name = Annotated[str | None, Query(max_length=150, pattern=r"^[A-Za-z0-9_.:-]+$")]
Number = Annotated[int | None, Query(ge=1, le=2**62)]


def _wanted(
    since: Annotated[AwareDatetime | None, Query(alias="from", description="ordered at or after")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="ordered before")] = None,
    result: Annotated[list[Ending | Literal["going_on"]] | None, Query()] = None,
    agent: Name = None,
    number: Annotated[str | None, Query(max_length=80, description="a part of the number")] = None,
    command_id: Number = None,
    callback_id: Number = None,
    ticket_id: Name = None,
    call_ref: Name = None,
) -> OutwardFilter:
    part = number.replace("\0", "") if number else None
    return OutwardFilter(since, until, tuple(result or ()), agent, part, command_id, callback_id, ticket_id, call_ref)


@router.get(
    "/outward", response_model=OutwardPage, summary="Calls that agents placed, latest first", responses=sheet.RESPONSES
)
async def list_outward(asked: AskedList, _principal: Reader, wanted: Annotated[OutwardFilter, Depends(_wanted)]) -> Any:
    """Give the calls that match: of an agent, of an order, or about a callback, a ticket or a citizen's call.

    With `format=csv` or `xlsx` all of them as a spreadsheet.
    """
    return await asked.answer(export.listing(wanted))


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
