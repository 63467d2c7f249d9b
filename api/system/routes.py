"""Whether the system lives, what it counts, and what changes in it."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import JSONResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent
from prometheus_client import CONTENT_TYPE_LATEST
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.calls import service as calls
from api.kit import clock, migrate
from api.kit.changes import Change, Position
from api.kit.database import Database
from api.kit.feed import Feed
from api.kit.metrics import Metrics
from api.live.repository import ClaimRepository
from api.reconciliations.repository import ReconciliationRepository
from api.recordings.repository import RecordingRepository
from api.system.repository import FigureRepository
from api.tickets.repository import TicketRepository

router = APIRouter(tags=["system"])
Watcher = Annotated[Principal, Depends(Require(Permission.READ_CALLS), scope="function")]
Scraper = Annotated[Principal, Depends(Require(Permission.READ_METRICS), scope="function")]
_RECONNECT_MILLISECONDS = 1000


@router.get("/healthz", summary="This process lives")
async def healthz() -> dict[str, str]:
    """Answer as long as this process can; says nothing about other parts."""
    return {"status": "ok"}


@router.get("/readyz", summary="This process can do its work", responses={503: {}})
async def readyz(request: Request) -> JSONResponse:
    """Answer 200 when the database answers in the shape this program knows and changes arrive, else 503."""
    parts = await _parts(request.app.state.database, request.app.state.feed)
    ready = all(state == "ok" for state in parts.values())
    return JSONResponse(
        {"ready": ready, "parts": parts}, status_code=HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    )


async def _parts(database: Database, feed: Feed) -> dict[str, str]:
    try:
        async with database.engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            revision = await migrate.revision(connection)
    except (DBAPIError, OSError):
        return {"database": "does not answer", "migrations": "unknown", "changes": "unknown"}
    head = migrate.head()
    return {
        "database": "ok",
        "migrations": "ok" if revision == head else f"the database is at {revision}, this program needs {head}",
        "changes": "ok" if feed.listening else "not listening yet",
    }


@router.get("/metrics", summary="Figures for Prometheus", response_class=Response)
async def get_metrics(request: Request, session: Session, _principal: Scraper) -> Response:
    """Give this process's request times and the database's counts."""
    midnight, _end = clock.day_bounds(clock.now(), request.app.state.settings.timezone)
    figures = FigureRepository(session)
    counts = {
        "calls_today": await figures.calls_by_outcome(midnight),
        "recordings": await RecordingRepository(session).count_by_state(),
        "tickets": await TicketRepository(session).count_by_state(),
        "jobs": await figures.jobs_by_status(),
    }
    metrics: Metrics = request.app.state.metrics
    live = await ClaimRepository(session).figures()
    told = {
        "live_calls": live.calls,
        "live_lag_seconds": live.lag_seconds,
        "live_deferred_total": live.deferred_total,
        **await ReconciliationRepository(session).figures(clock.now()),
    }
    return Response(metrics.render(counts, told), media_type=CONTENT_TYPE_LATEST)


@router.get("/api/v1/stream", response_class=EventSourceResponse, summary="Changes, as they happen (SSE)")
async def stream(
    request: Request,
    _principal: Watcher,
    after: Annotated[str | None, Query(max_length=60, description="start after this event's id")] = None,
    last_event_id: Annotated[str | None, Header()] = None,
) -> AsyncIterator[ServerSentEvent]:
    """Send `changed` for every change of a call: its kind and the call as it is now.

    Resume with Last-Event-ID. `reset` means that the place is too far back: load everything anew.
    """
    feed: Feed = request.app.state.feed
    place = last_event_id or after
    yield ServerSentEvent(comment="connected", retry=_RECONNECT_MILLISECONDS)
    async for event in feed.watch(Position.parse(place) if place else None):
        if event.data is None:
            yield ServerSentEvent(event="reset", id=str(event.position), data={})
        else:
            yield ServerSentEvent(event="changed", id=str(event.position), data=event.data)


async def render_changes(session: AsyncSession, changes: list[Change]) -> list[dict[str, Any]]:
    """Return changes as they are sent: each with its call as it is now (null while the call itself is unknown)."""
    refs = list({change.call_ref for change in changes})
    found = await calls.calls_json(session, await calls.by_refs(session, refs))
    by_ref = {call["call_ref"]: call for call in found}
    return [
        {"kind": change.kind, "call_ref": change.call_ref, "call": by_ref.get(change.call_ref)} for change in changes
    ]
