"""The pages: sign in, the desk, and the parts of it that change."""

from datetime import date
from http import HTTPStatus
from typing import Annotated
from urllib.parse import parse_qs, quote

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.accounts import service as accounts
from api.accounts.access import COOKIE, Identity, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.agents.routes import Seat
from api.calls import export
from api.calls import service as calls
from api.console import view
from api.console.pages import render
from api.console.view import DeskFilter
from api.kit import clock
from api.kit.feed import Feed
from api.kit.listing import AskedFile
from api.kit.pagination import Cursor
from api.kit.problems import BadRequest, Forbidden, NotFound
from api.kit.settings import Settings
from api.system.repository import FigureRepository

router = APIRouter(include_in_schema=False)
_PAGE = 100
_LONGEST_FORM_BYTES = 4096
_MOST_REFS = 200


class SignInNeeded(Exception):
    """A page was asked for by a browser that nobody has signed in on."""

    error_id = "sign_in_needed"

    def __init__(self, following: str, *, part: bool) -> None:
        super().__init__("sign in first")
        self.following = following
        self.part = part


async def visitor(
    request: Request, principal: Identity, hx_request: Annotated[str | None, Header()] = None
) -> Principal:
    """Return who looks at a page. Raises SignInNeeded, Forbidden."""
    if principal is None:
        address = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        raise SignInNeeded(address, part=hx_request is not None)
    if not principal.may(Permission.READ_CALLS):
        raise Forbidden(f"The role {principal.role!r} may not see calls.")
    return principal


Visitor = Annotated[Principal, Depends(visitor, scope="function")]


def _desk_filter(
    request: Request,
    day: Annotated[str, Query(max_length=10)] = "",
    state: Annotated[str, Query(max_length=20)] = "",
    agent: Annotated[str, Query(max_length=80)] = "",
    caller: Annotated[str, Query(max_length=80)] = "",
) -> DeskFilter:
    settings: Settings = request.app.state.settings
    try:
        chosen = date.fromisoformat(day) if day else clock.local_date(clock.now(), settings.timezone)
    except ValueError as error:
        raise BadRequest(f"{day!r} is no day: write it like 2026-11-23.") from error
    return DeskFilter(chosen, state, agent.strip().replace("\0", ""), caller.strip().replace("\0", ""))


Wanted = Annotated[DeskFilter, Depends(_desk_filter)]


def sign_in_answer(error: SignInNeeded) -> Response:
    """Lead a browser to the sign-in page and back to where it wanted to go."""
    if error.part:
        return Response(status_code=HTTPStatus.UNAUTHORIZED, headers={"HX-Redirect": "/login"})
    following = quote(error.following, safe="")
    return RedirectResponse(f"/login?next={following}", HTTPStatus.SEE_OTHER)


@router.get("/")
async def root() -> Response:
    """Lead to the desk."""
    return RedirectResponse("/desk", HTTPStatus.SEE_OTHER)


@router.get("/login")
async def login_page(request: Request, following: Annotated[str, Query(alias="next")] = "/desk") -> Response:
    """Show where a token is put in; `#token=…` in the address puts it in by itself."""
    return _page(request, "login.html", following=_local(following), wrong=False)


@router.post("/login")
async def login(request: Request, session: Session) -> Response:
    """Open a session for the token that was put in."""
    form = await _form(request)
    following = _local(form.get("next", "/desk"))
    principal = await accounts.by_token(session, form.get("token", "").strip())
    if principal is None:
        return _page(request, "login.html", status=HTTPStatus.UNAUTHORIZED, following=following, wrong=True)
    settings: Settings = request.app.state.settings
    secret = await accounts.open_session(session, principal, settings.console.session_hours)
    answer = RedirectResponse(following, HTTPStatus.SEE_OTHER)
    answer.set_cookie(
        COOKIE,
        secret,
        max_age=int(settings.console.session_hours * 3600),
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )
    return answer


@router.post("/logout")
async def logout(request: Request, session: Session) -> Response:
    """End the session."""
    secret = request.cookies.get(COOKIE)
    if secret:
        await accounts.close_session(session, secret)
    answer = RedirectResponse("/login", HTTPStatus.SEE_OTHER)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


