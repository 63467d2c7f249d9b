"""Tickets as stored; in this version all of them are drafts. And what agents made of the machine's suggestions."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, func
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
    # Grows by one with every change, the machine's and the agents'.
    version: Mapped[int] = mapped_column(server_default="1")
    created_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    changed_at: Mapped[datetime] = mapped_column(server_default=func.now())


class CorrectionRow(Base):
    """What an agent made of one field: the machine's value as it stood then, and the agent's. Rows are only added.

    A field that was confirmed unchanged has both values equal. The latest row of a ticket's field counts.
    """

    __tablename__ = "corrections"
    __table_args__ = (Index("ix_corrections_ticket_id", "ticket_id", "field", "correction_id"),)

    correction_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    ticket_id: Mapped[str] = mapped_column(ForeignKey("tickets.ticket_id"))
    call_ref: Mapped[str]
    field: Mapped[str]
    machine_value: Mapped[str | None]
    machine_confidence: Mapped[float]
    machine_evidence: Mapped[list[dict[str, Any]]]
    # The speech model that had heard the call, and the version of the draft that the agent changed.
    model: Mapped[str]
    draft_version: Mapped[int]
    agent_value: Mapped[str | None]
    token_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("api_tokens.token_id"))
    # As the token was called then.
    made_by: Mapped[str]
    made_at: Mapped[datetime] = mapped_column(server_default=func.clock_timestamp(), index=True)
