"""What the rest of the program does with recordings."""

from collections.abc import Mapping, Sequence

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.changes import ChangeRepository
from api.outward.repository import OutwardRepository
from api.recordings.models import RecordingRow
from api.recordings.names import RecordingName
from api.recordings.repository import RecordingRepository


async def find(session: AsyncSession, recording_id: str) -> RecordingRow | None:
    """Return a recording, None where there is none."""
    return await RecordingRepository(session).get(recording_id)


async def of_call(session: AsyncSession, call_ref: str) -> list[RecordingRow]:
    """Return a call's recordings in the order in which they began."""
    return (await RecordingRepository(session).by_calls([call_ref])).get(call_ref, [])


async def of_calls(session: AsyncSession, call_refs: Sequence[str]) -> dict[str, list[RecordingRow]]:
    """Return each call's recordings in the order in which they began."""
    return await RecordingRepository(session).by_calls(call_refs)


async def tell(session: AsyncSession, kind: str, call_ref: str, *, outward: bool) -> None:
    """Let whoever looks at a call look again; of one that an agent placed, at the citizen's call that it is about."""
    refs = await OutwardRepository(session).about_calls([call_ref]) if outward else [call_ref]
    await ChangeRepository(session).publish(kind, refs)


async def note_growing(session: AsyncSession, name: RecordingName) -> None:
    """Store that a recording has begun, unless it is known."""
    if await RecordingRepository(session).insert_new(_values(name, "recording", None)):
        await tell(session, "recording", name.call_ref, outward=name.outward)


async def note_finished(session: AsyncSession, name: RecordingName, reason: str | None = None) -> bool:
    """Store that a recording is whole; says whether that is news, so that it is transcribed once.

    `reason` says why less than a whole recording is expected.
    """
    repository = RecordingRepository(session)
    news = await repository.insert_new(
        {**_values(name, "stored", reason), "stored_at": func.now()}
    ) or await repository.finish(name.recording_id, reason)
    if news:
        await tell(session, "recording", name.call_ref, outward=name.outward)
    return news


async def note_failed(session: AsyncSession, recording: RecordingRow, reason: str) -> None:
    """Store that a recording cannot be transcribed, and why."""
    await RecordingRepository(session).set_result(recording.recording_id, state="failed", reason=reason)
    await tell(session, "recording", recording.call_ref, outward=recording.outward)


def _values(name: RecordingName, state: str, reason: str | None) -> dict[str, object]:
    return {
        "recording_id": name.recording_id,
        "call_ref": name.call_ref,
        "agent": name.agent,
        "outward": name.outward,
        "state": state,
        "reason": reason,
        "mixed_file": name.file("mixed"),
        "agent_file": name.file("agent"),
        "citizen_file": name.file("citizen"),
        "started_at": name.started_at,
    }


async def failure_of_call(session: AsyncSession, call_ref: str) -> str | None:
    """Return why some of a call could not be heard, None when all was."""
    found = await of_call(session, call_ref)
    return " ".join(dict.fromkeys(recording.reason for recording in found if recording.reason)) or None


def transcript_state(expected: set[str], found: Sequence[RecordingRow], live: Mapping[str, str]) -> str:
    """Return what can be read of a call of which Asterisk named the recordings `expected`, and `found` are known.

    `live` says which of them are live or deferred. `none` (there is nothing to transcribe), `live` (words arrive now),
    `deferred` (too much load: transcribed after the call), `pending`, `complete`, `partial` (some of it could not be
    heard), `failed` (none of it could).
    """
    known = {recording.recording_id for recording in found}
    if not expected | known:
        return "none"
    if expected - known or any(recording.state in {"recording", "stored"} for recording in found):
        states = {live.get(recording_id) for recording_id in expected | known}
        return next((state for state in ("live", "deferred") if state in states), "pending")
    if all(recording.state == "failed" for recording in found):
        return "failed"
    # A transcribed recording with a reason was torn, or lacked a track.
    return "partial" if any(recording.reason for recording in found) else "complete"
