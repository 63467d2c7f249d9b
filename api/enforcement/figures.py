"""A target's figure at a moment, from the stored facts alone: the same question later has the same answer.

The sets of calls are those of the queue's metrics (api.queues.sets), asked of a moment, since an act's effect is looked
up afterwards as well; and of any number of seconds, since a city may promise any.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, or_, select, text

from api.agents.models import SpellRow
from api.calls.models import CallRow
from api.enforcement.metrics import Figure, window_start
from api.enforcement.policy import Policy, Target
from api.kit.repository import Repository
from api.queues import sets

# The dialplan lets nobody wait for a quarter of this; whoever seems to is a call whose end was never told.
LONGEST_POSSIBLE_WAIT = timedelta(hours=1)


class FigureRepository(Repository):
    """Measures targets."""

    async def all(self, policy: Policy, now: datetime, timezone: str) -> Mapping[str, Figure]:
        """Return the figures of a policy's targets, by target, as they were known at `now`."""
        return {each.name: await self.one(policy.desk, each, now, timezone) for each in policy.target}

    async def one(self, desk: str, target: Target, now: datetime, timezone: str) -> Figure:
        """Return one target's figure."""
        if target.metric == "waiting":
            return await self._waiting(desk, now)
        if target.metric == "longest_wait":
            return await self._longest_wait(desk, now)
        if target.metric == "longest_wrap_up":
            return await self._longest_wrap_up(now)
        return await self._of_calls(desk, target, window_start(target.window, now, timezone), now)

    async def _waiting(self, desk: str, now: datetime) -> Figure:
        number = await self.session.scalar(select(func.count()).select_from(CallRow).where(*_waits(desk, now)))
        return Figure(float(number or 0))

    async def _longest_wait(self, desk: str, now: datetime) -> Figure:
        since = await self.session.scalar(select(func.min(CallRow.offered_at)).where(*_waits(desk, now)))
        return Figure(0.0 if since is None else (now - since).total_seconds())

    async def _longest_wrap_up(self, now: datetime) -> Figure:
        # Agents serve several desks: whoever wraps up is missing at each of them.
        since = await self.session.scalar(
            select(func.min(SpellRow.started_at)).where(
                SpellRow.state == "wrap_up",
                SpellRow.started_at <= now,
                or_(SpellRow.ended_at.is_(None), SpellRow.ended_at > now),
            )
        )
        return Figure(0.0 if since is None else (now - since).total_seconds())

    async def _of_calls(self, desk: str, target: Target, since: datetime, now: datetime) -> Figure:
        seconds = target.seconds or 0
        numerator, denominator = sets.parts(target.metric, seconds, seconds, sets.AT_MOMENT)
        above = "sum(wait_seconds)" if target.metric == "asa" else "count(*)"
        statement = text(
            f"SELECT {above} FILTER (WHERE {numerator}), count(*) FILTER (WHERE {denominator}), count(*) "  # noqa: S608 - constants
            "FROM calls WHERE queue = :desk AND offered_at >= :since AND offered_at < :moment"
        )
        row = (await self.session.execute(statement, {"desk": desk, "since": since, "moment": now})).one()
        top, bottom, everything = float(row[0] or 0), float(row[1]), int(row[2])
        return Figure(top / bottom if bottom else None, top, bottom, everything - int(bottom))


def _waits(desk: str, now: datetime) -> list[ColumnElement[bool]]:
    # Between two rounds of the queue, while the overflow rings every phone, a caller waits as well.
    return [
        CallRow.queue == desk,
        CallRow.offered_at <= now,
        CallRow.offered_at > now - LONGEST_POSSIBLE_WAIT,
        or_(CallRow.answered_at.is_(None), CallRow.answered_at > now),
        or_(CallRow.ended_at.is_(None), CallRow.ended_at > now),
    ]
