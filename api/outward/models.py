"""Calls that agents place, as stored."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.commands.models import CommandRow
from api.kit.base import Base


class OutwardRow(Base):
    """One call by an order (`command_id`, whose `about` says what it concerns), and what is known of it.

    Events may come before the order's end is stored, and some never: each column is null until it is known
    (telephony.calls.outward). When it was ordered the name says, until the order does.
    """

    __tablename__ = "outward_calls"
    __table_args__ = (Index("ix_outward_calls_ordered", "ordered_at", "dial_ref"),)

    dial_ref: Mapped[str] = mapped_column(primary_key=True)
    node: Mapped[str]
    command_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("commands.command_id"), unique=True)
    number: Mapped[str | None]
    agent: Mapped[str | None]
    ordered_at: Mapped[datetime]
    picked_up_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    status: Mapped[str | None]
    cause: Mapped[int | None]
    talk_seconds: Mapped[float | None]
    recording_id: Mapped[str | None]

    command: Mapped[CommandRow | None] = relationship(lazy="raise")
