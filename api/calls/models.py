"""Calls and their waits, offers and segments, as stored."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.kit.base import Base

OUTCOMES = ("in_progress", "answered", "abandoned", "short_abandoned", "failed")
PATHS = ("queue", "sticky", "overflow")
SIDES = ("citizen", "agent", "system")
BEGINNINGS = ("answered", "blind_transfer", "attended_transfer", "conference")
WAIT_ENDS = ("connected", "abandoned", "timed_out", "redirected", "withdrawn", "unknown")
OFFER_RESULTS = ("answered", "missed", "cancelled")


class CallRow(Base):
    """One caller's contact, from ring to hangup, across all its channels."""

    __tablename__ = "calls"
    __table_args__ = (
        CheckConstraint(f"outcome IN {OUTCOMES}", name="outcome"),
        CheckConstraint(f"via IN {PATHS}", name="via"),
        CheckConstraint(f"hung_up_by IN {SIDES}", name="hung_up_by"),
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
    node: Mapped[str] = mapped_column(server_default="main")
    dialled: Mapped[str | None]
    hold_seconds: Mapped[float | None]
    hung_up_by: Mapped[str | None]
    stored_at: Mapped[datetime] = mapped_column(server_default=func.now())

    waits: Mapped[list["WaitRow"]] = relationship(
        order_by="WaitRow.ordinal", lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )
    offers: Mapped[list["OfferRow"]] = relationship(
        order_by="OfferRow.ordinal", lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )
    segments: Mapped[list["SegmentRow"]] = relationship(
        order_by="SegmentRow.ordinal", lazy="raise", cascade="all, delete-orphan", passive_deletes=True
    )


class SegmentRow(Base):
    """One agent's part of a call."""

    __tablename__ = "call_segments"
    __table_args__ = (CheckConstraint(f"began IN {BEGINNINGS}", name="began"),)

    call_ref: Mapped[str] = mapped_column(ForeignKey("calls.call_ref", ondelete="CASCADE"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    agent: Mapped[str]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    talk_seconds: Mapped[float | None]
    # No foreign key: Asterisk names the recording before the worker has seen its file.
    recording_id: Mapped[str | None] = mapped_column(index=True)
    began: Mapped[str] = mapped_column(server_default="answered")
    hold_seconds: Mapped[float | None]


class WaitRow(Base):
    """One stay of the caller in a queue."""

    __tablename__ = "call_waits"
    __table_args__ = (
        CheckConstraint(f"ended IN {WAIT_ENDS}", name="ended"),
        Index(None, "queue", "joined_at"),
        Index("ix_call_waits_waiting", "queue", postgresql_where=text("left_at IS NULL")),
    )

    call_ref: Mapped[str] = mapped_column(ForeignKey("calls.call_ref", ondelete="CASCADE"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    queue: Mapped[str]
    joined_at: Mapped[datetime]
    left_at: Mapped[datetime | None]
    ended: Mapped[str | None]


class OfferRow(Base):
    """One agent's phone rang for the call."""

    __tablename__ = "call_offers"
    __table_args__ = (CheckConstraint(f"result IN {OFFER_RESULTS}", name="result"), Index(None, "agent", "rang_at"))

    call_ref: Mapped[str] = mapped_column(ForeignKey("calls.call_ref", ondelete="CASCADE"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    agent: Mapped[str]
    rang_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    result: Mapped[str | None]
