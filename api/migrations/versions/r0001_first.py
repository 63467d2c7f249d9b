"""The first shape: calls, recordings, transcripts, draft tickets, accounts, the change feed, the job queue."""

from typing import cast

import psycopg
import sqlalchemy as sa
from alembic import op
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make all tables in an empty database."""
    op.create_table(
        "agents",
        sa.Column("extension", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("penalty", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("extension", name=op.f("pk_agents")),
    )
    op.create_table(
        "api_tokens",
        sa.Column("token_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "role IN ('agent', 'qa', 'supervisor', 'admin', 'machine')", name=op.f("ck_api_tokens_role")
        ),
        sa.PrimaryKeyConstraint("token_id", name=op.f("pk_api_tokens")),
        sa.UniqueConstraint("sha256", name=op.f("uq_api_tokens_sha256")),
    )
    op.create_table(
        "calls",
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("caller", sa.Text(), nullable=True),
        sa.Column("queue", sa.Text(), nullable=True),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=True),
        sa.Column("sip_call_id", sa.Text(), nullable=True),
        sa.Column("offered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wait_seconds", sa.Double(), nullable=True),
        sa.Column("talk_seconds", sa.Double(), nullable=True),
        sa.Column("agent", sa.Text(), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "outcome IN ('in_progress', 'answered', 'abandoned', 'short_abandoned', 'failed')",
            name=op.f("ck_calls_outcome"),
        ),
        sa.CheckConstraint("via IN ('queue', 'sticky', 'overflow')", name=op.f("ck_calls_via")),
        sa.PrimaryKeyConstraint("call_ref", name=op.f("pk_calls")),
    )
    op.create_index(op.f("ix_calls_agent"), "calls", ["agent"], unique=False)
    op.create_index(
        "ix_calls_in_progress",
        "calls",
        ["offered_at"],
        unique=False,
        postgresql_where=sa.text("outcome = 'in_progress'"),
    )
    op.create_index(op.f("ix_calls_offered_at_call_ref"), "calls", ["offered_at", "call_ref"], unique=False)
    op.create_index(op.f("ix_calls_sip_call_id"), "calls", ["sip_call_id"], unique=False)
    op.create_table(
        "changes",
        sa.Column(
            "transaction_id",
            sa.BigInteger(),
            server_default=sa.text("(pg_current_xact_id()::text::bigint)"),
            nullable=False,
        ),
        sa.Column("change_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", "change_id", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_changed_at"), "changes", ["changed_at"], unique=False)
    op.create_table(
        "changes_pruned",
        sa.Column("transaction_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("transaction_id", name=op.f("pk_changes_pruned")),
    )
    op.create_table(
        "recordings",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("mixed_file", sa.Text(), nullable=False),
        sa.Column("agent_file", sa.Text(), nullable=False),
        sa.Column("citizen_file", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("duration_seconds", sa.Double(), nullable=True),
        sa.Column("found_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("transcribed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('recording', 'stored', 'transcribed', 'failed')", name=op.f("ck_recordings_state")
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_recordings")),
    )
    op.create_index(op.f("ix_recordings_call_ref"), "recordings", ["call_ref"], unique=False)
    op.create_index(op.f("ix_recordings_state"), "recordings", ["state"], unique=False)
    op.create_table(
        "tickets",
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('draft')", name=op.f("ck_tickets_state")),
        sa.PrimaryKeyConstraint("ticket_id", name=op.f("pk_tickets")),
        sa.UniqueConstraint("call_ref", name=op.f("uq_tickets_call_ref")),
    )
    op.create_index(op.f("ix_tickets_created_at"), "tickets", ["created_at"], unique=False)
    op.create_table(
        "call_segments",
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("talk_seconds", sa.Double(), nullable=True),
        sa.Column("recording_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["call_ref"], ["calls.call_ref"], name=op.f("fk_call_segments_call_ref"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("call_ref", "ordinal", name=op.f("pk_call_segments")),
    )
    op.create_index(op.f("ix_call_segments_recording_id"), "call_segments", ["recording_id"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("token_id", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["token_id"], ["api_tokens.token_id"], name=op.f("fk_sessions_token_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_table(
        "transcripts",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("state IN ('complete', 'partial')", name=op.f("ck_transcripts_state")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recordings.recording_id"], name=op.f("fk_transcripts_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", name=op.f("pk_transcripts")),
    )
    op.create_index(op.f("ix_transcripts_call_ref"), "transcripts", ["call_ref"], unique=False)
    op.create_table(
        "utterances",
        sa.Column("recording_id", sa.Text(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("speaker", sa.Text(), nullable=False),
        sa.Column("start_seconds", sa.Double(), nullable=False),
        sa.Column("end_seconds", sa.Double(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("words", postgresql.JSONB(), nullable=False),
        sa.CheckConstraint("speaker IN ('citizen', 'agent')", name=op.f("ck_utterances_speaker")),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["transcripts.recording_id"], name=op.f("fk_utterances_recording_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("recording_id", "ordinal", name=op.f("pk_utterances")),
    )
    _make_job_queue()
    op.execute("INSERT INTO changes_pruned VALUES (0)")
    op.execute("CREATE SEQUENCE ticket_numbers")


def _make_job_queue() -> None:
    # Many statements at once go to the driver itself: SQLAlchemy would read their percent signs as parameters.
    connection = cast("psycopg.Connection", op.get_bind().connection.driver_connection)
    connection.execute(SchemaManager.get_schema())
