"""PUT /api/v1/recordings/{recording_id}/audio: a recording made at an agent's desk.

Either a backup for a call that the PBX could not record, or the sound of somebody who came in person (`walkin-…`).
"""

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.requests import ClientDisconnect

from api.accounts.access import Require, Session
from api.accounts.roles import Permission
from api.accounts.service import Principal
from api.calls import service as calls
from api.kit.clock import now
from api.kit.problems import BadRequest, Forbidden, NotFound, Problem
from api.kit.repository import Repository
from api.kit.settings import Settings
from api.recordings import names
from api.recordings.models import RecordingRow
from api.recordings.names import DONE, RecordingName
from api.recordings.storing import TRACKS, Sent, cut_off, duration_seconds, mark_of, store
from telephony.calls.model import Call, Segment

router = APIRouter(prefix="/api/v1", tags=["recordings"])
Uploader = Annotated[Principal, Depends(Require(Permission.UPLOAD_RECORDINGS), scope="function")]

MOST_BYTES = 512 * 1024 * 1024
"""Four hours of stereo at 8 kHz."""
WALK_IN = re.compile(r"walkin-[0-9a-f]{32}")
WALK_IN_QUEUE = "walk-in"
_CLOCK_SKEW = timedelta(minutes=5)


class NoRecordingName(BadRequest):
    """The address holds no recording's name."""

    error_id = "recording_name"


class DigestMismatch(BadRequest):
    """The bytes changed on their way."""

    error_id = "recording_digest_mismatch"


class TooLarge(Problem):
    """More than any call can hold."""

    status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    error_id = "recording_too_large"


class NoSuchCall(NotFound):
    """The recording belongs to a call that is not known."""

    error_id = "call_not_found"


class RecordingPresent(Problem):
    """The server has this part of the call already: the PBX recorded it."""

    status = HTTPStatus.CONFLICT
    error_id = "recording_present"


class RecordingRunning(Problem):
    """The PBX records this right now; whether it succeeds is not known yet."""

    status = HTTPStatus.CONFLICT
    error_id = "recording_running"


class RecordingDiffers(Problem):
    """Another recording has this name."""

    status = HTTPStatus.CONFLICT
    error_id = "recording_differs"


class NotOwn(Forbidden):
    """An agent sent another agent's recording."""

    error_id = "recording_not_own"


class UploadOut(BaseModel):
    """What the server has now; whoever sent it may forget his copy when the sum is his."""

    recording_id: str
    call_ref: str
    sha256: str
    duration_seconds: float


class UploadRepository(Repository):
    """What uploads ask of the database."""

    async def lock(self, recording_id: str) -> None:
        """Let nobody else store this recording before this transaction ends."""
        await self.session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:id, 54321))"), {"id": recording_id}
        )

    async def of_agent(self, call_ref: str, agent: str) -> list[RecordingRow]:
        """Return what there is of an agent's part of a call."""
        rows = await self.session.scalars(
            select(RecordingRow).where(RecordingRow.call_ref == call_ref, RecordingRow.agent == agent)
        )
        return list(rows)


@router.put(
    "/recordings/{recording_id}/audio",
    response_model=UploadOut,
    status_code=HTTPStatus.CREATED,
    summary="Store a recording made at an agent's desk",
    openapi_extra={"requestBody": {"required": True, "content": {"audio/wav": {"schema": {"type": "string"}}}}},
)
async def put_audio(
    request: Request,
    response: Response,
    recording_id: str,
    session: Session,
    principal: Uploader,
    content_digest: Annotated[str | None, Header(description="RFC 9530: sha-256=:…:")] = None,
) -> Any:
    """Take a WAV (8 kHz, 16-bit; mono is the citizen, stereo the agent left and the citizen right).

    201 when it is new, 200 when the same bytes are here already. It is transcribed as any recording. A recording that
    the PBX made is never replaced (409 recording_present), nor is one by another of the same name (recording_differs).
    """
    settings: Settings = request.app.state.settings
    name = _allowed(recording_id, principal)
    settings.recordings_dir.mkdir(parents=True, exist_ok=True)
    sent = await _receive(request, settings.recordings_dir, _digest(content_digest))
    try:
        seconds = await asyncio.to_thread(duration_seconds, sent.path)
        repository = UploadRepository(session)
        await repository.lock(recording_id)
        known = mark_of(settings.recordings_dir / (recording_id + DONE))
        if known is None:
            await _refuse_double(repository, settings.recordings_dir, name, seconds)
        elif known != sent.sha256:
            raise (
                RecordingPresent(f"The PBX recorded {recording_id} itself.")
                if not known
                else RecordingDiffers(
                    f"Another recording named {recording_id} is here (SHA-256 {known}): it is not replaced."
                )
            )
        await _store_call(session, name, seconds)
        if known is None:
            await asyncio.to_thread(store, sent, settings.recordings_dir, name)
        else:
            response.status_code = HTTPStatus.OK
    finally:
        sent.path.unlink(missing_ok=True)
    return UploadOut(
        recording_id=recording_id, call_ref=name.call_ref, sha256=sent.sha256, duration_seconds=round(seconds, 3)
    )


