"""All SQL about recordings."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, func, literal, or_, select, text, union_all, update
from sqlalchemy.dialects.postgresql import insert

from api.calls.models import CallRow, SegmentRow
from api.kit.repository import Repository
from api.outward.models import OutwardRow
from api.recordings import names
from api.recordings.models import RecordingRow
from api.recordings.names import RecordingName


class RecordingRepository(Repository):
    """Reads and writes recordings."""

    async def get(self, recording_id: str) -> RecordingRow | None:
        """Return one recording."""
        return await self.session.get(RecordingRow, recording_id, populate_existing=True)

    async def lock(self, recording_id: str) -> RecordingRow | None:
        """Return one recording that nobody else can change before this transaction ends."""
        return await self.session.get(RecordingRow, recording_id, populate_existing=True, with_for_update=True)

    async def by_calls(self, call_refs: Sequence[str]) -> dict[str, list[RecordingRow]]:
        """Return each call's recordings in the order in which they began."""
        rows = await self.session.scalars(
            select(RecordingRow)
            .where(RecordingRow.call_ref.in_(call_refs))
            .order_by(RecordingRow.started_at, RecordingRow.recording_id)
        )
        found: dict[str, list[RecordingRow]] = defaultdict(list)
        for row in rows:
            found[row.call_ref].append(row)
        return dict(found)

    async def states(self, recording_ids: Sequence[str]) -> dict[str, str]:
        """Return the states of those recordings that are known."""
        rows = await self.session.execute(
            select(RecordingRow.recording_id, RecordingRow.state).where(RecordingRow.recording_id.in_(recording_ids))
        )
        return {row[0]: row[1] for row in rows}

    async def insert_new(self, values: dict[str, Any]) -> bool:
        """Store a recording unless it is known; says whether it was new."""
        added = await self.session.scalar(
            insert(RecordingRow)
            .values(values)
            .on_conflict_do_nothing(index_elements=[RecordingRow.recording_id])
            .returning(RecordingRow.recording_id)
        )
        return added is not None

    async def finish(self, recording_id: str, reason: str | None) -> bool:
        """Note that nothing more will be written to a recording; says whether that is news."""
        changed = await self.session.scalar(
            update(RecordingRow)
            .where(RecordingRow.recording_id == recording_id, RecordingRow.state == "recording")
            .values(state="stored", reason=reason, stored_at=func.now())
            .returning(RecordingRow.recording_id)
        )
        return changed is not None

    async def set_result(self, recording_id: str, **values: Any) -> None:
        """Note what became of a recording."""
        await self.session.execute(update(RecordingRow).where(RecordingRow.recording_id == recording_id).values(values))

    async def unfinished(self, ended_before: datetime, limit: int) -> list[RecordingRow]:
        """Return recordings without a completion mark whose call ended before that moment."""
        rows = await self.session.scalars(
            select(RecordingRow)
            .outerjoin(CallRow, and_(CallRow.call_ref == RecordingRow.call_ref, ~RecordingRow.outward))
            .outerjoin(OutwardRow, and_(OutwardRow.dial_ref == RecordingRow.call_ref, RecordingRow.outward))
            .where(
                RecordingRow.state == "recording",
                or_(CallRow.ended_at < ended_before, OutwardRow.ended_at < ended_before),
            )
            .limit(limit)
        )
        return list(rows)

    async def never_seen(self, ended_before: datetime, ended_after: datetime, limit: int) -> list[RecordingName]:
        """Return recordings that Asterisk named in calls that ended between the moments, but wrote no file of."""
        called = (
            select(SegmentRow.recording_id, literal(value=False))
            .join(CallRow, CallRow.call_ref == SegmentRow.call_ref)
            .outerjoin(RecordingRow, RecordingRow.recording_id == SegmentRow.recording_id)
            .where(SegmentRow.recording_id.is_not(None), CallRow.ended_at.between(ended_after, ended_before))
        )
        placed = (
            select(OutwardRow.recording_id, literal(value=True))
            .outerjoin(RecordingRow, RecordingRow.recording_id == OutwardRow.recording_id)
            .where(OutwardRow.recording_id.is_not(None), OutwardRow.ended_at.between(ended_after, ended_before))
        )
        unknown = union_all(*(each.where(RecordingRow.recording_id.is_(None)) for each in (called, placed)))
        rows = await self.session.execute(unknown.limit(limit))
        found = (names.parse(str(recording_id), outward=outward) for recording_id, outward in rows)
        return [name for name in found if name is not None]

    async def without_job(self, task_name: str, found_before: datetime, limit: int) -> list[RecordingRow]:
        """Return recordings that wait for transcription while no job cares for them."""
        rows = await self.session.scalars(
            select(RecordingRow)
            .where(
                RecordingRow.state == "stored",
                func.coalesce(RecordingRow.stored_at, RecordingRow.found_at) < found_before,
                text(
                    "NOT EXISTS (SELECT FROM procrastinate_jobs AS job WHERE job.task_name = :task_name"
                    " AND job.status IN ('todo', 'doing') AND job.args ->> 'recording_id' = recordings.recording_id)"
                ).bindparams(task_name=task_name),
            )
            .limit(limit)
        )
        return list(rows)

    async def oldest_untranscribed_seconds(self) -> float | None:
        """Return how long the recording that waits longest for its transcription has, None where none waits."""
        since = func.coalesce(RecordingRow.stored_at, RecordingRow.found_at)
        age = await self.session.scalar(
            select(func.extract("epoch", func.now() - func.min(since))).where(RecordingRow.state == "stored")
        )
        return None if age is None else float(age)

    async def count_by_state(self) -> dict[str, int]:
        """Return how many recordings are in which state."""
        rows = await self.session.execute(select(RecordingRow.state, func.count()).group_by(RecordingRow.state))
        return {row[0]: row[1] for row in rows}
