"""The wall: the hall at a glance, and the lists of calls behind its numbers."""

from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, get_args
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.accounts.access import Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.calls import export
from api.calls import service as calls
from api.calls.repository import CallFilter
from api.console import view, wall
from api.console.pages import render
from api.console.routes import Visitor
from api.kit import clock
from api.kit.feed import Feed
from api.kit.listing import AskedFile
from api.kit.pagination import Cursor
from api.kit.problems import BadRequest, Forbidden
from api.kit.settings import Settings
from api.queues import service
from api.queues.metrics import METRICS
from api.queues.period import Period, checked
from api.queues.routes import Asked, asked
from api.queues.service import ALL, MetricNotFound, Part, behind

router = APIRouter(include_in_schema=False)
_PAGE = 100


async def watcher(principal: Visitor) -> Principal:
    """Return who looks at the wall. Raises SignInNeeded, Forbidden."""
    if not principal.may(Permission.READ_QUEUES):
        raise Forbidden(f"The role {principal.role!r} may not see the hall's figures.")
    return principal


Watcher = Annotated[Principal, Depends(watcher, scope="function")]


async def _asked(
    request: Request, session: Session, _principal: Watcher, queue: Annotated[str, Query(max_length=80)] = ""
) -> Asked:
    settings: Settings = request.app.state.settings
    return await asked(request, queue or settings.queue.name, session)


Queue = Annotated[Asked, Depends(_asked, scope="function")]


@dataclass(frozen=True, slots=True)
class Behind:
    """Which number's list: all of it stands in the page's address."""

    queue: Asked
    metric: str
    part: Part
    period: Period

    def query(self) -> str:
        """Return it as it stands in an address."""
        return urlencode(
            {
                "queue": self.queue.name,
                "metric": self.metric,
                "part": self.part,
                "from": self.period.since.isoformat(),
                "to": self.period.until.isoformat(),
            }
        )


def _behind(
    request: Request,
    queue: Queue,
    since: Annotated[str, Query(alias="from", max_length=40)] = "",
    until: Annotated[str, Query(alias="to", max_length=40)] = "",
    metric: Annotated[str, Query(max_length=40)] = "connected",
    part: Annotated[str, Query(max_length=20)] = "denominator",
) -> Behind:
    settings: Settings = request.app.state.settings
    if metric not in METRICS:
        raise MetricNotFound(f"There is no metric {metric!r}; there are {', '.join(METRICS)}.")
    if part not in get_args(Part):
        raise BadRequest(f"A figure has no part {part!r}; there are {', '.join(get_args(Part))}.")
    now = clock.now()
    start = _moment(since, settings.timezone) if since else clock.day_bounds(now, settings.timezone)[0]
    end = _moment(until, settings.timezone) if until else now
    return Behind(queue, metric, part, checked(start, end))  # type: ignore[arg-type] # checked above


Wanted = Annotated[Behind, Depends(_behind, scope="function")]


@router.get("/wall")
async def get_wall(request: Request, session: Session, principal: Watcher, queue: Queue) -> Response:
    """Show who waits, what agents do, and the figures of today and of the last 15 minutes."""
    feed: Feed = request.app.state.feed
    # Before the first read: what changes from here on is pushed, so nothing falls between.
    position = await feed.position()
    return await _page(request, session, "wall.html", queue, principal=principal, position=str(position))


@router.get("/wall/board")
async def get_board(request: Request, session: Session, _principal: Watcher, queue: Queue) -> Response:
    """Give the part of the wall that changes."""
    return await _page(request, session, "wall_board.html", queue)


@router.get("/wall/calls")
async def get_calls(request: Request, session: Session, principal: Watcher, wanted: Wanted) -> Response:
    """Show the calls behind a number, with the number itself."""
    settings: Settings = request.app.state.settings
    zone = ZoneInfo(settings.timezone)
    report = await service.report(
        session,
        wanted.queue.queue,
        wanted.period,
        clock.now(),
        wanted.queue.targets.limits,
        timezone=settings.timezone,
    )
    found, following = await calls.page(session, _filter(wanted), None, _PAGE)
    return _answer(
        request,
        "wall_calls.html",
        principal=principal,
        may_export=principal.may(Permission.EXPORT),
        wanted=wanted,
        figure=wall.shown(report.whole.figures[wanted.metric], wanted.queue.targets, wanted.queue.name, wanted.period),
        metric=METRICS[wanted.metric],
        metrics=METRICS,
        parts=wall.PARTS,
        queues=[*await service.known_queues(session, request.app.state.desks), ALL],
        since=wanted.period.since.astimezone(zone),
        until=wanted.period.until.astimezone(zone),
        rows=await view.rows(session, found),
        cursor=following,
    )


@router.get("/wall/calls/rows")
async def get_rows(
    request: Request,
    session: Session,
    _principal: Watcher,
    wanted: Wanted,
    cursor: Annotated[str, Query(max_length=600)],
) -> Response:
    """Give the next lines of the list."""
    found, following = await calls.page(session, _filter(wanted), Cursor.decode(cursor), _PAGE)
    return _answer(request, "wall_rows.html", rows=await view.rows(session, found), cursor=following, wanted=wanted)


@router.get("/wall/calls/export")
async def export_calls(request: Request, principal: Watcher, wanted: Wanted, form: AskedFile = "csv") -> Response:
    """Give the whole list as a spreadsheet."""
    principal.must(Permission.EXPORT)
    return await export.listing(_filter(wanted)).download(request.app.state.database, form)


def _filter(wanted: Behind) -> CallFilter:
    return behind(wanted.queue.queue, wanted.period, wanted.metric, wanted.part, wanted.queue.targets.limits)


def _moment(text: str, timezone: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRequest(f"{text!r} is no time: write it like 2026-11-23T09:00.") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(timezone))


async def _page(request: Request, session: Session, template: str, queue: Asked, **values: object) -> Response:
    settings: Settings = request.app.state.settings
    desks = await service.known_queues(session, request.app.state.desks)
    shown = await wall.board(session, queue.queue, desks, queue.targets, clock.now(), settings.timezone)
    names = request.app.state.desks
    return _answer(request, template, board=shown, desk_names=names, agent_states=wall.AGENT_STATES, **values)


def _answer(request: Request, template: str, **values: object) -> Response:
    return HTMLResponse(render(request, template, **values), headers={"Cache-Control": "no-store"})
