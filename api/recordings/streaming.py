"""A recording's bytes as a browser asks for them, whole or in ranges, also while the file still grows."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

from fastapi.responses import StreamingResponse

from api.kit.problems import NotFound, RangeNotSatisfiable
from api.recordings.sound import ByteRange, OutOfRange, playable_header, requested_range

_CHUNK = 64 * 1024
_HEADER = 44


class RecordingGone(NotFound):
    """The recording is known, its file is not there."""

    error_id = "recording_gone"


async def stream(path: Path, range_header: str | None, if_range: str | None) -> StreamingResponse:
    """Give a WAV file, or the bytes of it that were asked for; one that still grows is given as long as it is now.

    Raises RecordingGone, RangeNotSatisfiable.
    """
    file = await asyncio.to_thread(_open, path)
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


def _open(path: Path) -> BinaryIO:
    # The name holds no separators; a link planted in the folder must not lead out of it either.
    if path.is_file() and path.resolve().parent == path.parent.resolve():
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
