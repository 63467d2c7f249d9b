"""/api/v1/callbacks: who gave up waiting, and calling them back."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query
from pydantic import AwareDatetime

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.callbacks import export, service
from api.callbacks.owed import State
from api.callbacks.repository import CallbackFilter
from api.callbacks.schemas import CallbackOut, CallbackPage, DialIn, ResultIn
from api.kit import clock, sheet
from api.kit.listing import AskedList

router = APIRouter(prefix="/api/v1", tags=["callbacks"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_CALLS), scope="function")]
Caller = Annotated[Principal, Depends(Require(Permission.PLACE_CALLBACKS), scope="function")]
Number = Annotated[int, Path(ge=1, le=2**62)]


def _wanted(
    since: Annotated[AwareDatetime | None, Query(alias="from", description="abandoned at or after")] = None,
    until: Annotated[AwareDatetime | None, Query(alias="to", description="abandoned before")] = None,
    state: Annotated[list[State] | None, Query()] = None,
    desk: Annotated[str | None, Query(max_length=80)] = None,
    caller: Annotated[str | None, Query(max_length=80, description="a part of the number")] = None,
    overdue: bool = False,
) -> CallbackFilter:
    part = caller.replace("\0", "") if caller else None
    at = clock.now() if overdue else None
    return CallbackFilter(since, until, tuple(state or ()), desk.replace("\0", "") if desk else None, part, at)


@router.get(
    "/callbacks",
    response_model=CallbackPage,
    summary="Callbacks, the most urgent first",
    responses=sheet.RESPONSES,
)
async def list_callbacks(
    asked: AskedList, _principal: Reader, wanted: Annotated[CallbackFilter, Depends(_wanted)]
) -> Any:
    """Give the callbacks that match, by due time; with `format=csv` or `xlsx` all of them as a spreadsheet."""
    return await asked.answer(export.listing(wanted, clock.now()))


@router.get("/callbacks/{callback_id}", response_model=CallbackOut, summary="One callback")
async def get_callback(callback_id: Number, session: Session, _principal: Reader) -> Any:
    """Give one callback with its tries."""
    return service.callback_json(await service.find(session, callback_id), clock.now())


@router.post(
    "/callbacks/{callback_id}/dial",
    response_model=CallbackOut,
    summary="Call back: the agent's phone rings first",
    responses={404: {}, 409: {"description": "Closed, being dialled, or tried a short while ago"}},
)
async def dial_callback(callback_id: Number, body: DialIn, session: Session, principal: Caller) -> Any:
    """Begin a try."""
    now = clock.now()
    return service.callback_json(await service.dial(session, callback_id, body.agent, principal.name, now), now)


@router.post(
    "/callbacks/{callback_id}/tries/{ordinal}/result",
    response_model=CallbackOut,
    summary="Overrule what came of the last try",
    responses={404: {}, 409: {"description": "A try before the last one, or a callback that no try decides about"}},
)
async def overrule_result(
    callback_id: Number,
    ordinal: Annotated[int, Path(ge=0, le=1000)],
    body: ResultIn,
    session: Session,
    principal: Caller,
) -> Any:
    """Store what a person heard, with the reason, in place of what the call itself told."""
    now = clock.now()
    told = await service.overrule(session, callback_id, ordinal, body.result, body.reason, now, by=principal.name)
    return service.callback_json(told, now)
