"""Signs of life say which node a process serves, and whether it stands by."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen the heartbeats."""
    op.add_column("heartbeats", sa.Column("node", sa.Text(), nullable=True))
    op.add_column("heartbeats", sa.Column("standby", sa.Boolean(), server_default=sa.false(), nullable=False))
