"""Calls that are transcribed while they run, with real decoders on files that grow."""

import asyncio
import copy
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace
from typing import Any, cast

import pytest
from procrastinate import App
from sqlalchemy import text

from api.calls import service as calls
from api.jobs.discovery import Discovery
from api.jobs.live import NOT_STORED, TOO_MUCH, LiveTranscription
from api.jobs.queue import open_queue
from api.jobs.speech import Speech
from api.jobs.transcription import HeardLive, transcribe_recording
from api.kit.database import Database
from api.kit.settings import LiveSettings, Settings
from api.recordings import names
from api.recordings import service as recordings
from api.tickets import service as tickets
from api.transcripts import service as transcripts
from asr.audio import Samples, Speaker
from asr.draft import Taxonomy
from asr.live import LiveDecoders
from asr.model import SpeechModel
from tests.api.jobs.growing import CALL, RECORDING, GrowingCall, Words, words_of

# Faster than time, so that the tests are; slow enough that a decoder sees every block.
SPEED = 16.0
Tracks = dict[Speaker, Samples]
Start = Callable[..., AbstractAsyncContextManager[LiveDecoders]]


@pytest.fixture
async def queue(database_url: str) -> AsyncIterator[App]:
    queue = open_queue(database_url)
    async with queue.open_async():
        yield queue


@pytest.fixture
def own_speech(settings: Settings, speech: Speech, speech_model: SpeechModel) -> Speech:
    """Speech whose settings a test may change; the decoders are shared, and what was read of the city."""
    own = copy.copy(speech)
    own._settings = settings.model_copy(update={"tools_dir": speech_model.path.parents[1]})
    own.live = LiveSettings(lease_seconds=1)
    return own


@pytest.fixture
def start(settings: Settings, own_speech: Speech, database: Database, queue: App) -> Start:
    """A worker's live part; it ends as if it were killed: nothing is given back."""

    @asynccontextmanager
    async def run(worker: str = "first") -> AsyncIterator[LiveDecoders]:
        discovery = Discovery(database, queue, settings.recordings_dir)

        async def look() -> None:
            while True:
                await discovery.look()
                await asyncio.sleep(0.05)

        async with LiveDecoders(1) as decoders:
            live = LiveTranscription(settings, own_speech, decoders, database, worker)
            work = [asyncio.ensure_future(live.run()), asyncio.ensure_future(look())]
            try:
                yield decoders
            finally:
                ended = [task for task in work if task.done()]
                for task in work:
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)
                for task in ended:
                    task.result()

    return run


async def _one(database: Database, query: str) -> Any:
    async with database.session() as session:
        return await session.scalar(text(query))


async def _until(database: Database, query: str, wanted: object = True) -> None:
    async with asyncio.timeout(30):
        while await _one(database, query) != wanted:
            await asyncio.sleep(0.02)


async def _words(database: Database, call_ref: str = "1.1") -> Words:
    async with database.session() as session:
        return words_of((await transcripts.call_transcript(session, call_ref)).utterances)


async def _batch(database: Database, settings: Settings, speech: Speech) -> None:
    """Run the recording's job as a worker does, which waits while another has the recording."""
    async with asyncio.timeout(30):
        while True:
            try:
                await transcribe_recording(
                    database, speech, settings.recordings_dir, settings.timezone, RECORDING, attempt=1
                )
            except HeardLive:
                await asyncio.sleep(0.1)
            else:
                return


async def _call_json(database: Database) -> dict[str, Any]:
    async with database.session() as session:
        await calls.store_calls(session, [CALL])
        call = await calls.find(session, "1.1")
        assert call is not None
        return (await calls.calls_json(session, [call]))[0]


@pytest.mark.parametrize("live", [True, False], ids=["live file", "growing WAV only"])
async def test_words_and_draft_are_there_while_the_call_runs_and_its_end_is_not_decoded_again(
    database: Database, settings: Settings, own_speech: Speech, start: Start, tracks: Tracks, spoken: Words, live: bool
) -> None:
    call = GrowingCall(settings.data_dir, RECORDING, tracks, live=live)
    async with start():
        await call.grow(0, 9.0, SPEED)
        await _until(database, "SELECT count(*) > 0 FROM utterances")
        await _until(database, "SELECT count(*) FROM tickets", 1)
        assert (await _call_json(database))["transcript_state"] == "live"
        assert await _one(database, "SELECT state FROM transcripts") == "live"
        await call.grow(9.0, call.seconds, SPEED)
        call.end()
        await _until(database, "SELECT state FROM recordings", "transcribed")
        assert await _one(database, "SELECT count(*) FROM live_claims") == 0
    assert await _words(database) == spoken
    assert await _one(database, "SELECT reason FROM recordings") is None
    assert (await _call_json(database))["transcript_state"] == "complete"
    row = "SELECT state || ' ' || model || ' ' || made_at FROM transcripts"
    before = await _one(database, row), await _one(database, "SELECT changed_at FROM tickets")
    await _batch(database, settings, own_speech)
    assert (await _one(database, row), await _one(database, "SELECT changed_at FROM tickets")) == before
    async with database.session() as session:
        found = await recordings.find(session, RECORDING)
        ticket = await tickets.find_by_call(session, "1.1")
    assert found is not None
    assert ticket is not None
    assert (found.reason, round(found.duration_seconds or 0)) == (None, round(call.seconds))
    assert ticket.fields["contact_phone"]["value"] == "13800123456"


