from datetime import datetime, timedelta

from sqlalchemy import exists, func, select, tuple_
from sqlalchemy.orm import aliased

from api.kit.pagination import Cursor
from api.kit.repository import Repository
from api.reconciliations.models import ReconciliationRow

# Older findings are history: somebody has read them, or nobody will.
_STANDS = timedelta(days=7)


class ReconciliationRepository(Repository):
    """All SQL about reconciliations."""

    async def add(self, row: ReconciliationRow) -> None:
        """Store one."""
        self.session.add(row)
        await self.session.flush()

    async def page(self, cursor: Cursor | None, limit: int) -> list[ReconciliationRow]:
        """Return reconciliations, latest first, from behind the cursor."""
        query = select(ReconciliationRow).limit(limit)
        if cursor is not None:
            place = tuple_(ReconciliationRow.made_at, ReconciliationRow.reconciliation_id)
            query = query.where(place < tuple_(cursor.at, cursor.number))
        order = (ReconciliationRow.made_at.desc(), ReconciliationRow.reconciliation_id.desc())
        return list(await self.session.scalars(query.order_by(*order)))

    async def latest(self) -> ReconciliationRow | None:
        """Return the last one, None before the first."""
        rows = await self.page(None, 1)
        return rows[0] if rows else None

    async def covers(self, node: str, cause: str, since: datetime, until: datetime) -> bool:
        """Whether a node's whole period was compared for this cause."""
        row = ReconciliationRow
        query = exists().where(row.node == node, row.cause == cause, row.since <= since, row.until >= until)
        return bool(await self.session.scalar(select(query)))

    async def unsettled(self, now: datetime) -> int:
        """Return how many differences stand: those of the last days that no later look at the same calls replaced."""
        later = aliased(ReconciliationRow)
        row = ReconciliationRow
        replaced = exists().where(
            later.reconciliation_id > row.reconciliation_id,
            later.node == row.node,
            later.since <= row.since,
            later.until >= row.until,
        )
        query = select(func.coalesce(func.sum(row.unsettled), 0)).where(row.made_at > now - _STANDS, ~replaced)
        return int(await self.session.scalar(query) or 0)

    async def figures(self, now: datetime) -> dict[str, float]:
        """Return the figures for Prometheus; without any reconciliation yet, the age is infinite."""
        newest = await self.latest()
        return {
            "reconciliation_differences": await self.unsettled(now),
            "reconciliation_age_seconds": (now - newest.made_at).total_seconds() if newest else float("inf"),
        }
