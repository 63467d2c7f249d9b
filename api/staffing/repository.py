"""What is known of how many call, how long it takes and who was there: the queue's own counts, and two that it lacks.

Quarters are counted since 1970, as in UTC. Every zone's quarter-hours are UTC's: offsets are whole quarters.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypeVar, cast
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.repository import Repository
from api.queues.period import QUARTER, Period
from api.queues.repository import Key, RollupRepository, Wanted
from api.queues.sums import CallSums
from api.staffing.workload import Measured

_QUARTER_SECONDS = round(QUARTER.total_seconds())
_MICRO = 1_000_000
_Sums = TypeVar("_Sums")


class StaffingRepository(Repository):
    """Reads; what is planned is worked out anew each time, never stored."""

    def __init__(self, session: AsyncSession) -> None:
        super().__init__(session)
        self._rollups = RollupRepository(session)

    async def calls_by_quarter(self, queue: str, since: datetime, until: datetime) -> dict[int, int]:
        """Return how many calls were offered in each quarter that had some."""
        period = Period(since, until)
        counted = await self._rollups.offered(queue, period, await self._rollups.marked(period))
        return {_number(quarter): calls for quarter, calls in counted.items()}

    async def measured(self, queue: str, since: datetime, until: datetime, timezone: str) -> Measured:
        """Return what calls of the queue, and agents of all, took in a period; hours are the city's."""
        wanted = Wanted(Period(since, until), queue, "hour", timezone)
        hours = await self._rollups.call_sums(wanted, await self._rollups.marked(wanted.period))
        handled, talk, whole = [0] * 24, [0.0] * 24, CallSums()
        for hour, counted in _timed(hours).items():
            place = hour.astimezone(ZoneInfo(timezone)).hour
            handled[place] += counted.handled
            talk[place] += counted.talk_microseconds / _MICRO
            whole += counted
        period = {"queue": queue, "since": since, "until": until}
        spells = (
            await self.session.execute(
                text(
                    "SELECT count(*) FILTER (WHERE state = 'talking' AND call_ref IS NOT NULL), "
                    "coalesce(sum(extract(epoch FROM ended_at - started_at)) "
                    "FILTER (WHERE state = 'wrap_up'), 0)::float "
                    "FROM agent_spells WHERE started_at >= :since AND started_at < :until AND ended_at IS NOT NULL"
                ),
                period,
            )
        ).one()
        rings = (
            await self.session.execute(
                text(
                    "SELECT count(*), coalesce(sum(extract(epoch FROM offer.ended_at - rang_at)), 0)::float "
                    "FROM calls JOIN call_offers offer USING (call_ref) "
                    "WHERE offered_at >= :since AND offered_at < :until AND queue = :queue "
                    "AND result = 'answered' AND offer.ended_at IS NOT NULL"
                ),
                period,
            )
        ).one()
        return Measured(
            answered=handled,
            talk_seconds=talk,
            wait_seconds=(whole.answered_wait_microseconds + whole.unanswered_wait_microseconds) / _MICRO,
            abandoned=whole.abandoned + whole.short_abandoned,
            talks=spells[0],
            wrap_up_seconds=spells[1],
            rings=rings[0],
            ring_seconds=rings[1],
        )

    async def came(self, queue: str, since: datetime, until: datetime) -> dict[int, CallSums]:
        """Return what was counted of the calls of each quarter that had some."""
        wanted = Wanted(Period(since, until), queue, "quarter", "UTC")
        counted = await self._rollups.call_sums(wanted, await self._rollups.marked(wanted.period))
        return {_number(quarter): calls for quarter, calls in _timed(counted).items()}

    async def on_duty(self, since: datetime, until: datetime) -> dict[int, float]:
        """Return how many agents of all queues were there on average, where anything is known of any."""
        wanted = Wanted(Period(since, until), None, "quarter", "UTC")
        counted = await self._rollups.agent_sums(wanted, await self._rollups.marked(wanted.period), until)
        off_duty = await self.session.scalars(
            text(
                "SELECT DISTINCT quarter FROM agent_spells, generate_series("
                "date_bin('15 minutes', greatest(started_at, :since), 'epoch'::timestamptz), "
                "least(coalesce(ended_at, :until), :until) - interval '1 microsecond', interval '15 minutes') quarter "
                "WHERE state = 'offline' AND started_at < :until AND coalesce(ended_at, :until) > :since"
            ),
            {"since": since, "until": until},
        )
        there = {_number(quarter): 0.0 for quarter in off_duty}
        for quarter, spent in _timed(counted).items():
            busy = spent.talking_microseconds + spent.wrap_up_microseconds
            present = busy + spent.idle_microseconds + spent.ringing_microseconds
            there[_number(quarter)] = present / _MICRO / _QUARTER_SECONDS
        return there


def _timed(sums: Mapping[Key, _Sums]) -> Mapping[datetime, _Sums]:
    return cast("Mapping[datetime, _Sums]", sums)  # asked for by quarter or by hour


def _number(quarter: datetime) -> int:
    return int(quarter.timestamp()) // _QUARTER_SECONDS
