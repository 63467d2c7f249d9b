"""Orders to the routers, and the agents whom a router keeps from calls."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0008"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of orders and of holds."""
    op.create_table(
        "commands",
        sa.Column("command_id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("verb", sa.Text(), nullable=False),
        sa.Column("arguments", JSONB(), nullable=False),
        sa.Column("about", JSONB(), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("ordered_by", sa.Text(), nullable=False),
        sa.Column(
            "ordered_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), server_default="ordered", nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", JSONB(), nullable=True),
        sa.Column("error_id", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('ordered', 'running', 'done', 'failed', 'expired')", name=op.f("ck_commands_state")
        ),
        sa.PrimaryKeyConstraint("command_id", name=op.f("pk_commands")),
    )
    op.create_index(op.f("ix_commands_ordered_at"), "commands", ["ordered_at"], unique=False)
    op.create_index(
        "ix_commands_ordered", "commands", ["node", "command_id"], postgresql_where=sa.text("state = 'ordered'")
    )
    op.create_table(
        "agent_holds",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("call_ref", sa.Text(), nullable=True),
        sa.Column("count", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("kind IN ('wrap_up', 'missed')", name=op.f("ck_agent_holds_kind")),
        sa.PrimaryKeyConstraint("node", "agent", name=op.f("pk_agent_holds")),
    )
    op.add_column("sessions", sa.Column("extension", sa.Text(), nullable=True))
