"""Finding recordings on disk; nothing but their names is needed, neither the router nor Asterisk."""

import os
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from procrastinate import App

from api.jobs.queue import LIVE_SECONDS, TASK, defer_transcription
from api.kit import logs
from api.kit.database import Database
from api.live import service as live
from api.recordings import names, service
from api.recordings.names import RecordingName
from api.recordings.repository import RecordingRepository

log = logs.get(__name__)
_BATCH = 200
_YOUNG_NS = 100_000_000
NO_MARK = "Asterisk left no completion mark (it died, or the disk was full): what is there was transcribed."
NO_FILE = "Asterisk named this recording but wrote no file (disk full?)."
# Older calls are not searched for missing files again and again.
_LOOK_BACK = timedelta(days=2)
# A job is given this long to appear before it counts as lost.
_JOB_GRACE = timedelta(seconds=60)


@dataclass(slots=True)
class Discovery:
    """Looks at the recordings' folder; keeps in mind what it stored already, so that looking again is cheap."""

    database: Database
    queue: App
    folder: Path
    _growing: set[str] = field(default_factory=set)
    _finished: set[str] = field(default_factory=set)
    _folder_changed_ns: int = 0

    async def look(self) -> int:
        """Store recordings that appeared or were completed since the last look; returns how many were completed."""
        changed_ns = self._folder_time()
        if changed_ns == self._folder_changed_ns:
            return 0
        growing, finished = scan(self.folder)
        # The longest waiting first.
        new = sorted((name for key, name in finished.items() if key not in self._finished), key=_started)
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            await self._take(batch)
            self._finished |= {name.recording_id for name in batch}
        begun = [name for key, name in growing.items() if key not in self._growing]
        if begun:
            async with self.database.session() as session:
                for name in begun:
                    await service.note_growing(session, name)
        # What vanished from the folder need not be remembered.
        self._growing = set(growing)
        self._finished &= finished.keys()
        # Noted last: a look that failed is repeated. A file made right after this look may leave the folder's time as
        # it is (the kernel's clock ticks in milliseconds), so a young time is not trusted.
        self._folder_changed_ns = 0 if time.time_ns() - changed_ns < _YOUNG_NS else changed_ns
        return len(new)

    async def close_unfinished(self, now: datetime, patience: timedelta) -> int:
        """Order the transcription of what will never be marked complete; returns how many there were.

        These are recordings without a mark, or without any file, `patience` after their call ended, and recordings
        whose job was lost.
        """
        closed = 0
        async with self.database.session() as session:
            repository = RecordingRepository(session)
            unmarked = [row.recording_id for row in await repository.unfinished(now - patience, _BATCH)]
            unseen = await repository.never_seen(now - patience, now - _LOOK_BACK, _BATCH)
            for recording_id, reason in [(key, NO_MARK) for key in unmarked] + [(key, NO_FILE) for key in unseen]:
                name = names.parse(recording_id)
                if name is not None and await service.note_finished(session, name, reason):
                    await defer_transcription(self.queue, session, name.recording_id, name.call_ref)
                    log.warning("recording_unfinished", recording_id=recording_id, reason=reason)
                    closed += 1
            for row in await repository.without_job(TASK, now - _JOB_GRACE, _BATCH):
                await defer_transcription(self.queue, session, row.recording_id, row.call_ref)
                log.warning("recording_job_lost", recording_id=row.recording_id)
                closed += 1
        return closed

    async def _take(self, found: list[RecordingName]) -> None:
        async with self.database.session() as session:
            for name in found:
                if await service.note_finished(session, name):
                    # The worker that hears it live needs a moment for the end; its job then finds nothing to do.
                    wait_seconds = LIVE_SECONDS if await live.in_hands(session, name.recording_id) else 0
                    await defer_transcription(
                        self.queue, session, name.recording_id, name.call_ref, wait_seconds=wait_seconds
                    )
                    log.info("recording_found", recording_id=name.recording_id)

    def _folder_time(self) -> int:
        try:
            return self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            # Asterisk makes it with the first recording.
            return 0


def _started(name: RecordingName) -> datetime:
    return name.started_at


def scan(folder: Path) -> tuple[dict[str, RecordingName], dict[str, RecordingName]]:
    """Return the recordings of a folder: those still growing, and those marked complete. Other files are ignored."""
    seen: dict[str, RecordingName] = {}
    finished: dict[str, RecordingName] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            found = names.of_file(entry.name)
            if found is None:
                continue
            name, done = found
            (finished if done else seen)[name.recording_id] = name
    return {key: name for key, name in seen.items() if key not in finished}, finished
