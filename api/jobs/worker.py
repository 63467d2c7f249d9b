"""The worker process: finds recordings, transcribes them, drafts tickets; any number of them may run."""

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta

from procrastinate import App, JobContext
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException

from api.accounts import service as accounts
from api.heartbeats.service import Pulse, beat
from api.jobs.discovery import Discovery
from api.jobs.faults import PASSING_FAULTS
from api.jobs.live import LiveTranscription
from api.jobs.queue import LIVE_SECONDS, QUEUE, TASK, BackOff, defer_transcription, open_queue
from api.jobs.speech import Speech
from api.jobs.transcription import HeardLive, transcribe_recording
from api.kit import logs
from api.kit.changes import ChangeRepository
from api.kit.clock import now
from api.kit.database import Database, url_of
from api.kit.settings import Settings
from api.queues.rollup import roll_up_all
from api.recordings import names
from asr.live import LiveDecoders
from asr.recognizer import DecoderPool

log = logs.get(__name__)
# So many signs of life fit into the time after which a worker counts as dead.
_SIGNS_OF_LIFE = 5
_CLOSE_EVERY_SECONDS = 5.0
_STALLED_EVERY_SECONDS = 2.0
_REFRESH_EVERY_SECONDS = 1.0
_PRUNE_EVERY_SECONDS = 3600.0
_ROLL_UP_EVERY_SECONDS = 2.0
_LONGEST_WAIT_SECONDS = 30.0
# One life of one process: what it claimed is free to it again when its database comes back.
_WORKER = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"


async def run_worker(settings: Settings) -> None:
    """Work until SIGTERM or SIGINT; a running job is finished first.

    A database that is away is waited for, with growing pauses. Raises AsrError at once when the speech model or its
    configuration cannot be used.
    """
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    processes = settings.speech.process_count()
    with DecoderPool(processes) as pool:
        speech = await asyncio.to_thread(Speech, settings, pool)
        log.info("worker_started", model=speech.model_names, recordings=str(settings.recordings_dir))
        async with LiveDecoders(processes) as decoders:
            await _work_on(settings, speech, decoders, stopping)
    log.info("worker_stopped")


async def _work_on(settings: Settings, speech: Speech, decoders: LiveDecoders, stopping: asyncio.Event) -> None:
    wait_seconds = 1.0
    while not stopping.is_set():
        began = time.monotonic()
        try:
            await work(settings, speech, decoders, stopping)
        except* PASSING_FAULTS as faults:
            if time.monotonic() - began > _LONGEST_WAIT_SECONDS:
                wait_seconds = 1.0
            log.warning("worker_waits", seconds=wait_seconds, reason=str(faults.exceptions[0]))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stopping.wait(), wait_seconds)
            wait_seconds = min(_LONGEST_WAIT_SECONDS, wait_seconds * 2)


async def work(settings: Settings, speech: Speech, decoders: LiveDecoders, stopping: asyncio.Event) -> None:
    """Work until `stopping` is set or a part fails; faults arrive as an ExceptionGroup."""
    database = Database(url_of(settings), pool_size=4)
    queue = open_queue(url_of(settings))
    _register(queue, settings, speech, database)
    discovery = Discovery(database, queue, settings.recordings_dir)
    live = LiveTranscription(settings, speech, decoders, database, _WORKER)
    try:
        async with queue.open_async(), asyncio.TaskGroup() as tasks:
            running = [
                tasks.create_task(_keep_looking(discovery, settings)),
                tasks.create_task(_every(_CLOSE_EVERY_SECONDS, lambda: _close(discovery, settings))),
                tasks.create_task(_every(_STALLED_EVERY_SECONDS, lambda: retry_stalled(queue, settings))),
                tasks.create_task(_every(_PRUNE_EVERY_SECONDS, lambda: _prune(database))),
                tasks.create_task(_every(_ROLL_UP_EVERY_SECONDS, lambda: roll_up_all(database))),
                tasks.create_task(_every(_REFRESH_EVERY_SECONDS, lambda: asyncio.to_thread(speech.refresh))),
                tasks.create_task(beat(database, "worker", lambda: _pulse(speech, live))),
                tasks.create_task(_transcribe_live(live)),
                tasks.create_task(
                    queue.run_worker_async(
                        queues=[QUEUE],
                        concurrency=settings.speech.process_count(),
                        install_signal_handlers=False,
                        update_heartbeat_interval=settings.worker.stalled_seconds / _SIGNS_OF_LIFE,
                        stalled_worker_timeout=settings.worker.stalled_seconds,
                        fetch_job_polling_interval=2.0,
                        delete_jobs="successful",
                    )
                ),
            ]
            await stopping.wait()
            for task in running:
                task.cancel()
    finally:
        await database.close()


def _register(queue: App, settings: Settings, speech: Speech, database: Database) -> None:
    @queue.task(name=TASK, queue=QUEUE, retry=BackOff(), pass_context=True)
    async def _transcribe(context: JobContext, recording_id: str) -> None:
        try:
            await transcribe_recording(
                database,
                speech,
                settings.recordings_dir,
                settings.timezone,
                recording_id,
                attempt=context.job.attempts + 1,
            )
        except HeardLive:
            await _ask_again(queue, database, recording_id)


async def _ask_again(queue: App, database: Database, recording_id: str) -> None:
    """Order the job anew: to wait for a live worker is no failed attempt."""
    name = names.parse(recording_id)
    if name is None:
        return
    # Somebody ordered one already: that will do.
    with contextlib.suppress(AlreadyEnqueued):
        async with database.session() as session:
            await defer_transcription(queue, session, recording_id, name.call_ref, wait_seconds=LIVE_SECONDS)


async def _transcribe_live(live: LiveTranscription) -> None:
    try:
        await live.run()
    finally:
        # At once, while jobs that run are still being finished. Without a database the claims run out by themselves.
        with contextlib.suppress(*PASSING_FAULTS):
            await live.release()


def _pulse(speech: Speech, live: LiveTranscription) -> Pulse:
    calls, lag_seconds = live.pulse
    return Pulse(lag_seconds=lag_seconds, detail=speech.model_names if not calls else f"{speech.model_names} ({calls})")


async def retry_stalled(queue: App, settings: Settings) -> None:
    """Give the jobs of workers that show no sign of life to others."""
    stalled = await queue.job_manager.get_stalled_jobs(
        queue=QUEUE, seconds_since_heartbeat=settings.worker.stalled_seconds
    )
    for job in stalled:
        # Another worker may have been faster: then the job is no longer `doing` and PostgreSQL says so.
        with contextlib.suppress(ConnectorException):
            await queue.job_manager.retry_job(job)
            log.warning("job_taken_over", job_id=job.id, recording_id=job.task_kwargs.get("recording_id"))


async def _keep_looking(discovery: Discovery, settings: Settings) -> None:
    while True:
        await discovery.look()
        await asyncio.sleep(settings.worker.poll_seconds)


async def _close(discovery: Discovery, settings: Settings) -> None:
    await discovery.close_unfinished(now(), timedelta(seconds=settings.worker.unfinished_seconds))


async def _prune(database: Database) -> None:
    async with database.session() as session:
        await ChangeRepository(session).prune(now())
        await accounts.drop_expired_sessions(session, now())


async def _every(seconds: float, act: Callable[[], Awaitable[object]]) -> None:
    while True:
        await act()
        await asyncio.sleep(seconds)
