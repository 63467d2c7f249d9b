"""What was counted of each UTC day: the sums of its quarters, so that a year by agent is read in days."""
# ruff: noqa: S608 - every part of every statement is a constant of this file

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0012"
down_revision = "0011"
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
    "handled",
)
_CALL_TIMES = (
    "answered_wait_microseconds",
    "unanswered_wait_microseconds",
    "talk_microseconds",
    "wrap_up_microseconds",
)
_AGENT_TIMES = tuple(f"{state}_microseconds" for state in ("talking", "wrap_up", "idle", "ringing", "paused"))
_WAIT_STEPS = 9
_DAY = "date_bin('1 day', quarter, timestamptz '2000-01-01 00:00:00+00')"


def upgrade() -> None:
    """Make the tables, and add up the quarters that are there."""
    op.create_table(
        "queue_days",
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.Integer(), nullable=False) for name in _CALL_COUNTS),
        sa.Column("answered_within", postgresql.ARRAY(sa.Integer()), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _CALL_TIMES),
        sa.Column("longest_wait_microseconds", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "agent", "day", name=op.f("pk_queue_days")),
    )
    op.create_table(
        "agent_days",
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("day", sa.DateTime(timezone=True), nullable=False),
        *(sa.Column(name, sa.BigInteger(), nullable=False) for name in _AGENT_TIMES),
        sa.PrimaryKeyConstraint("agent", "day", name=op.f("pk_agent_days")),
    )
    for table in ("queue_days", "agent_days"):
        op.create_index(op.f(f"ix_{table}_day"), table, ["day"], unique=False)
    summed = (*_CALL_COUNTS, *_CALL_TIMES)
    within = ", ".join(f"sum(answered_within[{place}])" for place in range(1, _WAIT_STEPS + 1))
    op.execute(
        f"INSERT INTO queue_days (queue, agent, day, {', '.join(summed)}, answered_within, longest_wait_microseconds) "
        f"SELECT queue, agent, {_DAY}, {', '.join(f'sum({name})' for name in summed)}, "
        f"ARRAY[{within}], max(longest_wait_microseconds) FROM queue_rollups GROUP BY 1, 2, 3"
    )
    op.execute(
        f"INSERT INTO agent_days (agent, day, {', '.join(_AGENT_TIMES)}) "
        f"SELECT agent, {_DAY}, {', '.join(f'sum({name})' for name in _AGENT_TIMES)} FROM agent_rollups GROUP BY 1, 2"
    )
