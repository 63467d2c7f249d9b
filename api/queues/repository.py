"""All SQL about the queue's figures: what is counted, and the calls behind it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, or_, select, text

from api.agents.models import SpellRow
from api.calls.models import CallRow
from api.kit.repository import Repository
from api.queues import counting
from api.queues.models import QueueRollupRow, RollupMarkRow
from api.queues.period import QUARTER, By, Period, split
from api.queues.sums import WAIT_STEPS, AgentSums, CallSums

_MERGED = ", ".join(
    "max(longest_wait_microseconds) AS longest_wait_microseconds" if name.startswith("longest") else f"sum({name})"
    for name in counting.CALL_COLUMNS
    if name != "answered_within"
)
_MERGED_WITHIN = ", ".join(f"sum(answered_within[{place}])" for place in range(1, len(WAIT_STEPS) + 1))
_MERGED_AGENTS = ", ".join(f"sum({name})" for name in counting.AGENT_COLUMNS)
_CALL_ROWS = ", ".join(counting.CALL_COLUMNS)
_AGENT_ROWS = ", ".join(counting.AGENT_COLUMNS)
_KEYS: dict[By | None, str] = {
    None: "NULL",
    "quarter": "quarter",
    "hour": "date_trunc('hour', quarter, CAST(:timezone AS text))",
    "day": "date_trunc('day', quarter, CAST(:timezone AS text))",
    "agent": "agent",
    "queue": "queue",
}
Key = datetime | str | None


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which sums: of a period, of one queue (None: of every), divided by what, in whose time zone's days and hours."""

    period: Period
    queue: str | None
    by: By | None
    timezone: str


