"""What agents do, as stored."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base

STATES = ("offline", "idle", "ringing", "talking", "wrap_up", "paused")


class SpellRow(Base):
    """An agent was in one state from `started_at` to `ended_at` (null while it lasts); `agent` is the extension."""

    __tablename__ = "agent_spells"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index(None, "agent", "started_at"),
        Index(None, "started_at"),
        Index("ix_agent_spells_open", "agent", "node", unique=True, postgresql_where=text("ended_at IS NULL")),
    )

    node: Mapped[str] = mapped_column(primary_key=True)
    agent: Mapped[str] = mapped_column(primary_key=True)
    started_at: Mapped[datetime] = mapped_column(primary_key=True)
    ended_at: Mapped[datetime | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    call_ref: Mapped[str | None] = mapped_column(index=True)
