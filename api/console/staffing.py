"""The page of the staffing plan."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import HTMLResponse, Response

from api.accounts.access import Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.console.pages import render
from api.console.routes import Visitor
from api.kit import clock
from api.kit.problems import Forbidden
from api.kit.settings import Settings
from api.staffing import chart, words
from api.staffing.service import Question, make_plan
from api.staffing.weeks import days_of, week_of

router = APIRouter(include_in_schema=False)


async def planner(principal: Visitor) -> Principal:
    """Return who looks at the plan. Raises Forbidden."""
    if not principal.may(Permission.READ_STAFFING):
        raise Forbidden(f"The role {principal.role!r} may not see the staffing plan.")
    return principal


@router.get("/staffing")
async def staffing_page(
    request: Request,
    session: Session,
    principal: Annotated[Principal, Depends(planner, scope="function")],
    week: Annotated[str, Query(max_length=10)] = "",
    queue: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """Show a week: calls expected and come, agents needed and there, hour by hour."""
    settings: Settings = request.app.state.settings
    now = clock.now()
    first, last = days_of(week or week_of(clock.local_date(now, settings.timezone)))
    queue = queue.strip().replace("\0", "") or settings.queue.name
    plan = await make_plan(session, Question(queue, first, last, now), settings, request.app.state.staffing_policy)
    shown = render(
        request,
        "staffing.html",
        principal=principal,
        plan=plan,
        drawing=chart.draw(plan),
        chart=chart,
        words=words,
        week=week_of(first),
        before=week_of(first - timedelta(days=7)),
        after=week_of(first + timedelta(days=7)),
        queue=queue,
    )
    return HTMLResponse(shown, headers={"Cache-Control": "no-store"})
