"""Orders and agents' holds as stored."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base

STATES = ("ordered", "running", "done", "failed", "expired")
KINDS = ("wrap_up", "missed")


class CommandRow(Base):
    """One order; rows are only added, and their end is written once. The table is the audit of who ordered what."""

    __tablename__ = "commands"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        Index("ix_commands_ordered", "node", "command_id", postgresql_where=text("state = 'ordered'")),
    )

    command_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    verb: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    # What it concerns, for people and reports: a call_ref, a ticket_id.
    about: Mapped[dict[str, Any]]
    # The node that carries it out.
    node: Mapped[str]
    # A person's name, or the part of this program that decided it.
    ordered_by: Mapped[str]
    ordered_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), index=True)
    # Not carried out after this: an order that waited for a router must not take anybody by surprise.
    expires_at: Mapped[datetime]
    state: Mapped[str] = mapped_column(server_default="ordered")
    finished_at: Mapped[datetime | None]
    result: Mapped[dict[str, Any] | None]
    error_id: Mapped[str | None]
    error: Mapped[str | None]


class HoldRow(Base):
    """An agent whom the router keeps from calls now: in wrap-up, or after missed calls; `until_at` ends it."""

    __tablename__ = "agent_holds"
    __table_args__ = (CheckConstraint(f"kind IN {KINDS}", name="kind"),)

    node: Mapped[str] = mapped_column(primary_key=True)
    agent: Mapped[str] = mapped_column(primary_key=True)
    kind: Mapped[str]
    since_at: Mapped[datetime]
    until_at: Mapped[datetime]
    call_ref: Mapped[str | None]
    # How often a wrap-up was extended, or how many calls in a row were missed.
    count: Mapped[int] = mapped_column(server_default="0")
