"""GET /api/v1/recordings/{recording_id}/audio."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit.problems import NotFound
from api.kit.settings import Settings
from api.recordings import names, service
from api.recordings.streaming import stream

router = APIRouter(prefix="/api/v1", tags=["recordings"])
Listener = Annotated[Principal, Depends(Require(Permission.HEAR_RECORDINGS), scope="function")]


class RecordingNotFound(NotFound):
    """No recording has this name."""

    error_id = "recording_not_found"


@router.get(
    "/recordings/{recording_id}/audio",
    summary="A recording's sound",
    response_class=Response,
    responses={200: {"content": {"audio/wav": {}}}, 206: {"content": {"audio/wav": {}}}},
)
async def get_audio(
    request: Request,
    recording_id: str,
    session: Session,
    _principal: Listener,
    track: Annotated[Literal["mixed", "agent", "citizen"], Query()] = "mixed",
    range_header: Annotated[str | None, Header(alias="Range")] = None,
    if_range: Annotated[str | None, Header()] = None,
) -> Response:
    """Give a track as WAV, whole or the bytes asked for; a file that still grows is given as long as it is now."""
    settings: Settings = request.app.state.settings
    found = await service.find(session, recording_id) if names.parse(recording_id) else None
    if found is None:
        raise RecordingNotFound(f"There is no recording {recording_id!r}.")
    file = {"mixed": found.mixed_file, "agent": found.agent_file, "citizen": found.citizen_file}[track]
    return await stream(settings.recordings_dir / file, range_header, if_range)
