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
from api.recordings.models import RecordingRow
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
class _Place:
    """A folder of recordings, and what of it was stored already."""

    folder: Path
    outward: bool
    growing: set[str] = field(default_factory=set)
    finished: set[str] = field(default_factory=set)
    changed_ns: int = 0

    def time_ns(self) -> int:
        """When a file of the folder came or went last."""
        try:
            return self.folder.stat().st_mtime_ns
        except FileNotFoundError:
            # Asterisk makes it with the first recording.
            return 0


class Discovery:
    """Looks at the recordings' folders; keeps in mind what it stored already, so that looking again is cheap."""

    def __init__(self, database: Database, queue: App, folder: Path) -> None:
        self.database, self.queue, self.folder = database, queue, folder
        self._places = (_Place(folder, outward=False), _Place(folder / names.OUTWARD, outward=True))

    async def look(self) -> int:
        """Store recordings that appeared or were completed since the last look; returns how many were completed."""
        return sum([await self._look_at(place) for place in self._places])

    async def _look_at(self, place: _Place) -> int:
        changed_ns = place.time_ns()
        if changed_ns == place.changed_ns:
            return 0
        growing, finished = scan(place.folder, outward=place.outward)
        # The longest waiting first.
        new = sorted((name for key, name in finished.items() if key not in place.finished), key=_started)
        for start in range(0, len(new), _BATCH):
            batch = new[start : start + _BATCH]
            await self._take(batch)
            place.finished |= {name.recording_id for name in batch}
        begun = [name for key, name in growing.items() if key not in place.growing]
        if begun:
            async with self.database.session() as session:
                for name in begun:
                    await service.note_growing(session, name)
        # What vanished from the folder need not be remembered.
        place.growing = set(growing)
        place.finished &= finished.keys()
        # Noted last: a look that failed is repeated. A file made right after this look may leave the folder's time as
        # it is (the kernel's clock ticks in milliseconds), so a young time is not trusted.
        place.changed_ns = 0 if time.time_ns() - changed_ns < _YOUNG_NS else changed_ns
        return len(new)

    async def close_unfinished(self, now: datetime, patience: timedelta) -> int:
        """Order the transcription of what will never be marked complete; returns how many there were.

        These are recordings without a mark, or without any file, `patience` after their call ended, and recordings
        whose job was lost.
        """
        closed = 0
        async with self.database.session() as session:
            repository = RecordingRepository(session)
            rows = await repository.unfinished(now - patience, _BATCH)
            left = [row for row in rows if not self._still_grows(row, now - patience)]
            unmarked = [names.parse(row.recording_id, outward=row.outward) for row in left]
            unseen = await repository.never_seen(now - patience, now - _LOOK_BACK, _BATCH)
            for name, reason in [(name, NO_MARK) for name in unmarked] + [(name, NO_FILE) for name in unseen]:
                if name is not None and await service.note_finished(session, name, reason):
                    await defer_transcription(self.queue, session, name.recording_id, name.call_ref)
                    log.warning("recording_unfinished", recording_id=name.recording_id, reason=reason)
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

    def _still_grows(self, row: RecordingRow, since: datetime) -> bool:
        """Say whether a third party goes on after the call's agent left, whose end alone is known."""
        files = (self.folder / file for file in (row.mixed_file, row.agent_file, row.citizen_file))
        return row.outward and any(file.exists() and file.stat().st_mtime > since.timestamp() for file in files)


def _started(name: RecordingName) -> datetime:
    return name.started_at


def scan(folder: Path, *, outward: bool = False) -> tuple[dict[str, RecordingName], dict[str, RecordingName]]:
    """Return the recordings of a folder: those still growing, and those marked complete. Other files are ignored."""
    seen: dict[str, RecordingName] = {}
    finished: dict[str, RecordingName] = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            found = names.of_file(entry.name, outward=outward)
            if found is None:
                continue
            name, done = found
            (finished if done else seen)[name.recording_id] = name
    return {key: name for key, name in seen.items() if key not in finished}, finished