CLAIMED = "SELECT count(*) = 1 FROM live_claims"
SOME = "SELECT count(*) BETWEEN 1 AND 3 FROM utterances"
ALL = "SELECT count(*) = 4 FROM utterances"
FINISHED = "SELECT state = 'transcribed' FROM recordings"


@pytest.mark.parametrize(
    ("stage", "seconds"),
    [(CLAIMED, 0.5), (SOME, 8.0), (ALL, 99.0), (FINISHED, 99.0)],
    ids=["claimed", "some", "all", "finished"],
)
@pytest.mark.parametrize("successor", ["another worker", "the job"])
async def test_wherever_live_transcription_is_cut_the_words_are_those_of_the_whole_recording(
    database: Database,
    settings: Settings,
    own_speech: Speech,
    start: Start,
    tracks: Tracks,
    spoken: Words,
    stage: str,
    seconds: float,
    successor: str,
) -> None:
    call = GrowingCall(settings.data_dir, RECORDING, tracks)
    async with start("first"):
        await call.grow(0, min(seconds, call.seconds), SPEED)
        if stage == FINISHED:
            call.end()
        await _until(database, stage)
    if successor == "another worker":
        async with start("second"):
            if stage != FINISHED:
                await _until(database, "SELECT worker FROM live_claims WHERE expires_at > now()", "second")
            call.end()
            await _until(database, FINISHED)
    else:
        call.end()
        name = names.parse(RECORDING)
        assert name is not None
        async with database.session() as session:
            await recordings.note_finished(session, name)
        await _batch(database, settings, own_speech)
    assert await _words(database) == spoken
    assert await _one(database, "SELECT string_agg(state, ' ') FROM transcripts") == "complete"
    assert await _one(database, "SELECT count(*) FROM tickets") == 1


async def test_the_job_of_a_call_that_ended_waits_for_the_worker_that_writes_its_end(
    database: Database, settings: Settings, own_speech: Speech, start: Start, tracks: Tracks, spoken: Words
) -> None:
    call = GrowingCall(settings.data_dir, RECORDING, tracks)
    async with start():
        await _until(database, CLAIMED)
        call.end()
        await _until(database, "SELECT state <> 'recording' FROM recordings")
        await _batch(database, settings, own_speech)
        assert await _one(database, "SELECT state FROM recordings") == "transcribed"
    assert await _words(database) == spoken
    assert await _one(database, "SELECT extract(epoch FROM scheduled_at - now()) > 0 FROM procrastinate_jobs")


async def test_a_recording_that_ends_without_its_mark_is_written_to_its_end(
    database: Database, settings: Settings, start: Start, tracks: Tracks, spoken: Words
) -> None:
    call = GrowingCall(settings.data_dir, RECORDING, tracks)
    async with start():
        await call.grow(0, call.seconds, SPEED)
        call.end(mark=False)
        await _until(database, ALL)
        name = names.parse(RECORDING)
        assert name is not None
        async with database.session() as session:
            await recordings.note_finished(session, name, "no mark")
        await _until(database, FINISHED)
    assert await _one(database, "SELECT reason FROM recordings") == "no mark"
    assert (await _call_json(database))["transcript_state"] == "partial"
    assert await _words(database) == spoken


async def test_what_an_agent_confirmed_stays_while_the_draft_follows_the_words(
    database: Database, settings: Settings, start: Start, tracks: Tracks
) -> None:
    call = GrowingCall(settings.data_dir, RECORDING, tracks)
    async with start():
        await call.grow(0, 8.0, SPEED)
        await _until(database, "SELECT count(*) FROM tickets", 1)
        async with database.session() as session:
            ticket = await tickets.find_by_call(session, "1.1")
            assert ticket is not None
            ticket.fields = {**ticket.fields, "place": {**ticket.fields["place"], "value": "我家", "confirmed": True}}
        call.end()
        await _until(database, FINISHED)
    async with database.session() as session:
        ticket = await tickets.find_by_call(session, "1.1")
    assert ticket is not None
    assert ticket.fields["place"]["value"] == "我家"
    assert ticket.fields["contact_phone"]["value"] == "13800123456"


