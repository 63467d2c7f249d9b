"""What agents make of the machine's drafts: kept for good, never changed."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Count the versions of drafts; make the table of corrections, to which rows can only be added."""
    op.add_column("tickets", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.create_table(
        "corrections",
        sa.Column("correction_id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("ticket_id", sa.Text(), nullable=False),
        sa.Column("call_ref", sa.Text(), nullable=False),
        sa.Column("field", sa.Text(), nullable=False),
        sa.Column("machine_value", sa.Text(), nullable=True),
        sa.Column("machine_confidence", sa.Double(), nullable=False),
        sa.Column("machine_evidence", postgresql.JSONB(), nullable=False),
        sa.Column("model", sa.Text(), nullable=False),
        sa.Column("draft_version", sa.Integer(), nullable=False),
        sa.Column("agent_value", sa.Text(), nullable=True),
        sa.Column("token_id", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.ForeignKeyConstraint(["ticket_id"], ["tickets.ticket_id"], name=op.f("fk_corrections_ticket_id")),
        sa.ForeignKeyConstraint(["token_id"], ["api_tokens.token_id"], name=op.f("fk_corrections_token_id")),
        sa.PrimaryKeyConstraint("correction_id", name=op.f("pk_corrections")),
    )
    op.create_index(
        op.f("ix_corrections_ticket_id"), "corrections", ["ticket_id", "field", "correction_id"], unique=False
    )
    op.create_index(op.f("ix_corrections_made_at"), "corrections", ["made_at"], unique=False)
    op.execute(
        """
        CREATE FUNCTION corrections_are_kept() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            RAISE EXCEPTION 'corrections are kept as they were made: add another one instead';
        END $$
        """
    )
    op.execute(
        """
        CREATE TRIGGER corrections_are_kept BEFORE UPDATE OR DELETE OR TRUNCATE ON corrections
        FOR EACH STATEMENT EXECUTE FUNCTION corrections_are_kept()
        """
    )
