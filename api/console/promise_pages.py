"""The pages of what was done about promises, and of who is owed a callback."""

from dataclasses import dataclass
from datetime import date
from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.accounts import service as accounts
from api.accounts.access import Session
from api.accounts.roles import Permission
from api.callbacks import export
from api.callbacks import service as callbacks
from api.callbacks.repository import CallbackFilter
from api.console import promises
from api.console.pages import render
from api.console.routes import Visitor
from api.console.view import placed_view
from api.enforcement import service as enforcement
from api.enforcement.repository import ActFilter
from api.kit import clock
from api.kit.feed import Feed
from api.kit.listing import AskedFile
from api.kit.pagination import Cursor
from api.kit.problems import BadRequest
from api.kit.settings import Settings
from api.outward import service as outward

router = APIRouter(include_in_schema=False)
_PAGE = 100
_SHOWN = ("warn_wall", "call_reserve", "end_breaks", "overflow")


@dataclass(frozen=True, slots=True)
class DayFilter:
    """What a person chose above the record; all of it stands in the page's address."""

    day: date
    act: str
    now: bool

    def query(self) -> str:
        """Return it as an address holds it."""
        chosen = {"day": self.day.isoformat(), "act": self.act, "now": "1" if self.now else ""}
        return urlencode({name: value for name, value in chosen.items() if value})

    def wanted(self, timezone: str) -> ActFilter:
        """Return which acts that are."""
        since, until = clock.date_bounds(self.day, timezone)
        return ActFilter(since, until, act=self.act or None, in_force=True if self.now else None)


def _day_filter(
    request: Request,
    day: Annotated[str, Query(max_length=10)] = "",
    act: Annotated[str, Query(max_length=40)] = "",
    now: Annotated[str, Query(max_length=3)] = "",
) -> DayFilter:
    settings: Settings = request.app.state.settings
    try:
        chosen = date.fromisoformat(day) if day else clock.local_date(clock.now(), settings.timezone)
    except ValueError as error:
        raise BadRequest(f"{day!r} is no day: write it like 2026-11-23.") from error
    return DayFilter(chosen, act if act in promises.ACTS else "", bool(now))


Acts = Annotated[DayFilter, Depends(_day_filter)]


@dataclass(frozen=True, slots=True)
class OwedFilter:
    """What a person chose above the callbacks."""

    state: str
    caller: str

    def query(self) -> str:
        """Return it as an address holds it."""
        return urlencode({name: value for name, value in (("state", self.state), ("caller", self.caller)) if value})

    def wanted(self) -> CallbackFilter:
        """Return which callbacks that are: `overdue` are open ones whose time has passed."""
        if self.state == "overdue":
            return CallbackFilter(caller=self.caller or None, overdue_at=clock.now())
        states = () if self.state == "all" else (self.state,)
        return CallbackFilter(state=states, caller=self.caller or None)


def _owed_filter(
    state: Annotated[str, Query(max_length=20)] = "open", caller: Annotated[str, Query(max_length=80)] = ""
) -> OwedFilter:
    known = {*promises.CALLBACK_STATES, "overdue", "all"}
    return OwedFilter(state if state in known else "open", caller.strip().replace("\0", ""))


Owed = Annotated[OwedFilter, Depends(_owed_filter)]


@router.get("/enforcement")
async def record(request: Request, session: Session, principal: Visitor, wanted: Acts) -> Response:
    """Show the acts of a day: what asked for each, what was ordered, what it achieved, when it ended."""
    principal.must(Permission.READ_ENFORCEMENT)
    feed: Feed = request.app.state.feed
    position = await feed.position()
    timezone = request.app.state.settings.timezone
    acts, cursor = await enforcement.page(session, wanted.wanted(timezone), None, _PAGE)
    return _page(
        request,
        "enforcement.html",
        principal=principal,
        may_export=principal.may(Permission.EXPORT),
        today=clock.local_date(clock.now(), timezone),
        wanted=wanted,
        acts=[enforcement.act_json(act) for act in acts],
        cursor=cursor,
        position=str(position),
    )


