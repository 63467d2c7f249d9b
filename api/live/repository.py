"""All SQL about claims.

Whoever claims a recording, writes what was heard in it, or begins its job, first locks the recording's row: two of
them never overlap. Leases are measured by the database's clock alone.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, Double, and_, bindparam, case, cast, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from api.kit.repository import Repository
from api.live.models import LiveClaimRow
from api.recordings.models import RecordingRow

_NOW = func.clock_timestamp()
_VALID = and_(LiveClaimRow.state == "live", LiveClaimRow.expires_at > _NOW)


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """Calls transcribed live by all workers now, how far the slowest is behind, how many were ever left to jobs."""

    calls: int
    lag_seconds: float
    deferred_total: int
    # Those of them whose call still runs or whose job has not run yet.
    deferred_now: int


class ClaimRepository(Repository):
    """Reads and writes claims."""

    async def free(self, worker: str, limit: int) -> list[RecordingRow]:
        """Return citizens' calls' recordings in progress that nobody transcribes, the earliest begun first.

        A claim of `worker` itself is free to it: it has forgotten it.
        """
        rows = await self.session.scalars(
            select(RecordingRow)
            .outerjoin(LiveClaimRow, LiveClaimRow.recording_id == RecordingRow.recording_id)
            .where(
                RecordingRow.state == "recording",
                ~RecordingRow.outward,
                or_(LiveClaimRow.recording_id.is_(None), _free_to(worker)),
            )
            .order_by(RecordingRow.started_at, RecordingRow.recording_id)
            .limit(limit)
        )
        return list(rows)

    async def take(self, recording_id: str, worker: str, lease: timedelta) -> bool:
        """Claim a recording unless another worker has it; says whether it was. The recording's row must be locked."""
        values = {"worker": worker, "state": "live", "expires_at": _NOW + lease, "lag_seconds": 0.0}
        taken = await self.session.scalar(
            insert(LiveClaimRow)
            .values(recording_id=recording_id, **values)
            .on_conflict_do_update(index_elements=[LiveClaimRow.recording_id], set_=values, where=_free_to(worker))
            .returning(LiveClaimRow.recording_id)
        )
        return taken is not None

    async def renew(self, worker: str, lags: Mapping[str, float], lease: timedelta) -> set[str]:
        """Prolong the worker's leases on these recordings and note their lags; returns those it still has."""
        if not lags:
            return set()
        lag = case(lags, value=LiveClaimRow.recording_id, else_=cast(bindparam("none", 0.0), Double))
        rows = await self.session.scalars(
            update(LiveClaimRow)
            .where(LiveClaimRow.recording_id.in_(list(lags)), LiveClaimRow.worker == worker, _VALID)
            .values(expires_at=_NOW + lease, lag_seconds=lag)
            .returning(LiveClaimRow.recording_id),
            execution_options={"synchronize_session": False},
        )
        return set(rows)

    async def holds(self, recording_id: str, worker: str | None = None) -> bool:
        """Say whether `worker` (None: any) transcribes a recording live now. The recording's row must be locked."""
        query = select(LiveClaimRow.recording_id).where(LiveClaimRow.recording_id == recording_id, _VALID)
        if worker is not None:
            query = query.where(LiveClaimRow.worker == worker)
        return await self.session.scalar(query) is not None

    async def drop(self, recording_id: str) -> None:
        """Forget who transcribes a recording; that it was deferred stays noted."""
        await self.session.execute(
            delete(LiveClaimRow).where(LiveClaimRow.recording_id == recording_id, LiveClaimRow.state == "live")
        )

    async def release(self, worker: str) -> None:
        """Give up all leases of a worker."""
        await self.session.execute(
            delete(LiveClaimRow).where(LiveClaimRow.worker == worker, LiveClaimRow.state == "live")
        )

    async def defer(self, recording_id: str, worker: str, reason: str) -> bool:
        """Leave a recording that `worker` holds to the job after its call; says whether it still held it."""
        changed = await self.session.scalar(
            update(LiveClaimRow)
            .where(LiveClaimRow.recording_id == recording_id, LiveClaimRow.worker == worker, _VALID)
            .values(state="deferred", reason=reason, lag_seconds=0.0)
            .returning(LiveClaimRow.recording_id)
        )
        return changed is not None

    async def states(self, call_refs: Sequence[str]) -> dict[str, str]:
        """Return, of these calls' recordings that are not transcribed yet, which are `live` and which `deferred`."""
        rows = await self.session.execute(
            select(LiveClaimRow.recording_id, LiveClaimRow.state)
            .join(RecordingRow, RecordingRow.recording_id == LiveClaimRow.recording_id)
            .where(
                RecordingRow.call_ref.in_(call_refs),
                RecordingRow.state.in_(("recording", "stored")),
                or_(LiveClaimRow.state == "deferred", _VALID),
            )
        )
        return {row[0]: row[1] for row in rows}

    async def figures(self) -> LiveFigures:
        """Return what all workers do live."""
        live = (
            await self.session.execute(select(func.count(), func.max(LiveClaimRow.lag_seconds)).where(_VALID))
        ).one()
        deferred = (
            await self.session.execute(
                select(func.count(), func.count().filter(RecordingRow.state.in_(("recording", "stored"))))
                .select_from(LiveClaimRow)
                .join(RecordingRow, RecordingRow.recording_id == LiveClaimRow.recording_id)
                .where(LiveClaimRow.state == "deferred")
            )
        ).one()
        return LiveFigures(live[0], float(live[1] or 0.0), deferred[0], deferred[1])


def _free_to(worker: str) -> ColumnElement[bool]:
    return and_(LiveClaimRow.state == "live", or_(LiveClaimRow.expires_at <= _NOW, LiveClaimRow.worker == worker))
