"""The SQL that counts calls and agents' time by quarter: the one source of rollups and of a period's raw edges.

Every statement begins with `asked`, the half-open spans of time to count (arrays `starts` and `ends`). `OFFSET 0` makes
PostgreSQL look each call's parts up: it cannot know how few calls there are, and would read whole tables instead.
"""
# ruff: noqa: S608 - every part of every statement is a constant of this package

from api.queues import sets
from api.queues.sums import WAIT_STEPS

ASKED = """asked AS (
    SELECT since, until FROM unnest(CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[])) AS asked(since, until)
)"""
COUNTS = (
    "waiting",
    "answered",
    "abandoned",
    "short_abandoned",
    "failed",
    "queued",
    "queued_waiting",
    "queued_abandoned",
    "queued_short_abandoned",
)
CALL_COLUMNS = (
    *COUNTS,
    "answered_within",
    "answered_wait_microseconds",
    "unanswered_wait_microseconds",
    "longest_wait_microseconds",
    "handled",
    "talk_microseconds",
    "wrap_up_microseconds",
)
AGENT_COLUMNS = tuple(f"{state}_microseconds" for state in ("talking", "wrap_up", "idle", "ringing", "paused"))
_STATES = tuple(name.removesuffix("_microseconds") for name in AGENT_COLUMNS)


def _total(column: str) -> str:
    if column == "answered_within":
        steps = ", ".join(f"sum(answered_within[{place}])" for place in range(1, len(WAIT_STEPS) + 1))
        return f"CAST(ARRAY[{steps}] AS bigint[]) AS answered_within"
    return f"CAST({'max' if column.startswith('longest') else 'sum'}({column}) AS bigint) AS {column}"


# Rows added up, in the order of the columns.
CALL_TOTALS = ", ".join(map(_total, CALL_COLUMNS))
AGENT_TOTALS = ", ".join(map(_total, AGENT_COLUMNS))


def counted(table: str, unit: str, columns: str, spans: int) -> str:
    """Return the SELECT of rows counted before: of units (quarter, day) in so many spans, `<unit>_since_0` and so on.

    Without `stale` quarters. Spans are constants to the planner, so that it knows how many rows they hold.
    """
    within = (f"{unit} >= :{unit}_since_{number} AND {unit} < :{unit}_until_{number}" for number in range(spans))
    fresh = " AND quarter <> ALL(CAST(:stale AS timestamptz[]))" if unit == "quarter" else ""
    return f"SELECT {columns}, {unit} AS quarter FROM {table} WHERE ({' OR '.join(within) or 'false'}){fresh}"


def quarter(moment: str) -> str:
    """Return the SQL of the quarter that holds a moment."""
    return f"date_bin('15 minutes', {moment}, timestamptz '2000-01-01 00:00:00+00')"


def microseconds(span: str) -> str:
    """Return the SQL of an interval in whole microseconds."""
    return f"CAST(extract(epoch FROM {span}) * 1000000 AS bigint)"


def _count(condition: str) -> str:
    return f"CAST(count(*) FILTER (WHERE {condition}) AS integer)"


def _sum(value: str, condition: str) -> str:
    return f"CAST(coalesce(sum({value}) FILTER (WHERE {condition}), 0) AS bigint)"


_WITHIN = ", ".join(_count(f"answered AND wait <= {step * 1_000_000}") for step in WAIT_STEPS)
_FIRST_WITHIN = ", ".join(_count(f"answered_first AND wait <= {step * 1_000_000}") for step in WAIT_STEPS)

# `parts`: an agent's part in a call; whoever was called in (a unit, a supervisor) has none. A wrap-up names no call: it
# belongs to the talk of that agent before it.
CALL_TABLES = f"""
offered AS MATERIALIZED (
    SELECT call_ref, coalesce(queue, '') AS queue, agent, {quarter("offered_at")} AS quarter,
        CAST(round(wait_seconds * 1000000) AS bigint) AS wait,
        {sets.WAITING} AS waiting, {sets.ANSWERED} AS answered, {sets.ABANDONED} AS abandoned,
        {sets.SHORT_ABANDONED} AS short_abandoned, {sets.FAILED} AS failed, {sets.HANDLED} AS handled,
        {sets.QUEUED} AS queued
    FROM asked CROSS JOIN LATERAL (
        SELECT * FROM calls WHERE offered_at >= asked.since AND offered_at < asked.until OFFSET 0
    ) calls
),
parts AS MATERIALIZED (
    SELECT call_ref, agent, bool_or(talked) AS talked,
        CAST(sum(talk) AS bigint) AS talk, CAST(sum(wrap_up) AS bigint) AS wrap_up
    FROM (
        SELECT offered.call_ref, segment.agent, true AS talked,
            coalesce(CAST(round(talk_seconds * 1000000) AS bigint), 0) AS talk, 0 AS wrap_up
        FROM offered CROSS JOIN LATERAL (
            SELECT agent, talk_seconds FROM call_segments
            WHERE call_segments.call_ref = offered.call_ref AND began <> 'conference' OFFSET 0
        ) segment
        WHERE offered.handled
        UNION ALL
        SELECT offered.call_ref, talk.agent, false, 0, {microseconds("wrap.ended_at - wrap.started_at")}
        FROM offered
        CROSS JOIN LATERAL (
            SELECT node, agent, started_at FROM agent_spells
            WHERE agent_spells.call_ref = offered.call_ref AND state = 'talking' OFFSET 0
        ) talk
        CROSS JOIN LATERAL (
            SELECT min(next.started_at) AS starts FROM agent_spells next
            WHERE next.agent = talk.agent AND next.node = talk.node AND next.state = 'talking'
                AND next.started_at > talk.started_at
        ) next
        CROSS JOIN LATERAL (
            SELECT started_at, ended_at FROM agent_spells
            WHERE agent_spells.agent = talk.agent AND agent_spells.node = talk.node AND state = 'wrap_up'
                AND started_at > talk.started_at AND started_at < coalesce(next.starts, 'infinity')
                AND ended_at IS NOT NULL OFFSET 0
        ) wrap
        WHERE offered.handled
    ) AS part
    GROUP BY call_ref, agent
)"""

