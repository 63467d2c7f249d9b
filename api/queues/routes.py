"""GET /api/v1/queues and the figures of each, with the calls behind them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AwareDatetime

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.calls import export as call_export
from api.calls.schemas import CallPage
from api.kit import clock, sheet
from api.kit.listing import AskedForm, AskedList
from api.kit.settings import Settings
from api.queues import export, service
from api.queues.live import live_figures
from api.queues.period import By, checked
from api.queues.repository import LiveRepository
from api.queues.schemas import LiveOut, QueueList, ReportOut
from api.queues.service import ALL, Part, QueueNotFound
from api.queues.targets import Targets, targets_for

router = APIRouter(prefix="/api/v1/queues", tags=["queues"])
Watcher = Annotated[Principal, Depends(Require(Permission.READ_LIVE), scope="function")]
Reader = Annotated[Principal, Depends(Require(Permission.READ_QUEUES), scope="function")]


@dataclass(frozen=True, slots=True)
class Asked:
    """A queue that there is, None for all of them, with what was promised for it today."""

    name: str
    queue: str | None
    targets: Targets


async def asked(request: Request, name: str, session: Session) -> Asked:
    """Return the queue of the path. Raises QueueNotFound."""
    settings: Settings = request.app.state.settings
    if name != ALL:
        known = await service.known_queues(session, request.app.state.desks)
        if name not in known:
            raise QueueNotFound(
                f"There is no queue {name!r}; there are {', '.join(known)}, and {ALL!r} for all of them."
            )
    today = clock.local_date(clock.now(), settings.timezone)
    desk = settings.queue.name if name == ALL else name
    return Asked(name, None if name == ALL else name, targets_for(request.app.state.service_levels, desk, today))


Queue = Annotated[Asked, Depends(asked, scope="function")]
Since = Annotated[AwareDatetime, Query(alias="from", description="calls offered at or after, with a time zone")]
Until = Annotated[AwareDatetime, Query(alias="to", description="calls offered before, with a time zone")]


@router.get("", response_model=QueueList, summary="Queues, and how they stand")
async def list_queues(request: Request, session: Session, _principal: Watcher) -> Any:
    """Give every queue with who waits and talks there now."""
    now = clock.now()
    return {"items": [await _standing(session, name, now) for name in await _names(request, session)]}


@router.get("/{name}/live", response_model=LiveOut, summary="A queue this moment")  # noqa: FAST003 - `asked` has it
async def get_live(request: Request, session: Session, _principal: Watcher, queue: Queue) -> Any:
    """Give who waits, what agents do, and the figures of the last 15 minutes and of today."""
    timezone = request.app.state.settings.timezone
    return (await live_figures(session, queue.queue, clock.now(), queue.targets.limits, timezone)).to_json()


@router.get(
    "/{name}/metrics",  # noqa: FAST003 - as above
    response_model=ReportOut,
    summary="Every metric of a period",
    responses=sheet.RESPONSES,
)
async def get_metrics(
    request: Request,
    session: Session,
    principal: Reader,
    queue: Queue,
    since: Since,
    until: Until,
    by: Annotated[By | None, Query(description="the parts that the period is divided into")] = None,
    form: AskedForm = "json",
) -> Any:
    """Give each metric with its numerator, its denominator and what was left out, for the whole and for its parts."""
    period = checked(since, until, by)
    limits, timezone = queue.targets.limits, request.app.state.settings.timezone
    found = await service.report(session, queue.queue, period, clock.now(), limits, by=by, timezone=timezone)
    if form != "json":
        principal.must(Permission.EXPORT)
        return await export.download(found, form)
    whole = found.whole.to_json()
    return {
        "queue": queue.name,
        "since": period.since,
        "until": period.until,
        "counts": whole["counts"],
        "metrics": whole["metrics"],
        "rows": [line.to_json() for line in found.parts],
    }


@router.get(
    "/{name}/metrics/{metric}/calls",  # noqa: FAST003 - as above
    response_model=CallPage,
    summary="The calls behind a number",
    responses=sheet.RESPONSES,
)
async def get_calls_behind(
    asked: AskedList,
    _principal: Reader,
    queue: Queue,
    metric: str,
    since: Since,
    until: Until,
    part: Annotated[Part, Query(description="of which part of the figure")] = "denominator",
) -> Any:
    """Give the calls that a figure's numerator or denominator is made of, or that were left out; latest first."""
    wanted = service.behind(queue.queue, checked(since, until), metric, part, queue.targets.limits)
    return await asked.answer(call_export.listing(wanted))


async def _names(request: Request, session: Session) -> list[str]:
    return await service.known_queues(session, request.app.state.desks)


async def _standing(session: Session, name: str, now: datetime) -> dict[str, Any]:
    repository = LiveRepository(session)
    waiting, first = await repository.waiting(name)
    longest = max(0.0, (now - first).total_seconds()) if first else 0.0
    return {
        "name": name,
        "waiting": waiting,
        "longest_wait_seconds": longest,
        "talking": await repository.talking(name),
    }
