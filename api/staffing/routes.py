"""GET /api/v1/staffing: calls expected, agents needed, plan against actual."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit import clock, sheet
from api.kit.listing import AskedForm
from api.kit.settings import Settings
from api.staffing import export
from api.staffing.schemas import StaffingOut
from api.staffing.service import Question, make_plan

router = APIRouter(prefix="/api/v1", tags=["staffing"])
Planner = Annotated[Principal, Depends(Require(Permission.READ_STAFFING), scope="function")]


@router.get(
    "/staffing",
    response_model=StaffingOut,
    summary="Calls expected and agents needed, by quarter-hour",
    responses=sheet.RESPONSES,
)
async def get_staffing(
    request: Request,
    session: Session,
    _principal: Planner,
    first: Annotated[date, Query(alias="from", description="first day, in the city's zone")],
    last: Annotated[date, Query(alias="to", description="last day, included; at most 31 days")],
    queue: Annotated[str | None, Query(max_length=80, description="the hotline's own if not given")] = None,
    form: AskedForm = "json",
) -> Any:
    """Plan a period; quarters that are over carry what really came. `format=csv` and `xlsx` give a file."""
    settings: Settings = request.app.state.settings
    name = (queue or settings.queue.name).replace("\0", "")
    question = Question(name, first, last, clock.now())
    plan = await make_plan(session, question, settings, request.app.state.staffing_policy)
    return plan.to_json() if form == "json" else await export.download(plan, form)
