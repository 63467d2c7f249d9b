"""Claims: which worker hears which recording while its call runs."""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.calls import service as calls
from api.kit.changes import ChangeRepository
from api.live.repository import ClaimRepository
from api.recordings.models import RecordingRow
from api.recordings.repository import RecordingRepository
from api.transcripts import service as transcripts
from api.transcripts.service import Live


class ClaimLost(Exception):
    """Another worker may have the recording by now; nothing of it was stored."""

    error_id = "live.claim_lost"


@dataclass(frozen=True, slots=True)
class Claimed:
    """A recording that is ours: its queue (None: the call is not stored yet), and what was heard before."""

    recording: RecordingRow
    queue: str | None
    live: Live


async def claim(session: AsyncSession, recording_id: str, worker: str, lease: timedelta) -> Claimed | None:
    """Take a recording in progress for `worker`; None when it is over, deferred, or another worker's."""
    recording = await RecordingRepository(session).lock(recording_id)
    if recording is None or recording.state != "recording":
        return None
    if not await ClaimRepository(session).take(recording_id, worker, lease):
        return None
    await ChangeRepository(session).publish("recording", [recording.call_ref])
    call = await calls.find(session, recording.call_ref)
    return Claimed(recording, call.queue if call else None, await transcripts.live_transcript(session, recording_id))


async def hold(session: AsyncSession, recording_id: str, worker: str) -> RecordingRow:
    """Return a claimed recording, safe from everybody else until the transaction ends. Raises ClaimLost."""
    recording = await RecordingRepository(session).lock(recording_id)
    if recording is None or not await ClaimRepository(session).holds(recording_id, worker):
        raise ClaimLost(f"{recording_id} is no longer this worker's.")
    return recording


async def defer(session: AsyncSession, recording_id: str, worker: str, reason: str) -> None:
    """Leave a claimed recording to the job after its call. Raises ClaimLost."""
    recording = await hold(session, recording_id, worker)
    await ClaimRepository(session).defer(recording_id, worker, reason)
    await ChangeRepository(session).publish("recording", [recording.call_ref])


async def in_hands(session: AsyncSession, recording_id: str) -> bool:
    """Say whether a worker transcribes the recording live, so that its job must wait.

    When not, no worker ever will again once the recording is over: none can write to it, none can claim it.
    """
    await RecordingRepository(session).lock(recording_id)
    claims = ClaimRepository(session)
    if await claims.holds(recording_id):
        return True
    await claims.drop(recording_id)
    return False
