"""GET /api/v1/recordings/{recording_id}/audio."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, BinaryIO, Literal

from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.responses import Response, StreamingResponse

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.kit.problems import NotFound, RangeNotSatisfiable
from api.kit.settings import Settings
from api.recordings import names, service
from api.recordings.sound import ByteRange, OutOfRange, playable_header, requested_range

router = APIRouter(prefix="/api/v1", tags=["recordings"])
Listener = Annotated[Principal, Depends(Require(Permission.HEAR_RECORDINGS), scope="function")]
_CHUNK = 64 * 1024
_HEADER = 44


class RecordingNotFound(NotFound):
    """No recording has this name."""

    error_id = "recording_not_found"


class RecordingGone(NotFound):
    """The recording is known, its file is not there."""

    error_id = "recording_gone"


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
    name = names.parse(recording_id)
    if name is None or await service.find(session, recording_id) is None:
        raise RecordingNotFound(f"There is no recording {recording_id!r}.")
    path = settings.recordings_dir / name.file(track)
    file = await asyncio.to_thread(_open, path, settings.recordings_dir)
    try:
        size = await asyncio.to_thread(_size, file)
        tag = f'"{size:x}"'
        headers = {"Accept-Ranges": "bytes", "ETag": tag, "Cache-Control": "private, no-cache"}
        wanted = requested_range(range_header, size) if if_range in {None, tag} else None
    except OutOfRange as error:
        file.close()
        raise RangeNotSatisfiable(
            f"The recording has {size} bytes.", headers={"Content-Range": f"bytes */{size}"}
        ) from error
    part = wanted or ByteRange(0, size - 1)
    headers["Content-Length"] = str(part.length)
    if wanted:
        headers["Content-Range"] = f"bytes {part.first}-{part.last}/{size}"
    return StreamingResponse(
        _bytes(file, part, size), status_code=206 if wanted else 200, media_type="audio/wav", headers=headers
    )


def _open(path: Path, folder: Path) -> BinaryIO:
    # The name holds no separators; a link planted in the folder must not lead out of it either.
    if path.is_file() and path.resolve().parent == folder.resolve():
        try:
            return path.open("rb")
        except OSError as error:
            raise RecordingGone(f"The recording's file {path.name} cannot be read: {error.strerror}.") from error
    raise RecordingGone(f"The recording's file {path.name} is not there any more.")


def _size(file: BinaryIO) -> int:
    size = file.seek(0, 2)
    file.seek(0)
    return size


async def _bytes(file: BinaryIO, part: ByteRange, size: int) -> AsyncIterator[bytes]:
    with file:
        head = playable_header(await asyncio.to_thread(file.read, _HEADER), size)
        position, end = part.first, part.last + 1
        if position < len(head):
            yield head[position : min(end, len(head))]
            position = len(head)
        await asyncio.to_thread(file.seek, position)
        while position < end:
            chunk = await asyncio.to_thread(file.read, min(_CHUNK, end - position))
            if not chunk:
                return
            position += len(chunk)
            yield chunk
