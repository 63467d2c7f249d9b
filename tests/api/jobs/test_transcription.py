import asyncio
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import func, select

from api.calls import service as calls
from api.calls.models import CallRow
from api.jobs.speech import Speech
from api.jobs.transcription import transcribe_recording
from api.kit.database import Database
from api.kit.settings import Settings
from api.recordings import names, service
from api.recordings.models import RecordingRow
from api.tickets import service as tickets
from api.tickets.models import TicketRow
from api.transcripts.models import TranscriptRow
from asr.errors import AudioMissing, DecoderDied
from tests.api import samples
from tests.api.jobs.processes import decoding

CALL = samples.call("1.1")
RECORDING = str(CALL.segments[0].recording_id)


async def _note(database: Database, recording_id: str = RECORDING) -> None:
    name = names.parse(recording_id)
    assert name is not None
    async with database.session() as session:
        await calls.store_calls(session, [CALL])
        await service.note_finished(session, name)


async def _run(database: Database, settings: Settings, speech: Speech, attempt: int = 1) -> None:
    await transcribe_recording(database, speech, settings.recordings_dir, settings.timezone, RECORDING, attempt)


async def _result(database: Database) -> tuple[RecordingRow, TicketRow | None]:
    async with database.session() as session:
        row = await service.find(session, RECORDING)
        assert row is not None
        return row, await tickets.find_by_call(session, "1.1")


async def test_done_twice_it_stores_once(database: Database, settings: Settings, speech: Speech) -> None:
    samples.write_tracks(settings.recordings_dir, RECORDING, 3.0)
    await _note(database)
    await _run(database, settings, speech)
    row, ticket = await _result(database)
    assert (row.state, row.reason, row.duration_seconds) == ("transcribed", None, 3.0)
    assert ticket is not None
    assert ticket.reason is None
    await _run(database, settings, speech)
    async with database.session() as session:
        for table in (TranscriptRow, TicketRow, RecordingRow, CallRow):
            assert await session.scalar(select(func.count()).select_from(table)) == 1
    _row, again = await _result(database)
    assert again is not None
    assert (again.ticket_id, again.changed_at) == (ticket.ticket_id, ticket.changed_at)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _no_wav(path: Path) -> None:
    path.write_bytes(b"this is a letter, not a sound" * 20)


def _gone(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize("spoil", [_empty, _no_wav, _gone])
async def test_a_recording_that_cannot_be_used_becomes_a_task_for_a_human_with_the_reason(
    database: Database, settings: Settings, speech: Speech, spoil: Callable[[Path], None]
) -> None:
    samples.write_tracks(settings.recordings_dir, RECORDING, 1.0)
    for track in ("-agent", "-citizen"):
        spoil(settings.recordings_dir / f"{RECORDING}{track}.wav")
    await _note(database)
    if spoil is _gone:
        with pytest.raises(AudioMissing):
            await _run(database, settings, speech)
    await _run(database, settings, speech, attempt=3)
    row, ticket = await _result(database)
    assert row.state == "failed"
    assert row.reason is not None
    assert "Track agent" in row.reason
    assert "Track citizen" in row.reason
    assert ticket is not None
    assert ticket.reason == row.reason
    assert all(field["value"] is None for field in ticket.fields.values())


async def test_one_track_that_can_be_used_is_used_and_the_other_is_named(
    database: Database, settings: Settings, speech: Speech
) -> None:
    samples.write_tracks(settings.recordings_dir, RECORDING, 1.0)
    _no_wav(settings.recordings_dir / f"{RECORDING}-agent.wav")
    await _note(database)
    await _run(database, settings, speech)
    row, ticket = await _result(database)
    assert row.state == "transcribed"
    assert str(row.reason).startswith("Track agent:")
    assert ticket is not None
    assert ticket.reason == row.reason
    async with database.session() as session:
        found = await calls.find(session, "1.1")
        assert found is not None
        assert (await calls.calls_json(session, [found]))[0]["transcript_state"] == "partial"


async def test_a_torn_track_is_transcribed_as_far_as_it_goes_and_said_to_be_torn(
    database: Database, settings: Settings, speech: Speech
) -> None:
    samples.write_tracks(settings.recordings_dir, RECORDING, 2.0)
    path = settings.recordings_dir / f"{RECORDING}-citizen.wav"
    os.truncate(path, 16044)
    await _note(database)
    await _run(database, settings, speech)
    row, _ticket = await _result(database)
    assert row.state == "transcribed"
    assert "torn" in str(row.reason)


async def _killed_decoder(database: Database, settings: Settings, speech: Speech, attempt: int) -> None:
    async with asyncio.TaskGroup() as tasks:
        work = tasks.create_task(_run(database, settings, speech, attempt))
        await asyncio.sleep(0.4)
        assert not work.done(), "the recording is too short to be caught at work"
        (pid,) = decoding()
        os.kill(pid, signal.SIGKILL)


async def test_a_decoder_that_dies_is_tried_again_and_given_up_after_the_third_time(
    database: Database, settings: Settings, speech: Speech
) -> None:
    samples.write_tracks(settings.recordings_dir, RECORDING, 600.0)
    await _note(database)
    for attempt in (1, 2):
        with pytest.raises(ExceptionGroup) as died:
            await _killed_decoder(database, settings, speech, attempt)
        assert died.group_contains(DecoderDied)
        row, ticket = await _result(database)
        assert (row.state, ticket) == ("stored", None)
    await _killed_decoder(database, settings, speech, 3)
    row, ticket = await _result(database)
    assert row.state == "failed"
    assert "SIGKILL" in str(row.reason)
    assert ticket is not None


async def test_a_call_that_an_agent_placed_is_transcribed_and_no_ticket_is_drafted_of_it(
    database: Database, settings: Settings, speech: Speech
) -> None:
    samples.write_tracks(settings.recordings_dir / names.OUTWARD, RECORDING, 3.0)
    name = names.parse(RECORDING, outward=True)
    assert name is not None
    async with database.session() as session:
        await service.note_finished(session, name)
    await _run(database, settings, speech)
    row, ticket = await _result(database)
    assert (row.state, row.reason, row.duration_seconds, ticket) == ("transcribed", None, 3.0, None)
    async with database.session() as session:
        assert await session.scalar(select(func.count()).select_from(TranscriptRow)) == 1


async def test_a_recording_nobody_knows_is_nothing_to_do(
    database: Database, settings: Settings, speech: Speech
) -> None:
    await _run(database, settings, speech)
    async with database.session() as session:
        assert await tickets.find_by_call(session, "1.1") is None


async def test_two_recordings_of_a_call_make_one_draft(database: Database, settings: Settings, speech: Speech) -> None:
    other = RECORDING.replace("8001", "8002")
    for recording_id in (RECORDING, other):
        samples.write_tracks(settings.recordings_dir, recording_id, 1.0)
        await _note(database, recording_id)
        await transcribe_recording(
            database, speech, settings.recordings_dir, settings.timezone, recording_id, attempt=1
        )
    async with database.session() as session:
        assert await session.scalar(select(func.count()).select_from(TicketRow)) == 1
        assert await session.scalar(select(func.count()).select_from(TranscriptRow)) == 2
