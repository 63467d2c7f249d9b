"""Calls that agents placed are listed in the order in which they were ordered: each has that moment, and an index."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take the moment from the call's name where the order's end was never stored."""
    named = "to_timestamp(dial_ref::double precision)"
    op.execute(f"UPDATE outward_calls SET ordered_at = {named} WHERE ordered_at IS NULL")  # noqa: S608 - constant
    op.alter_column("outward_calls", "ordered_at", existing_type=sa.DateTime(timezone=True), nullable=False)
    op.create_index("ix_outward_calls_ordered", "outward_calls", ["ordered_at", "dial_ref"], unique=False)
