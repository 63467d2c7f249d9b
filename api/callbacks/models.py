"""Callers who gave up, and how often they were called back."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, Index, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.commands.models import CommandRow
from api.kit.base import Base

STATES = ("open", "reached", "exhausted", "withdrawn", "merged", "left_out")
REASONS = ("withheld", "nuisance", "got_through", "was_answered", "same_caller")
RESULTS = (
    *("reached", "no_answer", "busy", "wrong_number", "unreachable"),
    *("cancelled", "agent_absent", "failed"),
)


class CallbackRow(Base):
    """One abandoned call and what is owed for it; every abandon has one, also where nothing is owed (`reason`).

    `merged`: the caller had an open one already, `merged_into`. `withdrawn`: the caller got through meanwhile, by
    `closed_by_call`. `tries_allowed` and `spacing_seconds` are the rule's when it was made.
    """

    __tablename__ = "callbacks"
    __table_args__ = (
        CheckConstraint(f"state IN {STATES}", name="state"),
        CheckConstraint(f"reason IN {REASONS}", name="reason"),
        CheckConstraint("(state = 'merged') = (merged_into IS NOT NULL)", name="merged"),
        CheckConstraint("(state = 'open') = (closed_at IS NULL)", name="closed"),
        Index("ix_callbacks_open_caller", "caller", unique=True, postgresql_where=text("state = 'open'")),
        Index(None, "due_at", "callback_id"),
        Index(None, "merged_into"),
    )

    callback_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    call_ref: Mapped[str] = mapped_column(ForeignKey("calls.call_ref"), unique=True)
    caller: Mapped[str | None]
    desk: Mapped[str | None]
    state: Mapped[str]
    reason: Mapped[str | None]
    merged_into: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("callbacks.callback_id"))
    abandoned_at: Mapped[datetime]
    # The last abandon of this caller that was merged in, else its own.
    last_abandoned_at: Mapped[datetime]
    due_at: Mapped[datetime]
    next_try_at: Mapped[datetime]
    tries_allowed: Mapped[int]
    spacing_seconds: Mapped[float]
    policy_sha256: Mapped[str] = mapped_column(ForeignKey("service_level_policies.sha256"))
    made_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]
    closed_by_call: Mapped[str | None]

    tries: Mapped[list["TryRow"]] = relationship(order_by="TryRow.ordinal", lazy="raise")


# Of which the call itself has told nothing, or only by its silence.
_SILENT = "heard IS NULL OR heard IN ('agent_absent', 'failed')"


class TryRow(Base):
    """One attempt to call back; `result` is null while it goes on.

    `heard` is what the call itself told (api.outward), and `result` the same unless a person overruled it: `told_by`,
    who gave a `reason`.
    """

    __tablename__ = "callback_tries"
    __table_args__ = (
        CheckConstraint(f"result IN {RESULTS}", name="result"),
        CheckConstraint(f"heard IN {RESULTS}", name="heard"),
        CheckConstraint("(result IS NULL) = (ended_at IS NULL)", name="ended"),
        Index("ix_callback_tries_not_heard", "dialled_at", postgresql_where=text(_SILENT)),
        Index("ix_callback_tries_going_on", "callback_id", unique=True, postgresql_where=text("result IS NULL")),
    )

    callback_id: Mapped[int] = mapped_column(ForeignKey("callbacks.callback_id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    agent: Mapped[str]
    dialled_at: Mapped[datetime]
    dialled_by: Mapped[str]
    command_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("commands.command_id"))
    # What the recording's name begins with (telephony.actions.dial).
    call_ref: Mapped[str | None]
    result: Mapped[str | None]
    ended_at: Mapped[datetime | None]
    heard: Mapped[str | None]
    talk_seconds: Mapped[float | None]
    recording_id: Mapped[str | None]
    told_by: Mapped[str | None]
    reason: Mapped[str | None]

    command: Mapped[CommandRow | None] = relationship(lazy="raise")
