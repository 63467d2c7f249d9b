"""/api/v1/outward: calls that agents placed, what came of each, and what was said."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit import sheet
from api.kit.listing import AskedList
from api.outward import export, service
from api.outward.repository import OutwardFilter
from api.outward.schemas import OutwardPage
from api.recordings import service as recordings
from api.transcripts import service as transcripts
from api.transcripts.schemas import TranscriptOut
from telephony.calls.outward import Ending

router = APIRouter(prefix="/api/v1", tags=["outward calls"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_CALLS), scope="function")]
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


@router.get("/outward/{dial_ref}/transcript", response_model=TranscriptOut, summary="What was said")
async def get_outward_transcript(dial_ref: str, session: Session, _principal: Reader) -> Any:
    """Give all that was heard in a call that an agent placed; `call_ref` is its `dial_ref`."""
    call = await service.find(session, dial_ref.replace("\0", ""))
    transcript = await transcripts.call_transcript(session, call.dial_ref)
    found = await recordings.of_call(session, call.dial_ref)
    return {**transcript.to_json(), "state": service.transcript_state(call, found)}
