"""All SQL about how many call, how long it takes and who was there. Quarters are counted since 1970, as in UTC.

Every zone's quarter-hours are UTC's: offsets are whole quarters.
"""

from datetime import datetime

from sqlalchemy import text

from api.kit.repository import Repository
from api.staffing.workload import Measured

# date_bin is integer arithmetic; extract() of each call's time is numeric, and slow.
_BIN = "date_bin('15 minutes', offered_at, 'epoch'::timestamptz)"
_NUMBER = "extract(epoch FROM quarter)::bigint / 900"
_OFFERED = "offered_at >= :since AND offered_at < :until AND queue = :queue"


class StaffingRepository(Repository):
    """Reads; what is planned is worked out anew each time, never stored."""

    async def calls_by_quarter(self, queue: str, since: datetime, until: datetime) -> dict[int, int]:
        """Return how many calls were offered in each quarter that had some."""
        rows = await self.session.execute(
            text(
                f"SELECT {_NUMBER}, calls FROM "  # noqa: S608 - constants
                f"(SELECT {_BIN} AS quarter, count(*) AS calls FROM calls WHERE {_OFFERED} GROUP BY 1) counted"
            ),
            {"queue": queue, "since": since, "until": until},
        )
        return {row[0]: row[1] for row in rows}

    async def measured(self, queue: str, since: datetime, until: datetime, timezone: str) -> Measured:
        """Return what calls of the queue, and agents of all, took in a period; hours are the city's."""
        period = {"queue": queue, "since": since, "until": until}
        answered, talk, waited, abandoned = [0] * 24, [0.0] * 24, 0.0, 0
        for hour, calls, talked, waits, hangups in await self.session.execute(
            text(
                "SELECT extract(hour FROM quarter AT TIME ZONE :timezone)::int, sum(calls)::int, sum(talked), "  # noqa: S608 - constants
                f"sum(waits), sum(hangups)::int FROM (SELECT {_BIN} AS quarter, count(talk_seconds) AS calls, "
                "coalesce(sum(talk_seconds), 0) AS talked, coalesce(sum(wait_seconds), 0) AS waits, "
                "count(*) FILTER (WHERE outcome IN ('abandoned', 'short_abandoned')) AS hangups "
                f"FROM calls WHERE {_OFFERED} GROUP BY 1) counted GROUP BY 1"
            ),
            {**period, "timezone": timezone},
        ):
            answered[hour], talk[hour] = calls, talked
            waited, abandoned = waited + waits, abandoned + hangups
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
                    "SELECT count(*), coalesce(sum(extract(epoch FROM offer.ended_at - rang_at)), 0)::float "  # noqa: S608 - constants
                    "FROM calls JOIN call_offers offer USING (call_ref) "
                    f"WHERE {_OFFERED} AND result = 'answered' AND offer.ended_at IS NOT NULL"
                ),
                period,
            )
        ).one()
        return Measured(answered, talk, waited, abandoned, spells[0], spells[1], rings[0], rings[1])

    async def actual(
        self, queue: str, since: datetime, until: datetime, within_seconds: float
    ) -> dict[int, tuple[int, int, int, int, int]]:
        """Return, by quarter: calls, answered, of those within some seconds, abandoned, shortly abandoned."""
        rows = await self.session.execute(
            text(
                f"SELECT {_NUMBER}, calls, answered, in_time, abandoned, short FROM "  # noqa: S608 - constants
                f"(SELECT {_BIN} AS quarter, count(*) AS calls, count(answered_at) AS answered, "
                "count(*) FILTER (WHERE answered_at IS NOT NULL AND wait_seconds <= :within) AS in_time, "
                "count(*) FILTER (WHERE outcome = 'abandoned') AS abandoned, "
                "count(*) FILTER (WHERE outcome = 'short_abandoned') AS short "
                f"FROM calls WHERE {_OFFERED} GROUP BY 1) counted"
            ),
            {"queue": queue, "since": since, "until": until, "within": within_seconds},
        )
        return {row[0]: (row[1], row[2], row[3], row[4], row[5]) for row in rows}

    async def on_duty(self, since: datetime, until: datetime) -> dict[int, float]:
        """Return how many agents of all queues were there on average, where anything is known of any."""
        rows = await self.session.execute(
            text(
                f"SELECT {_NUMBER}, "  # noqa: S608 - constants
                "coalesce(sum(extract(epoch FROM least(coalesce(ended_at, :until), quarter + interval '15 minutes') "
                "- greatest(started_at, quarter))) FILTER (WHERE state NOT IN ('offline', 'paused')), 0)::float / 900 "
                "FROM agent_spells, generate_series("
                "date_bin('15 minutes', greatest(started_at, :since), 'epoch'::timestamptz), "
                "least(coalesce(ended_at, :until), :until) - interval '1 microsecond', interval '15 minutes') quarter "
                "WHERE started_at < :until AND coalesce(ended_at, :until) > :since GROUP BY 1"
            ),
            {"since": since, "until": until},
        )
        return {row[0]: row[1] for row in rows}
