"""Transcribes recordings while they grow: claims them, follows them, stores what is heard, leaves what is too much.

Every way out is safe: a recording that is over and not transcribed always has a job (it is ordered when the completion
mark is found), and the job only waits while a valid claim says that the end of the call is being written.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

from api.jobs.faults import PASSING_FAULTS
from api.jobs.live_call import LiveCall, draft_pause_seconds, fresh, grown, spoken
from api.jobs.speech import Speech
from api.jobs.talk import Talk, taken_back
from api.jobs.transcription import store_call_draft
from api.kit import logs
from api.kit.database import Database
from api.kit.settings import Settings
from api.live import partials, service
from api.live.repository import ClaimRepository
from api.live.service import Claimed, ClaimLost
from api.live.shedding import Load, shed
from api.recordings import names
from api.recordings.models import RecordingRow
from api.recordings.repository import RecordingRepository
from api.transcripts import service as transcripts
from asr.audio import Speaker
from asr.errors import AsrError
from asr.live import Finished, GivenUp, Heard, LiveDecoders, LiveTrack, Partial
from asr.model import SpeechModel

log = logs.get(__name__)
_BATCH = 50
_WRITERS = 3
_LOOK_FOR_ENDS_SECONDS = 0.1
_TEND_SECONDS = 2.0
# A file that was not written to for so long is no running call.
_STILL_SECONDS = 120.0
# After leaving calls to jobs, a worker takes no new ones for so long.
_CALM_SECONDS = 10.0
# A finished recording whose decoding does not get on for so long is left to its job.
_NO_END_SECONDS = 30.0
SPEAKERS: tuple[Speaker, ...] = ("agent", "citizen")
TOO_MUCH = "Too many calls at once for this machine: transcribed after the call."
NO_END = "Live decoding did not come to its end: transcribed again after the call."
NOT_STORED = "What was heard live could not be stored: tried again after the call."
NO_SOUND = "Live decoding found no sound: tried again after the call."


class LiveTranscription:
    """The live part of one worker; `run()` does it, `release()` gives all claims back."""

    def __init__(
        self, settings: Settings, speech: Speech, decoders: LiveDecoders, database: Database, worker: str
    ) -> None:
        self._settings = settings
        self._speech = speech
        self._decoders = decoders
        self._database = database
        self._worker = worker
        self._talk = Talk(database)
        self._calls: dict[str, LiveCall] = {}
        self._writers = asyncio.Semaphore(_WRITERS)
        self._tasks: asyncio.TaskGroup
        self._calm_until = 0.0
        # Models that said something: while one is loaded, which can take half a minute, its calls are not behind.
        self._loaded: set[SpeechModel] = set()

    @property
    def pulse(self) -> tuple[int, float]:
        """How many calls are transcribed live, and by how many seconds the slowest is behind."""
        lags = self._decoders.lag_seconds()
        return len(self._calls), max((lags.get(key, 0.0) for key in self._calls), default=0.0)

    async def run(self) -> None:
        """Transcribe until cancelled; a database that is away ends it with that error, the claims then run out."""
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._listen())
                tasks.create_task(self._talk.run())
                tasks.create_task(_every(lambda: self._settings.worker.poll_seconds, self._claim))
                tasks.create_task(_every(lambda: _LOOK_FOR_ENDS_SECONDS, self._look_for_ends))
                tasks.create_task(_every(lambda: min(_TEND_SECONDS, self._lease.total_seconds() / 3), self._tend))
        finally:
            for recording_id in list(self._calls):
                await self._forget(recording_id)

    async def release(self) -> None:
        """Give all claims back at once, so that another worker need not wait for them to run out."""
        async with self._database.session() as session:
            await ClaimRepository(session).release(self._worker)

    @property
    def _lease(self) -> timedelta:
        return timedelta(seconds=self._speech.live.lease_seconds)

    async def _claim(self) -> None:
        if not self._speech.live.enabled or time.monotonic() < self._calm_until:
            return
        async with self._database.session() as session:
            free = await ClaimRepository(session).free(self._worker, _BATCH + len(self._calls))
        mine = [row for row in free if row.recording_id not in self._calls]
        for row in await asyncio.to_thread(self._running, mine):
            async with self._database.session() as session:
                claimed = await service.claim(session, row.recording_id, self._worker, self._lease)
            if claimed is not None:
                await self._open(claimed)

    def _running(self, rows: list[RecordingRow]) -> list[RecordingRow]:
        """Keep those whose sound is written on this machine now."""
        fresh_since = time.time() - _STILL_SECONDS
        found = []
        for row in rows:
            written = [
                _written_at(path) for track in self._tracks(row) for path in (track.live, track.recording) if path
            ]
            if max(written) > fresh_since:
                found.append(row)
        return found

    def _tracks(self, row: RecordingRow, heard: Callable[[Speaker], float] = lambda _: 0.0) -> list[LiveTrack]:
        name = names.parse(row.recording_id)
        if name is None:
            return []
        return [
            LiveTrack(
                speaker,
                self._settings.live_dir / name.live_file(speaker),
                self._settings.recordings_dir / name.file(speaker),
                heard(speaker),
            )
            for speaker in SPEAKERS
        ]

    async def _open(self, claimed: Claimed) -> None:
        recording, model = claimed.recording, self._speech.model(claimed.queue)
        call = LiveCall(recording, model, claimed.live)
        self._calls[recording.recording_id] = call
        tracks = self._tracks(recording, lambda speaker: claimed.live.heard_seconds[speaker])
        log.info(
            "live_claimed", recording_id=recording.recording_id, model=model.name, heard=claimed.live.heard_seconds
        )
        try:
            await self._decoders.open(recording.recording_id, tracks, model, self._speech.city.names)
        except AsrError as error:
            await self._defer(call, str(error))
            return
        self._tasks.create_task(self._write(call))

    async def _listen(self) -> None:
        async for event in self._decoders.events():
            call = self._calls.get(event.recording_id)
            if call is None:
                continue
            self._loaded.add(call.model)
            match event:
                case Partial():
                    self._talk.say(call.recording.call_ref, event)
                case Heard():
                    self._talk.heard(event)
                    call.waiting.append(event)
                case Finished():
                    call.finished = event
                case GivenUp():
                    await self._defer(call, event.reason)
            call.woken.set()

    async def _look_for_ends(self) -> None:
        running = [call for call in self._calls.values() if call.finishing_since is None]
        for call in await asyncio.to_thread(self._done, running):
            await self._finish(call)

    def _done(self, calls: list[LiveCall]) -> list[LiveCall]:
        return [call for call in calls if (self._settings.recordings_dir / f"{call.recording_id}{names.DONE}").exists()]

    async def _finish(self, call: LiveCall) -> None:
        if call.finishing_since is None:
            call.finishing_since = time.monotonic()
            await self._decoders.finish(call.recording_id)

    async def _tend(self) -> None:
        """Keep the models loaded, renew the leases; notice what was taken away, does not end, or is too much."""
        self._decoders.keep(self._speech.models if self._speech.live.enabled else ())
        lags = self._decoders.lag_seconds()
        wanted = {key: lags.get(key, 0.0) for key in self._calls}
        async with self._database.session() as session:
            kept = await ClaimRepository(session).renew(self._worker, wanted, self._lease)
            states = await RecordingRepository(session).states(list(wanted))
        for recording_id in wanted.keys() - kept:
            if recording_id in self._calls:
                log.warning("live_claim_lost", recording_id=recording_id)
                await self._forget(recording_id)
        loads = []
        for call in [self._calls[key] for key in wanted if key in self._calls]:
            lag, before = wanted[call.recording_id], call.lag_before_seconds
            call.lag_before_seconds = lag if call.model in self._loaded else None
            if states.get(call.recording_id) != "recording":
                await self._finish(call)
            if call.finishing_since is None:
                loads.append(Load(call.recording_id, call.recording.started_at, lag, before))
            elif before is not None and lag < before:
                call.finishing_since = time.monotonic()
            elif time.monotonic() - call.finishing_since > _NO_END_SECONDS:
                await self._defer(call, NO_END)
        for recording_id in shed(loads, self._speech.live.lag_limit_seconds):
            self._calm_until = time.monotonic() + _CALM_SECONDS
            await self._defer(self._calls[recording_id], TOO_MUCH)

    async def _defer(self, call: LiveCall, reason: str) -> None:
        await self._forget(call.recording_id)
        try:
            async with self._database.session() as session:
                await service.defer(session, call.recording_id, self._worker, reason)
        except ClaimLost:
            log.warning("live_claim_lost", recording_id=call.recording_id)
        else:
            log.warning("live_deferred", recording_id=call.recording_id, reason=reason)

    async def _forget(self, recording_id: str) -> None:
        call = self._calls.pop(recording_id, None)
        if call is not None:
            call.woken.set()
            await self._decoders.close(recording_id)

    async def _write(self, call: LiveCall) -> None:
        """Store what is heard, all that waits together in one transaction, until the call ends or is not ours."""
        while self._calls.get(call.recording_id) is call:
            timeout = max(0.0, call.draft_due - time.monotonic()) if call.draft_is_old else None
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(call.woken.wait(), timeout)
            call.woken.clear()
            if self._calls.get(call.recording_id) is not call:
                return
            due = call.draft_is_old and time.monotonic() >= call.draft_due
            if not call.worth_writing and not due:
                continue
            async with self._writers:
                finished, waiting = call.finished, call.waiting
                call.waiting = []
                if finished is not None and finished.duration_seconds <= 0:
                    await self._defer(call, " ".join(finished.faults) or NO_SOUND)
                    return
                try:
                    await self._store(call, fresh(call.live, waiting), finished)
                except ClaimLost:
                    log.warning("live_claim_lost", recording_id=call.recording_id)
                    await self._forget(call.recording_id)
                    return
                except PASSING_FAULTS:
                    raise
                except Exception as error:  # one call that cannot be stored must not end the others
                    log.exception("live_not_stored", recording_id=call.recording_id)
                    await self._defer(call, f"{NOT_STORED} ({type(error).__name__})")
                    return
            if finished is not None:
                log.info("live_finished", recording_id=call.recording_id, utterances=len(call.live.utterances))
                await self._forget(call.recording_id)

    async def _store(self, call: LiveCall, heard: list[Heard], finished: Finished | None) -> None:
        live = grown(call.live, heard, call.model.name)
        drafts = finished is not None or (bool(live.utterances) and time.monotonic() >= call.draft_due)
        cost_seconds = 0.0
        async with self._database.session() as session:
            recording = await service.hold(session, call.recording_id, self._worker)
            if finished is None:
                if heard:
                    await transcripts.append_live(session, recording, live.model, live.heard_seconds, spoken(heard))
            else:
                faults = [*finished.faults, *([recording.reason] if recording.reason else [])]
                await transcripts.finish_live(
                    session,
                    recording,
                    live,
                    spoken(heard),
                    duration_seconds=finished.duration_seconds,
                    reason=" ".join(dict.fromkeys(faults)) or None,
                )
                await ClaimRepository(session).drop(call.recording_id)
            if drafts:
                cost_seconds = await store_call_draft(
                    session, self._speech.city, self._settings.timezone, recording.call_ref, (call.recording_id, live)
                )
            await partials.send(session, taken_back(recording.call_ref, heard))
        call.live = live
        if drafts:
            call.drafted = len(live.utterances)
            call.draft_due = time.monotonic() + draft_pause_seconds(cost_seconds, len(self._calls))


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


async def _every(seconds: Callable[[], float], act: Callable[[], Awaitable[None]]) -> None:
    while True:
        await act()
        await asyncio.sleep(seconds())
