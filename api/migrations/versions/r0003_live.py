"""Transcripts that grow while the call runs, and which worker hears which recording."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Let transcripts be `live`, note how far each track was heard, and make the table of claims."""
    op.drop_constraint(op.f("ck_transcripts_state"), "transcripts")
    op.create_check_constraint(op.f("ck_transcripts_state"), "transcripts", "state IN ('live', 'complete', 'partial')")
    for column in ("agent_heard_seconds", "citizen_heard_seconds"):
        op.add_column("transcripts", sa.Column(column, sa.Double(), server_default="0", nullable=False))
    op.add_column("recordings", sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "live_claims",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lag_seconds", sa.Double(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.CheckConstraint("state IN ('live', 'deferred')", name=op.f("ck_live_claims_state")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.recording_id"], name=op.f("fk_live_claims_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_live_claims")),
    )
    op.create_index(op.f("ix_live_claims_state"), "live_claims", ["state"], unique=False)
