"""GET /api/v1/speech/…: what agents' corrections teach."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit import sheet
from api.kit.listing import AskedFile
from api.kit.settings import Settings
from api.speech import service
from api.speech.schemas import ReportOut

router = APIRouter(prefix="/api/v1/speech", tags=["speech"])
Auditor = Annotated[Principal, Depends(Require(Permission.READ_SPEECH_REPORT), scope="function")]
Exporter = Annotated[Principal, Depends(Require(Permission.EXPORT), scope="function")]
First = Annotated[date, Query(alias="from", description="first day, in the city's zone")]
Last = Annotated[date, Query(alias="to", description="last day, included")]


@router.get("/report", response_model=ReportOut, summary="Accuracy of drafts, confusions, missing words")
async def get_report(request: Request, session: Session, _principal: Auditor, first: First, last: Last) -> Any:
    """Report on the tickets drafted in a period; every figure names the tickets behind it."""
    settings: Settings = request.app.state.settings
    gazetteer = await service.gazetteer_of(settings.config_dir)
    found = await service.make_report(session, first, last, settings.timezone, request.app.state.taxonomy, gazetteer)
    return {"from": first, "to": last, **found.to_json()}


@router.get(
    "/corrections",
    response_class=Response,
    summary="What agents confirmed and corrected, as a spreadsheet",
    responses=sheet.RESPONSES,
)
async def export_corrections(
    request: Request, _auditor: Auditor, _exporter: Exporter, first: First, last: Last, form: AskedFile = "csv"
) -> Response:
    """Give all corrections made in a period, latest first."""
    listing = service.corrections(first, last, request.app.state.settings.timezone)
    return await listing.download(request.app.state.database, form)