async def test_a_worker_that_cannot_keep_up_says_so_and_leaves_the_call_to_its_job(
    database: Database, settings: Settings, own_speech: Speech, start: Start, tracks: Tracks, spoken: Words
) -> None:
    own_speech.live = LiveSettings(lease_seconds=1, lag_limit_seconds=2)
    call = GrowingCall(settings.data_dir, RECORDING, tracks)
    async with start() as decoders:
        await call.grow(0, 6.0, SPEED)
        await _until(database, "SELECT count(*) > 0 FROM utterances")
        (child,) = decoders.pids()
        os.kill(child, signal.SIGSTOP)
        await call.grow(6.0, call.seconds, SPEED)
        await _until(database, "SELECT state FROM live_claims", "deferred")
        assert await _one(database, "SELECT reason FROM live_claims") == TOO_MUCH
        assert (await _call_json(database))["transcript_state"] == "deferred"
        call.end()
        await _until(database, "SELECT state FROM recordings", "stored")
        await _batch(database, settings, own_speech)
        os.kill(child, signal.SIGCONT)
    assert await _words(database) == spoken
    assert (await _call_json(database))["transcript_state"] == "complete"


async def test_a_recording_that_cannot_be_heard_live_is_left_to_its_job_which_says_why(
    database: Database, settings: Settings, own_speech: Speech, start: Start
) -> None:
    settings.recordings_dir.mkdir(parents=True)
    for suffix in ("", "-agent", "-citizen"):
        (settings.recordings_dir / f"{RECORDING}{suffix}.wav").write_bytes(b"a letter, not a sound" * 99)
    async with start():
        await _until(database, "SELECT count(*) = 1 FROM live_claims")
        (settings.recordings_dir / f"{RECORDING}.done").touch()
        await _until(database, "SELECT state FROM live_claims", "deferred")
        await _until(database, "SELECT state FROM recordings", "stored")
        await _batch(database, settings, own_speech)
    assert await _one(database, "SELECT state FROM recordings") == "failed"
    assert "not a WAV file" in await _one(database, "SELECT reason FROM tickets")


async def test_a_call_whose_words_cannot_be_stored_is_left_to_its_job_and_the_worker_goes_on(
    database: Database, settings: Settings, own_speech: Speech, start: Start, tracks: Tracks, spoken: Words
) -> None:
    city, broken = own_speech.city, cast("Taxonomy", object())
    own_speech.city = replace(city, taxonomy=broken)
    call = GrowingCall(settings.data_dir, RECORDING, tracks)
    async with start():
        await call.grow(0, 6.0, SPEED)
        await _until(database, "SELECT state FROM live_claims", "deferred")
        assert str(await _one(database, "SELECT reason FROM live_claims")).startswith(NOT_STORED)
        own_speech.city = city
        call.end()
        await _until(database, "SELECT state FROM recordings", "stored")
        await _batch(database, settings, own_speech)
    assert await _words(database) == spoken


async def test_calls_of_a_queue_have_its_model_and_a_new_one_is_taken_up_without_losing_the_old_calls(
    database: Database,
    settings: Settings,
    speech_model: SpeechModel,
    start: Start,
    tracks: Tracks,
    spoken: Words,
    own_speech: Speech,
) -> None:
    another = speech_model.path.parent / "another-8k"
    shutil.copytree(speech_model.path, another, dirs_exist_ok=True)
    second_id = RECORDING.replace("1.1--", "1.2--")
    first = GrowingCall(settings.data_dir, RECORDING, tracks)
    async with start():
        await first.grow(0, 6.0, SPEED)
        await _until(database, "SELECT count(*) > 0 FROM utterances")
        settings.data_dir.mkdir(exist_ok=True)
        settings.ports_file.write_text('[speech]\nmodel = "another-8k"\n')
        own_speech.refresh()
        second = GrowingCall(settings.data_dir, second_id, tracks)
        await asyncio.gather(first.grow(6.0, first.seconds, SPEED), second.grow(0, second.seconds, SPEED))
        first.end()
        second.end()
        await _until(database, "SELECT bool_and(state = 'transcribed') FROM recordings")
        shutil.rmtree(another)
    assert await _one(database, "SELECT string_agg(model, ' ' ORDER BY call_ref) FROM transcripts") == (
        f"{speech_model.name} another-8k"
    )
    assert await _words(database) == await _words(database, "1.2") == spoken
