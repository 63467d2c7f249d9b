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
from api.queues.period import QUARTER, By, Period, Sources, days_of, sources
from api.queues.sums import AgentSums, CallSums

_CALL_ROWS = ", ".join(counting.CALL_COLUMNS)
_AGENT_ROWS = ", ".join(counting.AGENT_COLUMNS)
QUARTER_TABLES = ("queue_rollups", "agent_rollups")
DAY_TABLES = ("queue_days", "agent_days")
_KEYS: dict[By | None, str] = {
    None: "NULL",
    "quarter": "quarter",
    "hour": "date_trunc('hour', quarter, CAST(:timezone AS text))",
    "day": "date_trunc('day', quarter, CAST(:timezone AS text))",
    "agent": "agent",
    "queue": "queue",
}
Key = datetime | str | None
# Table, queue, agent, start of the quarter or of the day.
StoredKey = tuple[str, str, str, datetime]


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
        found = _sources(wanted, marked)
        statement = f"""
            {_counted_calls(found, _CALL_ROWS)}
            SELECT {_KEYS[wanted.by]} AS key, {counting.CALL_TOTALS} FROM counted
            WHERE {_whose(wanted.by)} AND (CAST(:queue AS text) IS NULL OR queue = :queue) GROUP BY 1 ORDER BY 1
        """  # noqa: S608 - constants of this package
        rows = await self.session.execute(text(statement), _parameters(wanted, found) | {"queue": wanted.queue})
        return {row[0]: _call_sums(row[1:]) for row in rows if row[1] is not None}

    async def offered(self, queue: str, period: Period, marked: Sequence[datetime]) -> dict[datetime, int]:
        """Return how many calls were offered to a queue in each quarter that had some: years of quarters, quickly."""
        wanted = Wanted(period, queue, "quarter", "UTC")
        found = _sources(wanted, marked)
        counts = ("waiting", "answered", "abandoned", "short_abandoned", "failed")
        statement = f"""
            {_counted_calls(found, ", ".join(counts))}
            SELECT quarter, CAST(sum({" + ".join(counts)}) AS integer) FROM counted
            WHERE agent = '' AND queue = :queue GROUP BY quarter
        """  # noqa: S608 - constants of this package
        rows = await self.session.execute(text(statement), _parameters(wanted, found) | {"queue": queue})
        return {row[0]: row[1] for row in rows}

    async def agent_sums(self, wanted: Wanted, marked: Sequence[datetime], now: datetime) -> dict[Key, AgentSums]:
        """Return how agents spent a period, all desks together; what lasts is counted up to `now`."""
        columns = f"agent, {_AGENT_ROWS}"
        found = _sources(wanted, marked)
        statement = f"""
            WITH RECURSIVE {counting.ASKED}, {counting.SPANS}, {counting.OPEN_SPANS},
            counted AS (
                {counting.counted("agent_days", "day", columns, len(found.days))}
                UNION ALL {counting.counted("agent_rollups", "quarter", columns, len(found.quarters))}
                UNION ALL SELECT {columns}, quarter FROM ({counting.agents_by_quarter("spans")}) AS raw
                UNION ALL SELECT {columns}, quarter FROM ({counting.agents_by_quarter("open_spans")}) AS lasting
            )
            SELECT {_KEYS[None if wanted.by == "queue" else wanted.by]} AS key, {counting.AGENT_TOTALS} FROM counted
            WHERE {_whose(wanted.by)} GROUP BY 1 ORDER BY 1
        """  # noqa: S608 - constants of this package
        given = {**_parameters(wanted, found), "since": wanted.period.since, "until": wanted.period.until, "now": now}
        rows = await self.session.execute(text(statement), given)
        return {row[0]: AgentSums(*row[1:]) for row in rows if row[1] is not None}

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
        """Replace what was counted of spans of whole quarters by what their calls and spells say now.

        The days that they are in are added up anew: a day is always the sum of its quarters.
        """
        given = _asked(quarters)
        for table in QUARTER_TABLES:
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
        await self._add_up_days(sorted({day for span in quarters for day in days_of(span)}))

    async def _add_up_days(self, days: Sequence[datetime]) -> None:
        given = {"days": list(days)}
        for table, quarters, key, columns, totals in (
            ("queue_days", "queue_rollups", "queue, agent, day", _CALL_ROWS, counting.CALL_TOTALS),
            ("agent_days", "agent_rollups", "agent, day", _AGENT_ROWS, counting.AGENT_TOTALS),
        ):
            await self.session.execute(
                text(f"DELETE FROM {table} WHERE day = ANY(CAST(:days AS timestamptz[]))"),  # noqa: S608 - constants
                given,
            )
            await self.session.execute(
                text(f"""
                    INSERT INTO {table} ({key}, {columns})
                    SELECT {key}, {totals}
                    FROM unnest(CAST(:days AS timestamptz[])) AS day
                    JOIN {quarters} ON quarter >= day AND quarter < day + interval '24 hours'
                    GROUP BY {key}
                """),  # noqa: S608 - constants
                given,
            )

    async def stored(self, quarters: Period, days: Period) -> dict[StoredKey, tuple[Any, ...]]:
        """Return everything that was counted of a period's quarters and of a period's days, to compare."""
        found: dict[StoredKey, tuple[Any, ...]] = {}
        for table, unit, period, key, values in (
            ("queue_rollups", "quarter", quarters, "queue, agent", _CALL_ROWS),
            ("agent_rollups", "quarter", quarters, "'', agent", _AGENT_ROWS),
            ("queue_days", "day", days, "queue, agent", _CALL_ROWS),
            ("agent_days", "day", days, "'', agent", _AGENT_ROWS),
        ):
            rows = await self.session.execute(
                text(f"SELECT {key}, {unit}, {values} FROM {table} WHERE {unit} >= :first AND {unit} < :last"),  # noqa: S608
                {"first": period.since, "last": period.until},
            )
            found |= {(table, row[0], row[1], row[2]): tuple(row[3:]) for row in rows}
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


