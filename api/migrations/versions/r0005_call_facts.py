"""Waits, offers, holds and how segments began; what agents did, second by second."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen calls and segments; make the tables of waits, offers and agents' spells."""
    op.add_column("calls", sa.Column("node", sa.Text(), server_default="main", nullable=False))
    op.add_column("calls", sa.Column("dialled", sa.Text(), nullable=True))
    op.add_column("calls", sa.Column("hold_seconds", sa.Double(), nullable=True))
    op.add_column("calls", sa.Column("hung_up_by", sa.Text(), nullable=True))
    op.create_check_constraint(op.f("ck_calls_hung_up_by"), "calls", "hung_up_by IN ('citizen', 'agent', 'system')")
    op.add_column("call_segments", sa.Column("began", sa.Text(), server_default="answered", nullable=False))
    op.add_column("call_segments", sa.Column("hold_seconds", sa.Double(), nullable=True))
    op.create_check_constraint(
        op.f("ck_call_segments_began"),
        "call_segments",
        "began IN ('answered', 'blind_transfer', 'attended_transfer', 'conference')",
    )
    _make_waits()
    _make_offers()
    _make_spells()


def _make_waits() -> None:
    op.create_table(
        "call_waits",
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Text(), nullable=False),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "ended IN ('connected', 'abandoned', 'timed_out', 'redirected', 'withdrawn', 'unknown')",
            name=op.f("ck_call_waits_ended"),
        ),
        sa.ForeignKeyConstraint(
            ["call_ref"], ["calls.call_ref"], name=op.f("fk_call_waits_call_ref"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_ref", "ordinal", name=op.f("pk_call_waits")),
    )
    op.create_index(op.f("ix_call_waits_queue_joined_at"), "call_waits", ["queue", "joined_at"], unique=False)
    op.create_index(
        "ix_call_waits_waiting", "call_waits", ["queue"], unique=False, postgresql_where=sa.text("left_at IS NULL")
    )


def _make_offers() -> None:
    op.create_table(
        "call_offers",
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("rang_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("result", sa.Text(), nullable=True),
        sa.CheckConstraint("result IN ('answered', 'missed', 'cancelled')", name=op.f("ck_call_offers_result")),
        sa.ForeignKeyConstraint(
            ["call_ref"], ["calls.call_ref"], name=op.f("fk_call_offers_call_ref"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_ref", "ordinal", name=op.f("pk_call_offers")),
    )
    op.create_index(op.f("ix_call_offers_agent_rang_at"), "call_offers", ["agent", "rang_at"], unique=False)


def _make_spells() -> None:
    op.create_table(
        "agent_spells",
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("call_ref", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('offline', 'idle', 'ringing', 'talking', 'wrap_up', 'paused')",
            name=op.f("ck_agent_spells_state"),
        ),
        sa.PrimaryKeyConstraint("node", "agent", "started_at", name=op.f("pk_agent_spells")),
    )
    op.create_index(op.f("ix_agent_spells_agent_started_at"), "agent_spells", ["agent", "started_at"], unique=False)
    op.create_index(op.f("ix_agent_spells_started_at"), "agent_spells", ["started_at"], unique=False)
    op.create_index(op.f("ix_agent_spells_call_ref"), "agent_spells", ["call_ref"], unique=False)
    op.create_index(
        "ix_agent_spells_open",
        "agent_spells",
        ["agent", "node"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
