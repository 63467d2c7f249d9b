"""What was counted of each quarter-hour and each day, as stored: derived from calls and spells, never edited."""

from datetime import datetime

from sqlalchemy import BigInteger, Identity, Integer
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base


class _CallSums:
    """The columns of api.queues.sums.CallSums, by queue and agent; `agent` is empty in the row of all of them.

    That row is no sum of the agents' rows: each agent's is a part.
    """

    queue: Mapped[str] = mapped_column(primary_key=True)
    agent: Mapped[str] = mapped_column(primary_key=True)
    waiting: Mapped[int]
    answered: Mapped[int]
    abandoned: Mapped[int]
    short_abandoned: Mapped[int]
    failed: Mapped[int]
    queued: Mapped[int]
    queued_waiting: Mapped[int]
    queued_abandoned: Mapped[int]
    queued_short_abandoned: Mapped[int]
    answered_within: Mapped[list[int]] = mapped_column(ARRAY(Integer))
    answered_wait_microseconds: Mapped[int] = mapped_column(BigInteger)
    unanswered_wait_microseconds: Mapped[int] = mapped_column(BigInteger)
    longest_wait_microseconds: Mapped[int] = mapped_column(BigInteger)
    handled: Mapped[int]
    talk_microseconds: Mapped[int] = mapped_column(BigInteger)
    wrap_up_microseconds: Mapped[int] = mapped_column(BigInteger)


class _AgentSums:
    """The columns of api.queues.sums.AgentSums, as far as spells have ended; `agent` empty: all."""

    agent: Mapped[str] = mapped_column(primary_key=True)
    talking_microseconds: Mapped[int] = mapped_column(BigInteger)
    wrap_up_microseconds: Mapped[int] = mapped_column(BigInteger)
    idle_microseconds: Mapped[int] = mapped_column(BigInteger)
    ringing_microseconds: Mapped[int] = mapped_column(BigInteger)
    paused_microseconds: Mapped[int] = mapped_column(BigInteger)


class QueueRollupRow(_CallSums, Base):
    """The calls offered to a queue in a quarter."""

    __tablename__ = "queue_rollups"

    quarter: Mapped[datetime] = mapped_column(primary_key=True, index=True)


class QueueDayRow(_CallSums, Base):
    """The calls offered to a queue in a UTC day: the sum of its quarters."""

    __tablename__ = "queue_days"

    day: Mapped[datetime] = mapped_column(primary_key=True, index=True)


class AgentRollupRow(_AgentSums, Base):
    """How an agent spent a quarter."""

    __tablename__ = "agent_rollups"

    quarter: Mapped[datetime] = mapped_column(primary_key=True, index=True)


class AgentDayRow(_AgentSums, Base):
    """How an agent spent a UTC day: the sum of its quarters."""

    __tablename__ = "agent_days"

    day: Mapped[datetime] = mapped_column(primary_key=True, index=True)


class RollupMarkRow(Base):
    """A quarter whose calls or spells changed since it was counted; written by triggers, whoever changed them.

    Every change adds a row of its own: one that is not committed yet cannot be hidden by another that is.
    """

    __tablename__ = "rollup_marks"

    mark_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    quarter: Mapped[datetime] = mapped_column(index=True)
