"""Promises as they were worded, what was done when they were not kept, and what came of it."""

from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, CheckConstraint, Double, ForeignKey, Identity, Index, func, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.commands.models import CommandRow
from api.kit.base import Base

ACTS = ("warn_wall", "tell_supervisor", "call_reserve", "end_breaks", "raise_priority", "overflow")
UNDONE_REASONS = ("eased", "policy_ended")


class PolicyRow(Base):
    """A policy that was in force: `text` is what it said (JSON), kept for good; its key is the text's SHA-256."""

    __tablename__ = "service_level_policies"

    sha256: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    desk: Mapped[str]
    text: Mapped[str]
    first_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StateRow(Base):
    """Where a target's ladder stands (api.enforcement.ladder.TargetState), so that another process can go on."""

    __tablename__ = "enforcement_states"

    policy_sha256: Mapped[str] = mapped_column(ForeignKey("service_level_policies.sha256"), primary_key=True)
    target: Mapped[str] = mapped_column(primary_key=True)
    level: Mapped[int]
    pressed_seconds: Mapped[float | None]
    eased_seconds: Mapped[float | None]
    cooling: Mapped[list[float]] = mapped_column(ARRAY(Double()))
    seen_at: Mapped[datetime]


class ActRow(Base):
    """A rung that began: the figure that asked for it, when, by which process, and when it was undone.

    `value` = `numerator` ÷ `denominator` where there is one; `limit` is the rung's `begins_at`.
    """

    __tablename__ = "enforcement_acts"
    __table_args__ = (
        CheckConstraint(f"act IN {ACTS}", name="act"),
        CheckConstraint(f"undone_reason IN {UNDONE_REASONS}", name="undone_reason"),
        CheckConstraint("(undone_at IS NULL) = (undone_reason IS NULL)", name="undone"),
        Index(None, "done_at", "act_id"),
        Index(
            "ix_enforcement_acts_in_force",
            "policy_sha256",
            "target",
            "rung",
            unique=True,
            postgresql_where=text("undone_at IS NULL"),
        ),
    )

    act_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    policy_sha256: Mapped[str] = mapped_column(ForeignKey("service_level_policies.sha256"))
    desk: Mapped[str]
    target: Mapped[str]
    rung: Mapped[int]
    act: Mapped[str]
    value: Mapped[float | None]
    numerator: Mapped[float | None]
    denominator: Mapped[float | None]
    excluded: Mapped[int]
    limit: Mapped[float]
    done_at: Mapped[datetime]
    done_by: Mapped[str]
    undone_at: Mapped[datetime | None]
    undone_value: Mapped[float | None]
    undone_reason: Mapped[str | None]

    policy: Mapped[PolicyRow] = relationship(lazy="raise")
    orders: Mapped[list["OrderRow"]] = relationship(order_by="OrderRow.ordered_at", lazy="raise")
    effects: Mapped[list["EffectRow"]] = relationship(order_by="EffectRow.after_seconds", lazy="raise")


class OrderRow(Base):
    """One thing that an act had done to one subject (an agent, a caller, a desk), or undone.

    `command_id` is the command's number in `commands`; null for what needs no telephony (an announcement).
    """

    __tablename__ = "enforcement_orders"

    act_id: Mapped[int] = mapped_column(ForeignKey("enforcement_acts.act_id"), primary_key=True)
    subject: Mapped[str] = mapped_column(primary_key=True)
    verb: Mapped[str] = mapped_column(primary_key=True)
    undo: Mapped[bool] = mapped_column(primary_key=True)
    arguments: Mapped[dict[str, Any]]
    ordered_at: Mapped[datetime]
    command_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("commands.command_id"))

    command: Mapped[CommandRow | None] = relationship(lazy="raise")


class EffectRow(Base):
    """What the figure that asked for an act was, so many seconds after it was done."""

    __tablename__ = "enforcement_effects"

    act_id: Mapped[int] = mapped_column(ForeignKey("enforcement_acts.act_id"), primary_key=True)
    after_seconds: Mapped[int] = mapped_column(primary_key=True)
    value: Mapped[float | None]
    numerator: Mapped[float | None]
    denominator: Mapped[float | None]
    excluded: Mapped[int]