class RollupRepository(Repository):
    """Sums of whole quarters from what was counted before, of all else from the calls themselves."""

    async def marked(self, period: Period) -> list[datetime]:
        """Return the quarters of a period whose stored sums are older than their calls."""
        query = (
            select(RollupMarkRow.quarter)
            .where(RollupMarkRow.quarter > period.since - QUARTER, RollupMarkRow.quarter < period.until)
            .distinct()
            .order_by(RollupMarkRow.quarter)
        )
        return list(await self.session.scalars(query))

    async def call_sums(self, wanted: Wanted, marked: Sequence[datetime]) -> dict[Key, CallSums]:
        """Return what was counted of the calls offered in a period."""
        agent = "agent <> ''" if wanted.by == "agent" else "agent = ''"
        statement = f"""
            WITH {counting.ASKED}, {counting.CALL_TABLES},
            counted AS (
                SELECT queue, agent, quarter, {_CALL_ROWS} FROM queue_rollups
                WHERE quarter >= :first AND quarter < :last AND quarter <> ALL(CAST(:marked AS timestamptz[]))
                    AND {agent} AND (CAST(:queue AS text) IS NULL OR queue = :queue)
                UNION ALL
                SELECT queue, agent, quarter, {_CALL_ROWS} FROM ({counting.CALLS_BY_QUARTER}) AS raw
                WHERE {agent} AND (CAST(:queue AS text) IS NULL OR queue = :queue)
            )
            SELECT {_KEYS[wanted.by]} AS key, {_MERGED}, {_MERGED_WITHIN} FROM counted GROUP BY 1 ORDER BY 1
        """  # noqa: S608 - constants of this package
        rows = await self.session.execute(text(statement), _parameters(wanted, marked))
        return {row[0]: _call_sums(row[1:]) for row in rows if row[1] is not None}

    async def agent_sums(self, wanted: Wanted, marked: Sequence[datetime], now: datetime) -> dict[Key, AgentSums]:
        """Return how agents spent a period, all desks together; what lasts is counted up to `now`."""
        agent = "agent <> ''" if wanted.by == "agent" else "agent = ''"
        statement = f"""
            WITH RECURSIVE {counting.ASKED}, {counting.SPANS}, {counting.OPEN_SPANS},
            counted AS (
                SELECT agent, quarter, {_AGENT_ROWS} FROM agent_rollups
                WHERE quarter >= :first AND quarter < :last AND quarter <> ALL(CAST(:marked AS timestamptz[]))
                    AND {agent}
                UNION ALL
                SELECT agent, quarter, {_AGENT_ROWS} FROM ({counting.agents_by_quarter("spans")}) AS raw WHERE {agent}
                UNION ALL
                SELECT agent, quarter, {_AGENT_ROWS} FROM ({counting.agents_by_quarter("open_spans")}) AS raw
                WHERE {agent}
            )
            SELECT {_KEYS[None if wanted.by == "queue" else wanted.by]} AS key, {_MERGED_AGENTS}
            FROM counted GROUP BY 1 ORDER BY 1
        """  # noqa: S608 - constants of this package
        given = {**_parameters(wanted, marked), "since": wanted.period.since, "until": wanted.period.until, "now": now}
        rows = await self.session.execute(text(statement), given)
        return {row[0]: AgentSums(*map(int, row[1:])) for row in rows if row[1] is not None}

    async def queues(self) -> list[str]:
        """Return the queues that ever had a call: from what was counted, and from calls of quarters not counted yet."""
        counted = await self.session.scalars(
            text("""
                WITH RECURSIVE known AS (
                    (SELECT queue FROM queue_rollups ORDER BY queue LIMIT 1)
                    UNION ALL
                    SELECT (SELECT queue FROM queue_rollups WHERE queue_rollups.queue > known.queue
                            ORDER BY queue LIMIT 1) FROM known WHERE known.queue IS NOT NULL
                )
                SELECT queue FROM known WHERE queue IS NOT NULL AND queue <> ''
            """)
        )
        fresh = await self.session.scalars(
            text("""
                SELECT DISTINCT queue FROM calls
                WHERE queue IS NOT NULL AND offered_at >= (SELECT min(quarter) FROM rollup_marks)
            """)
        )
        return sorted({*counted, *fresh})

    async def lock(self) -> None:
        """Wait until nobody else counts; held to the end of the transaction."""
        await self.session.execute(select(func.pg_advisory_xact_lock(_LOCK)))

    async def try_lock(self) -> bool:
        """Say whether nobody else counts; then held to the end of the transaction."""
        return bool(await self.session.scalar(select(func.pg_try_advisory_xact_lock(_LOCK))))

    async def take_marks(self, most: int) -> list[datetime]:
        """Remove the marks of the oldest marked quarters, at most so many quarters, and return these."""
        oldest = select(RollupMarkRow.quarter).distinct().order_by(RollupMarkRow.quarter).limit(most)
        taken = await self.session.scalars(
            delete(RollupMarkRow).where(RollupMarkRow.quarter.in_(oldest)).returning(RollupMarkRow.quarter)
        )
        return sorted(set(taken))

    async def count_anew(self, quarters: Sequence[Period]) -> None:
        """Replace what was counted of spans of whole quarters by what their calls and spells say now."""
        given = {"starts": [span.since for span in quarters], "ends": [span.until for span in quarters]}
        for table in ("queue_rollups", "agent_rollups"):
            await self.session.execute(
                text(
                    f"WITH {counting.ASKED} DELETE FROM {table} USING asked "  # noqa: S608 - constants
                    "WHERE quarter >= asked.since AND quarter < asked.until"
                ),
                given,
            )
        calls = f"""
            INSERT INTO queue_rollups (queue, agent, quarter, {_CALL_ROWS})
            WITH {counting.ASKED}, {counting.CALL_TABLES}
            SELECT queue, agent, quarter, {_CALL_ROWS} FROM ({counting.CALLS_BY_QUARTER}) AS raw
        """  # noqa: S608 - constants of this package
        agents = f"""
            INSERT INTO agent_rollups (agent, quarter, {_AGENT_ROWS})
            WITH RECURSIVE {counting.ASKED}, {counting.SPANS}
            SELECT agent, quarter, {_AGENT_ROWS} FROM ({counting.agents_by_quarter("spans")}) AS raw
        """  # noqa: S608 - constants of this package
        await self.session.execute(text(calls), given)
        await self.session.execute(text(agents), given)

    async def stored(self, period: Period) -> dict[tuple[str, ...], tuple[Any, ...]]:
        """Return everything that was counted of a period's quarters, to compare."""
        found: dict[tuple[str, ...], tuple[Any, ...]] = {}
        for table, key, values in (
            ("queue_rollups", "queue, agent", _CALL_ROWS),
            ("agent_rollups", "'', agent", _AGENT_ROWS),
        ):
            rows = await self.session.execute(
                text(
                    f"SELECT {key}, quarter, {values} FROM {table} WHERE quarter >= :first AND quarter < :last"  # noqa: S608
                ),
                {"first": period.since, "last": period.until},
            )
            found |= {(table, row[0], row[1], row[2].isoformat()): tuple(row[3:]) for row in rows}
        return found

    async def extent(self) -> Period | None:
        """Return the time from the first quarter counted to the end of the last, None before any."""
        row = (
            await self.session.execute(select(func.min(QueueRollupRow.quarter), func.max(QueueRollupRow.quarter)))
        ).one()
        return None if row[0] is None else Period(row[0], row[1] + QUARTER)


