"""One recording → its transcript → the call's draft ticket, each stored in one transaction."""

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncSession

from api.calls import service as calls
from api.jobs.speech import City, Speech
from api.kit import logs
from api.kit.clock import now
from api.kit.database import Database
from api.live import service as live
from api.recordings import service as recordings
from api.recordings.models import RecordingRow
from api.tickets import service as tickets
from api.transcripts import service as transcripts
from api.transcripts.service import Live
from asr import audio
from asr.audio import Speaker, TrackSource
from asr.draft import draft
from asr.errors import AudioError, AudioMissing, DecoderError
from asr.model import SpeechModel
from asr.transcript import Transcript

log = logs.get(__name__)
# A decoder that dies on the same recording this often will die again; a file that is away this often is gone.
_LAST_ATTEMPT = 3


@dataclass(frozen=True, slots=True)
class Heard:
    """What came of a recording's tracks; `reason` says what could not be heard."""

    transcript: Transcript
    duration_seconds: float
    reason: str | None


class Unusable(Exception):
    """A recording that no further attempt makes usable; the message says why."""

    error_id = "recording.unusable"


class HeardLive(Exception):
    """A worker stores the recording's end right now: ask again in a moment."""

    error_id = "recording.heard_live"


async def transcribe_recording(
    database: Database, speech: Speech, recordings_dir: Path, timezone: str, recording_id: str, attempt: int
) -> None:
    """Transcribe a recording and draft its call's ticket; doing it again changes nothing.

    Of a call that an agent placed no ticket is drafted: it has the one that it is about.

    A recording that cannot be used becomes `failed` with the reason, and its ticket an empty draft for a human.
    Raises HeardLive, and what another attempt may cure: a database that is away, a model that is not there, a decoder
    that died.
    """
    async with database.session() as session:
        in_hands = await live.in_hands(session, recording_id)
        recording = await recordings.find(session, recording_id)
        call = await calls.find(session, recording.call_ref) if recording else None
    if recording is None:
        log.error("recording_unknown", recording_id=recording_id)
        return
    if recording.state in {"recording", "stored"}:
        if in_hands:
            raise HeardLive(recording_id)
        model = speech.model(call.queue if call else None)
        try:
            heard = await asyncio.to_thread(hear, recording, recordings_dir, speech, model, attempt)
        except Unusable as error:
            log.warning("recording_unusable", recording_id=recording_id, reason=str(error))
            async with database.session() as session:
                await recordings.note_failed(session, recording, str(error))
        else:
            async with database.session() as session:
                await transcripts.store_transcript(
                    session,
                    recording,
                    heard.transcript,
                    duration_seconds=heard.duration_seconds,
                    reason=heard.reason,
                )
            log.info("recording_transcribed", recording_id=recording_id, utterances=len(heard.transcript.utterances))
    if recording.outward:
        return
    async with database.session() as session:
        await store_call_draft(session, speech.city, timezone, recording.call_ref)


async def store_call_draft(
    session: AsyncSession, city: City, timezone: str, call_ref: str, growing: tuple[str, Live] | None = None
) -> float:
    """Store the draft that everything heard in a call suggests; returns how many seconds the drafting took.

    `growing` is a transcript that the caller holds, and need not be read.
    """
    transcript = await transcripts.call_transcript(session, call_ref, growing)
    reason = await recordings.failure_of_call(session, call_ref)
    began = time.monotonic()
    drafted = await asyncio.to_thread(draft, transcript, city.taxonomy, city.gazetteer)
    cost_seconds = time.monotonic() - began
    ticket_id = await tickets.store_draft(
        session, call_ref, drafted.to_json(), reason=reason, now=now(), timezone=timezone
    )
    log.debug("ticket_drafted", call_ref=call_ref, ticket_id=ticket_id)
    return cost_seconds


def hear(recording: RecordingRow, folder: Path, speech: Speech, model: SpeechModel, attempt: int) -> Heard:
    """Decode both tracks, or the one that can be used; blocks, the decoder is a child process.

    Raises Unusable when neither can ever be used, DecoderError and AudioMissing when another attempt may help.
    """
    paths: dict[Speaker, Path] = {
        "agent": folder / recording.agent_file,
        "citizen": folder / recording.citizen_file,
    }
    usable, seconds, faults = _usable(paths, last_attempt=attempt >= _LAST_ATTEMPT)
    if not usable:
        raise Unusable(" ".join(faults))
    try:
        sources = [TrackSource(speaker, path) for speaker, path in usable.items()]
        transcript = speech.decoders.transcribe(
            model, sources, recording.call_ref, speech.city.names, recording.recording_id
        )
    except AudioError as error:
        raise Unusable(str(error)) from error
    except DecoderError as error:
        if attempt < _LAST_ATTEMPT:
            raise
        raise Unusable(f"The decoder failed {attempt} times on this recording: {error}") from error
    if transcript.state == "partial":
        faults.append("A track is torn: what could be read is transcribed.")
    if recording.reason:
        faults.append(recording.reason)
    state = "partial" if faults else transcript.state
    whole = Transcript(recording.call_ref, state, transcript.model, transcript.utterances)
    return Heard(whole, seconds, " ".join(dict.fromkeys(faults)) or None)


def _usable(paths: Mapping[Speaker, Path], *, last_attempt: bool) -> tuple[dict[Speaker, Path], float, list[str]]:
    usable: dict[Speaker, Path] = {}
    faults: list[str] = []
    seconds = 0.0
    for track, path in paths.items():
        try:
            info = audio.probe(path)
        except AudioMissing as error:
            if not last_attempt:
                raise
            faults.append(f"Track {track}: {error}")
        except AudioError as error:
            faults.append(f"Track {track}: {error}")
        else:
            usable[track] = path
            seconds = max(seconds, info.seconds)
    return usable, seconds, faults
