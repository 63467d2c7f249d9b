"""What every comparison with Asterisk's own records found."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005b"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of reconciliations."""
    op.create_table(
        "reconciliations",
        sa.Column("reconciliation_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("node", sa.Text(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("in_records", postgresql.JSONB(), nullable=False),
        sa.Column("unsettled", sa.Integer(), nullable=False),
        sa.Column("repaired", sa.Integer(), nullable=False),
        sa.Column("differences", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("cause IN ('asked', 'nightly', 'resync')", name=op.f("ck_reconciliations_cause")),
        sa.PrimaryKeyConstraint("reconciliation_id", name=op.f("pk_reconciliations")),
    )
    op.create_index(op.f("ix_reconciliations_made_at"), "reconciliations", ["made_at", "reconciliation_id"])