def _allowed(recording_id: str, principal: Principal) -> RecordingName:
    try:
        name = names.parse(recording_id)
    except OverflowError:
        name = None
    if name is None or name.started_at > now() + _CLOCK_SKEW:
        raise NoRecordingName(
            "A recording is named <call>--<agent>--<microseconds since 1970>, and began in the past: "
            f"{recording_id[:200]!r} is not."
        )
    if principal.role == "agent" and principal.name != name.agent:
        raise NotOwn(
            f"The token {principal.name!r} may store recordings of the agent {principal.name!r} only, not of "
            f"{name.agent!r}: zhitong token create --role agent --name {name.agent} makes one that may."
        )
    return name


def _digest(header: str | None) -> str | None:
    if header is None:
        return None
    found = re.search(r"sha-256=:([A-Za-z0-9+/=]{44}):", header)
    if found is None:
        raise BadRequest("Content-Digest must be sha-256=:<base64>: (RFC 9530).")
    return base64.b64decode(found[1]).hex()


async def _receive(request: Request, folder: Path, expected: str | None) -> Sent:
    """Write the body beside the recordings under a name that is none of theirs."""
    length = request.headers.get("content-length", "")
    _fits(int(length) if length.isdigit() else 0)
    path = folder / f".upload-{secrets.token_hex(16)}.part"
    try:
        return await _write(request, path, expected)
    except ClientDisconnect as error:
        path.unlink(missing_ok=True)
        raise BadRequest("The connection ended before the recording did.") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


async def _write(request: Request, path: Path, expected: str | None) -> Sent:
    digest = hashlib.sha256()
    with path.open("xb") as out:
        async for block in _blocks(request):
            digest.update(block)
            await asyncio.to_thread(out.write, block)
            _fits(out.tell())
    if expected not in {None, digest.hexdigest()}:
        raise DigestMismatch("What arrived is not what Content-Digest announces: send it again.")
    return Sent(path, digest.hexdigest())


def _fits(size: int) -> None:
    if size > MOST_BYTES:
        raise TooLarge(f"A recording may have {MOST_BYTES} bytes, this has {size} or more.")


async def _blocks(request: Request) -> AsyncIterator[bytes]:
    """Give the body in blocks of about a megabyte: each is a switch of threads."""
    gathered = bytearray()
    async for chunk in request.stream():
        gathered += chunk
        if len(gathered) >= 1 << 20:
            yield bytes(gathered)
            gathered.clear()
    yield bytes(gathered)


async def _refuse_double(repository: UploadRepository, folder: Path, name: RecordingName, seconds: float) -> None:
    if not cut_off(folder, name) and any((folder / name.file(track)).exists() for track in TRACKS):
        raise RecordingRunning(f"The PBX writes {name.recording_id} itself and is not done: try again after the call.")
    for other in await repository.of_agent(name.call_ref, name.agent):
        torn = other.reason is not None or other.state == "failed"
        length = timedelta(seconds=other.duration_seconds if other.duration_seconds is not None else seconds)
        apart = name.started_at > other.started_at + length or (
            name.started_at + timedelta(seconds=seconds) < other.started_at
        )
        if torn or apart or mark_of(folder / (other.recording_id + DONE)):
            continue
        if other.state == "recording":
            raise RecordingRunning(f"The PBX still records this as {other.recording_id}: try again after the call.")
        raise RecordingPresent(f"The PBX recorded this part of the call as {other.recording_id}.")


async def _store_call(session: AsyncSession, name: RecordingName, seconds: float) -> None:
    """See that the recording belongs to a call; one who came in person is a call that was answered at once."""
    if not WALK_IN.fullmatch(name.call_ref):
        if await calls.find(session, name.call_ref) is None:
            raise NoSuchCall(f"There is no call {name.call_ref!r}; who came in person is named walkin-<32 hex digits>.")
        return
    if await calls.find(session, name.call_ref) is not None:
        return
    ended_at = name.started_at + timedelta(seconds=seconds)
    segment = Segment(name.agent, name.started_at, ended_at, seconds, name.recording_id)
    visit = Call(
        name.call_ref,
        None,
        WALK_IN_QUEUE,
        "answered",
        None,
        name.started_at,
        name.started_at,
        ended_at,
        0.0,
        seconds,
        name.agent,
        (segment,),
    )
    await calls.store_calls(session, [visit])
