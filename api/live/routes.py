"""GET /api/v1/calls/{call_ref}/live: words while they are spoken."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.calls import service as calls
from api.calls.routes import CallNotFound
from api.live.partials import Partials

router = APIRouter(prefix="/api/v1", tags=["calls"])
Reader = Annotated[Principal, Depends(Require(Permission.READ_CALLS), scope="function")]
_RECONNECT_MILLISECONDS = 1000


async def _known(call_ref: str, session: Session) -> str:
    if await calls.find(session, call_ref) is None:
        raise CallNotFound(f"There is no call {call_ref!r}.")
    return call_ref


@router.get("/calls/{call_ref}/live", response_class=EventSourceResponse, summary="Words while they are spoken (SSE)")
async def watch_live(
    request: Request, _principal: Reader, call_ref: Annotated[str, Depends(_known, scope="function")]
) -> AsyncIterator[ServerSentEvent]:
    """Send `partial` for words that are not final yet: `{call_ref, recording_id, speaker, start, text}`.

    Each replaces the speaker's one before. An empty `text` takes back words that began before `start`: they are in the
    transcript now. What is stored is told by `/stream`.
    """
    partials: Partials = request.app.state.partials
    yield ServerSentEvent(comment="connected", retry=_RECONNECT_MILLISECONDS)
    async for message in partials.watch(call_ref):
        yield ServerSentEvent(event="partial", data=message.to_json())