@router.get("/enforcement/rows")
async def record_rows(
    request: Request,
    session: Session,
    principal: Visitor,
    wanted: Acts,
    cursor: Annotated[str | None, Query(max_length=600)] = None,
) -> Response:
    """Give lines of the record."""
    principal.must(Permission.READ_ENFORCEMENT)
    place = Cursor.decode(cursor) if cursor else None
    acts, following = await enforcement.page(session, wanted.wanted(request.app.state.settings.timezone), place, _PAGE)
    shown = [enforcement.act_json(act) for act in acts]
    return _page(request, "acts.html", acts=shown, cursor=following, wanted=wanted)


@router.get("/enforcement/export")
async def record_export(request: Request, principal: Visitor, wanted: Acts, form: AskedFile = "csv") -> Response:
    """Give the acts of the record, all of them, as a spreadsheet."""
    principal.must(Permission.READ_ENFORCEMENT)
    principal.must(Permission.EXPORT)
    acts = wanted.wanted(request.app.state.settings.timezone)
    return await enforcement.listing(acts).download(request.app.state.database, form)


@router.get("/enforcement/banner")
async def banner(request: Request, session: Session, principal: Visitor) -> Response:
    """Give what is in force and concerns who looks: supervisors are told more than agents."""
    directs = principal.may(Permission.DIRECT_AGENTS)
    acts = [
        enforcement.act_json(act)
        for act in await enforcement.in_force(session)
        if act.act in _SHOWN or (directs and act.act == "tell_supervisor")
    ]
    return _page(request, "banner.html", acts=acts, agents=await accounts.agent_names(session))


@router.get("/callbacks")
async def owed(
    request: Request,
    session: Session,
    principal: Visitor,
    wanted: Owed,
    agent: Annotated[str, Query(max_length=8)] = "",
) -> Response:
    """Show who is owed a callback, the most urgent first; `agent` is whose phone rings."""
    feed: Feed = request.app.state.feed
    position = await feed.position()
    found, cursor = await callbacks.page(session, wanted.wanted(), None, _PAGE)
    now = clock.now()
    return _page(
        request,
        "callbacks.html",
        principal=principal,
        may_export=principal.may(Permission.EXPORT),
        may_dial=principal.may(Permission.PLACE_CALLBACKS),
        may_hear=principal.may(Permission.HEAR_RECORDINGS),
        agent=agent if agent.isdecimal() else "",
        agents=await accounts.agent_names(session),
        wanted=wanted,
        found=callbacks.callbacks_json(found, now),
        cursor=cursor,
        now=now,
        position=str(position),
    )


@router.get("/callbacks/rows")
async def owed_rows(
    request: Request,
    session: Session,
    principal: Visitor,
    wanted: Owed,
    cursor: Annotated[str | None, Query(max_length=600)] = None,
) -> Response:
    """Give lines of the callbacks."""
    found, following = await callbacks.page(session, wanted.wanted(), Cursor.decode(cursor) if cursor else None, _PAGE)
    now = clock.now()
    return _page(
        request,
        "owed.html",
        found=callbacks.callbacks_json(found, now),
        cursor=following,
        wanted=wanted,
        now=now,
        may_dial=principal.may(Permission.PLACE_CALLBACKS),
        may_hear=principal.may(Permission.HEAR_RECORDINGS),
    )


@router.get("/callbacks/heard/{dial_ref}")
async def heard(request: Request, session: Session, principal: Visitor, dial_ref: str) -> Response:
    """Give the recordings of a try, and what was said."""
    principal.must(Permission.HEAR_RECORDINGS)
    call = await outward.find(session, dial_ref.replace("\0", ""))
    return _page(request, "heard.html", placed=await placed_view(session, call.dial_ref))


@router.get("/callbacks/export")
async def owed_export(request: Request, principal: Visitor, wanted: Owed, form: AskedFile = "csv") -> Response:
    """Give the callbacks of the list, all of them, as a spreadsheet."""
    principal.must(Permission.EXPORT)
    return await export.listing(wanted.wanted(), clock.now()).download(request.app.state.database, form)


def _page(request: Request, template: str, **values: object) -> Response:
    return HTMLResponse(render(request, template, say=promises, **values), headers={"Cache-Control": "no-store"})
