"""GET /api/v1/calls and what hangs on a call."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.calls import export, service
from api.calls.repository import CallFilter
from api.calls.schemas import CallOut, CallPage, Outcome
from api.kit import sheet
from api.kit.listing import AskedList
from api.kit.problems import NotFound
from api.transcripts import service as transcripts
from api.transcripts.schemas import TranscriptOut

router = APIRouter(prefix="/api/v1", tags=["calls"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_CALLS), scope="function")]


class CallNotFound(NotFound):
    """No call has this reference."""

    error_id = "call_not_found"


def _wanted(
    since: Annotated[AwareDatetime | None, Query(alias="from", description="offered at or after")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="offered before")] = None,
    outcome: Annotated[list[Outcome] | None, Query()] = None,
    agent: Annotated[str | None, Query(max_length=80)] = None,
    caller: Annotated[str | None, Query(max_length=80)] = None,
    queue: Annotated[str | None, Query(max_length=80)] = None,
) -> CallFilter:
    return CallFilter(since, until, tuple(outcome or ()), agent, caller, queue=queue)


@router.get(
    "/calls",
    response_model=CallPage,
    summary="Calls, latest first",
    responses=sheet.RESPONSES,
)
async def list_calls(asked: AskedList, _principal: Reader, wanted: Annotated[CallFilter, Depends(_wanted)]) -> Any:
    """Give the calls that match, a page at a time; with `format=csv` or `xlsx` all of them as a spreadsheet."""
    return await asked.answer(export.listing(wanted))


@router.get("/calls/{call_ref}", response_model=CallOut, summary="One call")
async def get_call(call_ref: str, session: Session, _principal: Reader) -> Any:
    """Give one call with its segments."""
    call = await service.find(session, call_ref)
    if call is None:
        raise CallNotFound(f"There is no call {call_ref!r}.")
    return (await service.calls_json(session, [call]))[0]


@router.get("/calls/{call_ref}/transcript", response_model=TranscriptOut, summary="What was said")
async def get_transcript(call_ref: str, session: Session, _principal: Reader) -> Any:
    """Give all that was heard in a call; `state` is the call's `transcript_state`."""
    call = await service.find(session, call_ref)
    if call is None:
        raise CallNotFound(f"There is no call {call_ref!r}.")
    transcript = await transcripts.call_transcript(session, call.call_ref)
    whole = (await service.calls_json(session, [call]))[0]
    return {**transcript.to_json(), "state": whole["transcript_state"]}