@router.get("/desk")
async def desk(
    request: Request,
    session: Session,
    principal: Visitor,
    wanted: Wanted,
    seat: Seat,
    call: Annotated[str, Query(max_length=200)] = "",
    follow: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Show today's calls, and one of them with what was said and the draft.

    `follow` is an agent's extension: the page opens each call when that agent answers it.
    """
    follow = follow.strip().replace("\0", "")
    settings: Settings = request.app.state.settings
    feed: Feed = request.app.state.feed
    # Before the first read: what changes from here on is pushed, so nothing falls between.
    position = await feed.position()
    found, cursor = await calls.page(session, wanted.wanted(settings.timezone), None, _PAGE)
    if follow and not call:
        call = await view.talking_to(session, follow)
    return _page(
        request,
        "desk.html",
        principal=principal,
        may_edit=principal.may(Permission.EDIT_TICKETS),
        choices=view.choices(request.app.state.taxonomy),
        follow=follow,
        may_export=principal.may(Permission.EXPORT),
        uses_phone=principal.may(Permission.USE_PHONE),
        directs=principal.may(Permission.DIRECT_AGENTS),
        seat=seat,
        breaks=request.app.state.breaks,
        wanted=wanted,
        today=clock.local_date(clock.now(), settings.timezone),
        rows=await view.rows(session, found),
        cursor=cursor,
        figures=await _figures(request, session),
        agents=await accounts.agent_names(session),
        opened=await view.call_view(session, call, request.app.state.taxonomy) if call else None,
        position=str(position),
    )


@router.post("/desk/seat")
async def choose_seat(request: Request, session: Session, principal: Visitor) -> Response:
    """Say at which seat this browser stands; the buttons of the bar act on its phone."""
    if not principal.may(Permission.USE_PHONE):
        raise Forbidden(f"The role {principal.role!r} has no phone.")
    extension = (await _form(request)).get("extension", "").strip()
    await accounts.take_seat(session, request.cookies.get(COOKIE, ""), extension or None)
    return RedirectResponse(f"/desk?follow={quote(extension)}" if extension else "/desk", HTTPStatus.SEE_OTHER)


@router.get("/desk/rows")
async def desk_rows(
    request: Request,
    session: Session,
    _visitor: Visitor,
    wanted: Wanted,
    cursor: Annotated[str | None, Query(max_length=600)] = None,
    ref: Annotated[list[str] | None, Query(max_length=_MOST_REFS)] = None,
) -> Response:
    """Give lines of the table: a page of those that match, or those of the calls `ref` that match."""
    settings: Settings = request.app.state.settings
    place = Cursor.decode(cursor) if cursor else None
    refs = tuple(each.replace("\0", "") for each in ref or ())
    found, following = await calls.page(session, wanted.wanted(settings.timezone, refs), place, max(_PAGE, len(refs)))
    return _page(request, "rows.html", rows=await view.rows(session, found), cursor=following, wanted=wanted)


@router.get("/desk/export")
async def desk_export(request: Request, principal: Visitor, wanted: Wanted, form: AskedFile = "csv") -> Response:
    """Give the calls of the table, all of them, as a spreadsheet."""
    principal.must(Permission.EXPORT)
    settings: Settings = request.app.state.settings
    return await export.listing(wanted.wanted(settings.timezone)).download(request.app.state.database, form)


@router.get("/desk/figures")
async def desk_figures(request: Request, session: Session, _visitor: Visitor, wanted: Wanted) -> Response:
    """Give the strip of figures."""
    return _page(request, "figures.html", figures=await _figures(request, session), wanted=wanted)


@router.get("/desk/calls/{call_ref}")
async def desk_call(request: Request, call_ref: str, session: Session, principal: Visitor) -> Response:
    """Give what the desk shows of one call."""
    opened = await view.call_view(session, call_ref, request.app.state.taxonomy)
    if opened is None:
        raise NotFound(f"There is no call {call_ref!r}.")
    return _page(request, "call.html", opened=opened, may_edit=principal.may(Permission.EDIT_TICKETS))


async def _figures(request: Request, session: Session) -> object:
    midnight, _end = clock.day_bounds(clock.now(), request.app.state.settings.timezone)
    return await FigureRepository(session).figures(midnight)


def _page(request: Request, template: str, *, status: HTTPStatus = HTTPStatus.OK, **values: object) -> Response:
    return HTMLResponse(render(request, template, **values), status_code=status, headers={"Cache-Control": "no-store"})


async def _form(request: Request) -> dict[str, str]:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LONGEST_FORM_BYTES:
            raise BadRequest("This form is too long.")
    try:
        return {name: values[0] for name, values in parse_qs(body.decode()).items()}
    except ValueError as error:
        raise BadRequest("This form cannot be read.") from error


def _local(address: str) -> str:
    """Return an address of our own site, the desk for any other."""
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and address.isprintable()
    return address if ours else "/desk"
