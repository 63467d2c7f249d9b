"""What the rest of the program does with transcripts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.base import storable
from api.kit.changes import ChangeRepository
from api.kit.clock import now
from api.recordings import names
from api.recordings import service as recordings
from api.recordings.models import RecordingRow
from api.recordings.repository import RecordingRepository
from api.transcripts.models import UtteranceRow
from api.transcripts.repository import TranscriptRepository
from asr.audio import Speaker
from asr.transcript import Transcript, Utterance, Word


@dataclass(frozen=True, slots=True)
class Live:
    """A transcript that grows: the models that made it (empty: none yet), how far each track was heard.

    Its utterances are in order of time.
    """

    model: str = ""
    heard_seconds: Mapping[Speaker, float] = field(default_factory=lambda: {"agent": 0.0, "citizen": 0.0})
    utterances: tuple[Utterance, ...] = ()


async def store_transcript(
    session: AsyncSession,
    recording: RecordingRow,
    transcript: Transcript,
    *,
    duration_seconds: float | None,
    reason: str | None,
) -> None:
    """Store what was heard in a recording; decoding it again replaces it.

    `reason` says what could not be heard, None when nothing is missing.
    """
    await RecordingRepository(session).lock(recording.recording_id)
    await TranscriptRepository(session).replace(
        recording.recording_id,
        recording.call_ref,
        transcript.model,
        transcript.state,
        [_values(each) for each in transcript.utterances],
    )
    await _set_transcribed(session, recording, duration_seconds, reason)


async def _set_transcribed(
    session: AsyncSession, recording: RecordingRow, duration_seconds: float | None, reason: str | None
) -> None:
    await RecordingRepository(session).set_result(
        recording.recording_id,
        state="transcribed",
        reason=reason,
        duration_seconds=duration_seconds,
        transcribed_at=now(),
    )
    await recordings.tell(session, "transcript", recording.call_ref, outward=recording.outward)


async def append_live(
    session: AsyncSession,
    recording: RecordingRow,
    model: str,
    heard_seconds: Mapping[Speaker, float],
    utterances: Sequence[Utterance],
) -> None:
    """Add what was heard since to the transcript of a recording in progress.

    `heard_seconds` says, of every track, up to where its sound was heard, silence included.
    """
    await TranscriptRepository(session).append(
        recording.recording_id, recording.call_ref, model, "live", heard_seconds, [_values(each) for each in utterances]
    )
    await ChangeRepository(session).publish("transcript", [recording.call_ref])


async def finish_live(
    session: AsyncSession,
    recording: RecordingRow,
    live: Live,
    last: Sequence[Utterance],
    *,
    duration_seconds: float,
    reason: str | None,
) -> None:
    """Store the end of a live transcript: `live` is all of it, `last` what is not stored yet.

    `reason` says what could not be heard, None when nothing is missing.
    """
    await TranscriptRepository(session).append(
        recording.recording_id,
        recording.call_ref,
        live.model,
        "partial" if reason else "complete",
        live.heard_seconds,
        [_values(each) for each in last],
    )
    await _set_transcribed(session, recording, duration_seconds, reason)


async def live_transcript(session: AsyncSession, recording_id: str) -> Live:
    """Return what a worker that goes on with a recording must know of what was heard before."""
    row = await TranscriptRepository(session).live(recording_id)
    if row is None:
        return Live()
    return Live(
        row.model,
        {"agent": row.agent_heard_seconds, "citizen": row.citizen_heard_seconds},
        tuple(_utterance(each) for each in row.utterances),
    )


async def call_transcript(session: AsyncSession, call_ref: str, growing: tuple[str, Live] | None = None) -> Transcript:
    """Return all that was heard in a call, in the order in which it was said; empty when nothing was yet.

    Whoever holds a growing recording's transcript gives its name and words, so that they are not read again.
    """
    own, live = growing or ("", Live())
    rows = await TranscriptRepository(session).by_call(call_ref, but=own)
    parts = [
        (row.recording_id, row.model, row.state, tuple(_utterance(each) for each in row.utterances)) for row in rows
    ]
    if growing is not None:
        parts.append((own, live.model, "live", live.utterances))
        parts.sort(key=lambda part: _begun(part[0]))
    complete = bool(parts) and all(state == "complete" for _, _, state, _ in parts)
    return Transcript(
        call_ref=call_ref,
        state="complete" if complete else "partial",
        model=", ".join(dict.fromkeys(model for _, model, _, _ in parts)),
        utterances=tuple(utterance for _, _, _, utterances in parts for utterance in utterances),
    )


def _begun(recording_id: str) -> tuple[datetime, str]:
    name = names.parse(recording_id)
    return (name.started_at if name else datetime.max.replace(tzinfo=UTC), recording_id)


def _values(utterance: Utterance) -> dict[str, Any]:
    return {
        "speaker": utterance.speaker,
        "start_seconds": utterance.start,
        "end_seconds": utterance.end,
        "text": storable(utterance.text),
        "confidence": utterance.confidence,
        "words": [word.to_json() for word in utterance.words],
    }


def _utterance(row: UtteranceRow) -> Utterance:
    return Utterance(
        speaker="agent" if row.speaker == "agent" else "citizen",
        start=row.start_seconds,
        end=row.end_seconds,
        text=row.text,
        confidence=row.confidence,
        words=tuple(Word(**word) for word in row.words),
        recording_id=row.recording_id,
    )
