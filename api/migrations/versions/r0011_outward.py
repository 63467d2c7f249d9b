"""Calls that agents place, and what each told of itself."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_RESULTS = "'reached', 'no_answer', 'busy', 'wrong_number', 'unreachable', 'cancelled', 'agent_absent', 'failed'"


def _at(name: str) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=True)


def upgrade() -> None:
    """Make the table of placed calls; tries tell what was heard, and by whom and why it was overruled."""
    op.create_table(
        "outward_calls",
        sa.Column("dial_ref", sa.Text(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("command_id", sa.BigInteger(), nullable=True),
        sa.Column("number", sa.Text(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        _at("ordered_at"),
        _at("picked_up_at"),
        _at("ended_at"),
        sa.Column("status", sa.Text(), nullable=True),
        sa.Column("cause", sa.Integer(), nullable=True),
        sa.Column("talk_seconds", sa.Double(), nullable=True),
        sa.Column("recording_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["command_id"], ["commands.command_id"], name=op.f("fk_outward_calls_command_id")),
        sa.PrimaryKeyConstraint("dial_ref", name=op.f("pk_outward_calls")),
        sa.UniqueConstraint("command_id", name=op.f("uq_outward_calls_command_id")),
    )
    op.add_column("callback_tries", sa.Column("heard", sa.Text(), nullable=True))
    op.add_column("callback_tries", sa.Column("talk_seconds", sa.Double(), nullable=True))
    op.add_column("callback_tries", sa.Column("recording_id", sa.Text(), nullable=True))
    op.add_column("callback_tries", sa.Column("reason", sa.Text(), nullable=True))
    name = op.f("ck_callback_tries_result")
    op.drop_constraint(name, "callback_tries", type_="check")
    op.create_check_constraint(name, "callback_tries", f"result IN ({_RESULTS})")
    op.create_check_constraint(op.f("ck_callback_tries_heard"), "callback_tries", f"heard IN ({_RESULTS})")
    # Of tries before this nothing was told but by people: they are not waited for.
    op.execute("UPDATE callback_tries SET heard = result")
    op.create_index(
        "ix_callback_tries_not_heard",
        "callback_tries",
        ["dialled_at"],
        postgresql_where=sa.text("heard IS NULL OR heard IN ('agent_absent', 'failed')"),
    )