# Rows of (queue, agent, quarter, CALL_COLUMNS).
CALLS_BY_QUARTER = f"""
SELECT queue, '' AS agent, quarter,
    {_count("waiting")} AS waiting, {_count("answered")} AS answered, {_count("abandoned")} AS abandoned,
    {_count("short_abandoned")} AS short_abandoned, {_count("failed")} AS failed, {_count("queued")} AS queued,
    {_count("queued AND waiting")} AS queued_waiting, {_count("queued AND abandoned")} AS queued_abandoned,
    {_count("queued AND short_abandoned")} AS queued_short_abandoned,
    ARRAY[{_WITHIN}] AS answered_within,
    {_sum("wait", "answered")} AS answered_wait_microseconds,
    {_sum("wait", "NOT answered AND NOT waiting")} AS unanswered_wait_microseconds,
    coalesce(max(wait) FILTER (WHERE NOT waiting), 0) AS longest_wait_microseconds,
    {_count("handled")} AS handled,
    {_sum("talk", "true")} AS talk_microseconds, {_sum("wrap_up", "true")} AS wrap_up_microseconds
FROM offered
LEFT JOIN (SELECT call_ref, sum(talk) AS talk, sum(wrap_up) AS wrap_up FROM parts GROUP BY call_ref) whole
    USING (call_ref)
GROUP BY queue, quarter
UNION ALL
SELECT queue, agent, quarter, 0, {_count("answered_first")}, 0, 0, 0, 0, 0, 0, 0,
    ARRAY[{_FIRST_WITHIN}], {_sum("wait", "answered_first")}, 0,
    coalesce(max(wait) FILTER (WHERE answered_first), 0),
    {_count("talked")}, {_sum("talk", "true")}, {_sum("wrap_up", "true")}
FROM (
    SELECT queue, agent, quarter, true AS answered_first, wait, false AS talked, 0 AS talk, 0 AS wrap_up
    FROM offered WHERE answered AND agent IS NOT NULL
    UNION ALL
    SELECT queue, parts.agent, quarter, false, NULL, talked, talk, wrap_up FROM offered JOIN parts USING (call_ref)
) AS share
GROUP BY queue, agent, quarter"""

# A spell belongs to each quarter that it lies in, with its time there. Spells of an agent follow each other, so only
# the last one that began before a span can reach into it.
_SEATS = """seats AS (
    (SELECT node, agent FROM agent_spells ORDER BY node, agent LIMIT 1)
    UNION ALL
    SELECT other.node, other.agent
    FROM seats CROSS JOIN LATERAL (
        SELECT node, agent FROM agent_spells WHERE (agent_spells.node, agent_spells.agent) > (seats.node, seats.agent)
        ORDER BY node, agent LIMIT 1
    ) other
)"""
SPANS = f"""{_SEATS},
spans AS MATERIALIZED (
    SELECT spell.agent, spell.state, asked.since, asked.until, spell.started_at, spell.ended_at
    FROM asked JOIN agent_spells spell ON spell.started_at >= asked.since AND spell.started_at < asked.until
    WHERE spell.ended_at IS NOT NULL
    UNION ALL
    SELECT spell.agent, spell.state, asked.since, asked.until, spell.started_at, spell.ended_at
    FROM asked CROSS JOIN seats CROSS JOIN LATERAL (
        SELECT * FROM agent_spells earlier
        WHERE earlier.node = seats.node AND earlier.agent = seats.agent AND earlier.started_at < asked.since
        ORDER BY earlier.started_at DESC LIMIT 1
    ) spell
    WHERE spell.ended_at > asked.since
)"""
# What agents do now is in no rollup: it is counted up to `now`.
OPEN_SPANS = """open_spans AS (
    SELECT agent, state, CAST(:since AS timestamptz) AS since, CAST(:until AS timestamptz) AS until, started_at,
        CAST(:now AS timestamptz) AS ended_at
    FROM agent_spells WHERE ended_at IS NULL AND started_at < least(CAST(:until AS timestamptz), :now)
)"""
_LENGTH = microseconds("least(ended_at, until, quarter + interval '15 minutes') - greatest(started_at, since, quarter)")
_BY_STATE = ", ".join(
    _sum("length", f"state = '{state}'") + f" AS {name}" for state, name in zip(_STATES, AGENT_COLUMNS, strict=True)
)


def agents_by_quarter(spans: str) -> str:
    """Return the SELECT of rows of (agent, quarter, AGENT_COLUMNS) from spans of spells."""
    lying = f"""
        SELECT agent, state, quarter, {_LENGTH} AS length
        FROM {spans} CROSS JOIN LATERAL generate_series(
            {quarter("greatest(started_at, since)")}, least(ended_at, until), interval '15 minutes'
        ) quarter
        WHERE state <> 'offline' AND ended_at > since AND quarter < least(ended_at, until)
    """
    return f"""
        SELECT agent, quarter, {_BY_STATE} FROM ({lying}) AS lying GROUP BY agent, quarter
        UNION ALL
        SELECT '' AS agent, quarter, {_BY_STATE} FROM ({lying}) AS lying GROUP BY quarter
    """
