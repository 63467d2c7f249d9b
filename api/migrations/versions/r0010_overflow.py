"""Leading callers elsewhere as an act; which queues each node has."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_ACTS = "'warn_wall', 'tell_supervisor', 'call_reserve', 'end_breaks', 'raise_priority', 'overflow'"


def upgrade() -> None:
    """Allow the act, and let routers tell their queues."""
    name = op.f("ck_enforcement_acts_act")
    op.drop_constraint(name, "enforcement_acts", type_="check")
    op.create_check_constraint(name, "enforcement_acts", f"act IN ({_ACTS})")
    op.add_column("heartbeats", sa.Column("queues", sa.ARRAY(sa.Text()), nullable=True))
