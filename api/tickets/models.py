"""Tickets as stored; in this version all of them are drafts."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, func
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base

STATES = ("draft",)


class TicketRow(Base):
    """What a call asks for: fields with value, confidence, evidence, and whether a human confirmed them."""

    __tablename__ = "tickets"
    __table_args__ = (CheckConstraint("state IN ('draft')", name="state"),)

    # The day and a number that never repeats, as clerks write it: 20261123000017.
    ticket_id: Mapped[str] = mapped_column(primary_key=True)
    call_ref: Mapped[str] = mapped_column(unique=True)
    state: Mapped[str]
    fields: Mapped[dict[str, Any]]
    # Why the draft could not be filled in by the machine; null when it was.
    reason: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())