# "zhitong rollups": any number will do that nobody else takes.
_LOCK = 0x7A74_726F


def worked_on(period: Period) -> ColumnElement[bool]:
    """Return the condition of calls that agents talked on in a period: those behind the occupancy."""
    talks = select(SpellRow.call_ref).where(
        SpellRow.state == "talking",
        SpellRow.call_ref.is_not(None),
        SpellRow.started_at < period.until,
        or_(SpellRow.ended_at.is_(None), SpellRow.ended_at > period.since),
    )
    return CallRow.call_ref.in_(talks)


def _parameters(wanted: Wanted, marked: Sequence[datetime]) -> dict[str, Any]:
    parts = split(wanted.period)
    whole = parts.whole
    inside = [] if whole is None else [moment for moment in marked if whole.since <= moment < whole.until]
    raw = [*parts.edges, *(Period(moment, moment + QUARTER) for moment in inside)]
    given: dict[str, Any] = {
        "starts": [span.since for span in raw],
        "ends": [span.until for span in raw],
        "first": wanted.period.until if whole is None else whole.since,
        "last": wanted.period.until if whole is None else whole.until,
        "marked": inside,
        "queue": wanted.queue,
    }
    return given | ({"timezone": wanted.timezone} if wanted.by in {"hour", "day"} else {})


def _call_sums(values: Sequence[Any]) -> CallSums:
    counts = len(counting.CALL_COLUMNS) - 1
    names = [name for name in counting.CALL_COLUMNS if name != "answered_within"]
    merged = dict(zip(names, map(int, values[:counts]), strict=True))
    return CallSums(**merged, answered_within=tuple(map(int, values[counts:])))


class LiveRepository(Repository):
    """Who waits and talks this moment; both through the index of calls in progress."""

    async def waiting(self, queue: str | None) -> tuple[int, datetime | None]:
        """Return how many callers wait in a queue (None: in any), and when the one who waits longest was offered."""
        row = (
            await self.session.execute(
                text("""
                    SELECT count(*), min(offered_at) FROM calls
                    LEFT JOIN LATERAL (
                        SELECT call_waits.queue FROM call_waits
                        WHERE call_waits.call_ref = calls.call_ref ORDER BY ordinal DESC LIMIT 1
                    ) latest ON true
                    WHERE outcome = 'in_progress' AND answered_at IS NULL
                        AND (CAST(:queue AS text) IS NULL OR coalesce(latest.queue, calls.queue) = :queue)
                """),
                {"queue": queue},
            )
        ).one()
        return row[0], row[1]

    async def talking(self, queue: str | None) -> int:
        """Return how many callers of a queue (None: of any) talk with an agent."""
        query = select(func.count()).where(CallRow.outcome == "in_progress", CallRow.answered_at.is_not(None))
        if queue is not None:
            query = query.where(CallRow.queue == queue)
        return await self.session.scalar(query) or 0
