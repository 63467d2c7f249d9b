"""What was counted of each quarter-hour, and triggers that mark the quarters to count again."""
# ruff: noqa: S608 - every part of every statement is a constant of this file

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_CALL_COUNTS = (
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
_QUARTER = "date_bin('15 minutes', {}, timestamptz '2000-01-01 00:00:00+00')"
# The wrap-up after a talk counts for that talk's call, so the call before a spell is touched with it.
_MARKS = {
    "calls": f"SELECT DISTINCT {_QUARTER.format('offered_at')} FROM {{rows}}",
    "call_parts": f"SELECT DISTINCT {_QUARTER.format('offered_at')} FROM {{rows}} JOIN calls USING (call_ref)",
    "agent_spells": f"""
        SELECT {_QUARTER.format("calls.offered_at")}
        FROM {{rows}} spell JOIN calls ON calls.call_ref = spell.call_ref
        WHERE spell.state = 'talking'
        UNION SELECT {_QUARTER.format("calls.offered_at")}
        FROM {{rows}} spell
        CROSS JOIN LATERAL (
            SELECT talk.call_ref FROM agent_spells talk
            WHERE talk.agent = spell.agent AND talk.node = spell.node AND talk.started_at < spell.started_at
              AND talk.state = 'talking'
            ORDER BY talk.started_at DESC LIMIT 1
        ) before
        JOIN calls ON calls.call_ref = before.call_ref
        WHERE spell.state IN ('talking', 'wrap_up')
        UNION SELECT touched
        FROM {{rows}} spell
        CROSS JOIN LATERAL generate_series(
            {_QUARTER.format("spell.started_at")}, spell.ended_at, interval '15 minutes'
        ) touched
        WHERE spell.state <> 'offline' AND spell.ended_at IS NOT NULL
    """,
}
_TABLES = {
    "calls": "calls",
    "call_segments": "call_parts",
    "call_waits": "call_parts",
    "agent_spells": "agent_spells",
}
_EVENTS = {
    "INSERT": "NEW TABLE AS new_rows",
    "UPDATE": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
    "DELETE": "OLD TABLE AS old_rows",
}


def upgrade() -> None:
    """Make the tables, the triggers, and a mark for every quarter that has calls already."""
    _make_tables()
    for name, marks in _MARKS.items():
        op.execute(
            f"""
            CREATE FUNCTION mark_quarters_of_{name}() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
                IF TG_OP <> 'DELETE' THEN
                    INSERT INTO rollup_marks (quarter) {marks.format(rows="new_rows")};
                END IF;
                IF TG_OP <> 'INSERT' THEN
                    INSERT INTO rollup_marks (quarter) {marks.format(rows="old_rows")};
                END IF;
                RETURN NULL;
            END $$
            """
        )
    for table, function in _TABLES.items():
        for event, transition in _EVENTS.items():
            op.execute(
                f"CREATE TRIGGER mark_quarters_after_{event.lower()} AFTER {event} ON {table} REFERENCING {transition} "
                f"FOR EACH STATEMENT EXECUTE FUNCTION mark_quarters_of_{function}()"
            )
    op.execute(f"INSERT INTO rollup_marks (quarter) {_MARKS['calls'].format(rows='calls')}")
    op.execute(f"INSERT INTO rollup_marks (quarter) {_MARKS['agent_spells'].format(rows='agent_spells')}")


def _make_tables() -> None:
    op.create_table(
        "queue_rollups",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("quarter", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _CALL_COUNTS),
        sa.Column("answered_within", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("answered_wait_microseconds", sa.BigInteger(), nullable=False),
        sa.Column("unanswered_wait_microseconds", sa.BigInteger(), nullable=False),
        sa.Column("longest_wait_microseconds", sa.BigInteger(), nullable=False),
        sa.Column("handled", sa.Integer(), nullable=False),
        sa.Column("talk_microseconds", sa.BigInteger(), nullable=False),
        sa.Column("wrap_up_microseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "agent", "quarter", name=op.f("pk_queue_rollups")),
    )
    op.create_table(
        "agent_rollups",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("quarter", sa.DateTime(timezone=True), nullable=False),
        *(
            sa.Column(f"{state}_microseconds", sa.BigInteger(), nullable=False)
            for state in ("talking", "wrap_up", "idle", "ringing", "paused")
        ),
        sa.PrimaryKeyConstraint("agent", "quarter", name=op.f("pk_agent_rollups")),
    )
    op.create_table(
        "rollup_marks",
        sa.Column("mark_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("quarter", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("mark_id", name=op.f("pk_rollup_marks")),
    )
    for table in ("queue_rollups", "agent_rollups", "rollup_marks"):
        op.create_index(op.f(f"ix_{table}_quarter"), table, ["quarter"], unique=False)