def _counted_calls(found: Sources, columns: str) -> str:
    columns = f"queue, agent, {columns}"
    return f"""
        WITH {counting.ASKED}, {counting.CALL_TABLES},
        counted AS (
            {counting.counted("queue_days", "day", columns, len(found.days))}
            UNION ALL {counting.counted("queue_rollups", "quarter", columns, len(found.quarters))}
            UNION ALL SELECT {columns}, quarter FROM ({counting.CALLS_BY_QUARTER}) AS raw
        )"""  # noqa: S608 - constants of this package


def _whose(by: By | None) -> str:
    return "agent <> ''" if by == "agent" else "agent = ''"


def _sources(wanted: Wanted, marked: Sequence[datetime]) -> Sources:
    return sources(wanted.period, marked, whole_days=wanted.by not in {"quarter", "hour", "day"})


def _asked(spans: Sequence[Period]) -> dict[str, list[datetime]]:
    return {"starts": [span.since for span in spans], "ends": [span.until for span in spans]}


def _parameters(wanted: Wanted, found: Sources) -> dict[str, Any]:
    given: dict[str, Any] = {**_asked(found.raw), "stale": list(found.stale)}
    for unit, spans in (("quarter", found.quarters), ("day", found.days)):
        for number, span in enumerate(spans):
            given |= {f"{unit}_since_{number}": span.since, f"{unit}_until_{number}": span.until}
    return given | ({"timezone": wanted.timezone} if wanted.by in {"hour", "day"} else {})


def _call_sums(values: Sequence[Any]) -> CallSums:
    named = dict(zip(counting.CALL_COLUMNS, values, strict=True))
    return CallSums(**{**named, "answered_within": tuple(named["answered_within"])})


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
