"""What the rest of the program does with recordings."""

from sqlalchemy import func
from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.changes import ChangeRepository
from api.recordings.models import RecordingRow
from api.recordings.names import RecordingName
from api.recordings.repository import RecordingRepository


async def find(session: AsyncSession, recording_id: str) -> RecordingRow | None:
    """Return a recording, None where there is none."""
    return await RecordingRepository(session).get(recording_id)


async def of_call(session: AsyncSession, call_ref: str) -> list[RecordingRow]:
    """Return a call's recordings in the order in which they began."""
    return (await RecordingRepository(session).by_calls([call_ref])).get(call_ref, [])


async def note_growing(session: AsyncSession, name: RecordingName) -> None:
    """Store that a recording has begun, unless it is known."""
    if await RecordingRepository(session).insert_new(_values(name, "recording", None)):
        await ChangeRepository(session).publish("recording", [name.call_ref])


async def note_finished(session: AsyncSession, name: RecordingName, reason: str | None = None) -> bool:
    """Store that a recording is whole; says whether that is news, so that it is transcribed once.

    `reason` says why less than a whole recording is expected.
    """
    repository = RecordingRepository(session)
    news = await repository.insert_new(
        {**_values(name, "stored", reason), "stored_at": func.now()}
    ) or await repository.finish(name.recording_id, reason)
    if news:
        await ChangeRepository(session).publish("recording", [name.call_ref])
    return news


async def note_failed(session: AsyncSession, recording: RecordingRow, reason: str) -> None:
    """Store that a recording cannot be transcribed, and why."""
    await RecordingRepository(session).set_result(recording.recording_id, state="failed", reason=reason)
    await ChangeRepository(session).publish("recording", [recording.call_ref])


def _values(name: RecordingName, state: str, reason: str | None) -> dict[str, object]:
    return {
        "recording_id": name.recording_id,
        "call_ref": name.call_ref,
        "agent": name.agent,
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
