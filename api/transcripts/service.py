"""What the rest of the program does with transcripts."""

from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.base import storable
from api.kit.changes import ChangeRepository
from api.kit.clock import now
from api.recordings.models import RecordingRow
from api.recordings.repository import RecordingRepository
from api.transcripts.models import UtteranceRow
from api.transcripts.repository import TranscriptRepository
from asr.transcript import Transcript, Utterance, Word


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
    utterances = [
        {
            "speaker": utterance.speaker,
            "start_seconds": utterance.start,
            "end_seconds": utterance.end,
            "text": storable(utterance.text),
            "confidence": utterance.confidence,
            "words": [word.to_json() for word in utterance.words],
        }
        for utterance in transcript.utterances
    ]
    recordings = RecordingRepository(session)
    await recordings.lock(recording.recording_id)
    await TranscriptRepository(session).replace(
        recording.recording_id, recording.call_ref, transcript.model, transcript.state, utterances
    )
    await recordings.set_result(
        recording.recording_id,
        state="transcribed",
        reason=reason,
        duration_seconds=duration_seconds,
        transcribed_at=now(),
    )
    await ChangeRepository(session).publish("transcript", [recording.call_ref])


async def call_transcript(session: AsyncSession, call_ref: str) -> Transcript:
    """Return all that was heard in a call, in the order in which it was said; empty when nothing was yet."""
    rows = await TranscriptRepository(session).by_call(call_ref)
    complete = bool(rows) and all(row.state == "complete" for row in rows)
    return Transcript(
        call_ref=call_ref,
        state="complete" if complete else "partial",
        model=", ".join(dict.fromkeys(row.model for row in rows)),
        utterances=tuple(_utterance(utterance) for row in rows for utterance in row.utterances),
    )


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
