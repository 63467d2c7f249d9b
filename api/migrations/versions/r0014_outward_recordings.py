"""Recordings of calls that agents placed are recordings as the others, told apart by a mark."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the mark. What lies in recordings/outward/ already is found by the worker."""
    op.add_column("recordings", sa.Column("outward", sa.Boolean(), server_default=sa.false(), nullable=False))
