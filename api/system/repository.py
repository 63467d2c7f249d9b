"""SQL about the whole: figures for Prometheus and for the strip at the head of the page."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select, text

from api.calls.models import CallRow
from api.kit.repository import Repository


@dataclass(frozen=True, slots=True)
class Figures:
    """The queue now and today; `mean_wait_seconds` is Σ wait of answered ÷ answered, None when none was."""

    waiting: int
    talking: int
    offered: int
    answered: int
    abandoned: int
    short_abandoned: int
    failed: int
    mean_wait_seconds: float | None


class FigureRepository(Repository):
    """Counts."""

    async def figures(self, since: datetime) -> Figures:
        """Return the figures of calls offered since that moment; who waits or talks now counts whenever offered."""
        running = (
            await self.session.execute(
                select(
                    func.count().filter(CallRow.answered_at.is_(None)),
                    func.count().filter(CallRow.answered_at.is_not(None)),
                ).where(CallRow.outcome == "in_progress")
            )
        ).one()
        answered = CallRow.answered_at.is_not(None)
        today = (
            await self.session.execute(
                select(
                    func.count(),
                    func.count().filter(answered),
                    func.count().filter(CallRow.outcome == "abandoned"),
                    func.count().filter(CallRow.outcome == "short_abandoned"),
                    func.count().filter(CallRow.outcome == "failed"),
                    func.avg(CallRow.wait_seconds).filter(answered),
                ).where(CallRow.offered_at >= since)
            )
        ).one()
        return Figures(
            waiting=running[0],
            talking=running[1],
            offered=today[0],
            answered=today[1],
            abandoned=today[2],
            short_abandoned=today[3],
            failed=today[4],
            mean_wait_seconds=today[5],
        )

    async def calls_by_outcome(self, since: datetime) -> dict[str, int]:
        """Return how many calls offered since that moment ended how."""
        rows = await self.session.execute(
            select(CallRow.outcome, func.count()).where(CallRow.offered_at >= since).group_by(CallRow.outcome)
        )
        return {row[0]: row[1] for row in rows}

    async def jobs_by_status(self) -> dict[str, int]:
        """Return how many jobs are in which status."""
        rows = await self.session.execute(text("SELECT status::text, count(*) FROM procrastinate_jobs GROUP BY status"))
        return {row[0]: row[1] for row in rows}
