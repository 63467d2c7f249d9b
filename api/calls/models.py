"""Calls and their segments, as stored."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.kit.base import Base

OUTCOMES = ("in_progress", "answered", "abandoned", "short_abandoned", "failed")
PATHS = ("queue", "sticky", "overflow")


class CallRow(Base):
    """One caller's contact, from ring to hangup, across all its channels."""

    __tablename__ = "calls"
    __table_args__ = (
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint(f"via IN {PATHS}", name="via"),
        Index(None, "offered_at", "call_ref"),
        Index("ix_calls_in_progress", "offered_at", postgresql_where=text("outcome = 'in_progress'")),
    )

    call_ref: Mapped[str] = mapped_column(primary_key=True)
    caller: Mapped[str | None]
    queue: Mapped[str | None]
    outcome: Mapped[str]
    via: Mapped[str | None]
    sip_call_id: Mapped[str | None] = mapped_column(index=True)
    offered_at: Mapped[datetime]
    answered_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    wait_seconds: Mapped[float | None]
    talk_seconds: Mapped[float | None]
    agent: Mapped[str | None] = mapped_column(index=True)
    stored_at: Mapped[datetime] = mapped_column(server_default=func.now())

    segments: Mapped[list["SegmentRow"]] = relationship(
        order_by="SegmentRow.ordinal", lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )


class SegmentRow(Base):
    """One agent's part of a call."""

    __tablename__ = "call_segments"

    call_ref: Mapped[str] = mapped_column(ForeignKey("calls.call_ref", ondelete="CASCADE"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    agent: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    talk_seconds: Mapped[float | None]
    # No foreign key: Asterisk names the recording before the worker has seen its file.
    recording_id: Mapped[str | None] = mapped_column(index=True)
