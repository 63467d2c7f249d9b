"""Transcripts as stored: one per recording, its utterances in order."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, func
from sqlalchemy.orm import Mapped, mapped_column, relationship

from api.kit.base import Base

STATES = ("live", "complete", "partial")
SPEAKERS = ("citizen", "agent")


class TranscriptRow(Base):
    """What a model heard in one recording; decoding again replaces it."""

    __tablename__ = "transcripts"
    __table_args__ = (CheckConstraint(f"state IN {STATES}", name="state"),)

    recording_id: Mapped[str] = mapped_column(
        ForeignKey("recordings.recording_id", ondelete="CASCADE"), primary_key=True
    )
    call_ref: Mapped[str] = mapped_column(index=True)
    model: Mapped[str]
    # `live` while it grows; `partial` when a track was torn, missing or not ended.
    state: Mapped[str]
    # How far each track was heard: whoever goes on with a live transcript begins here.
    agent_heard_seconds: Mapped[float] = mapped_column(server_default="0")
    citizen_heard_seconds: Mapped[float] = mapped_column(server_default="0")
    made_at: Mapped[datetime] = mapped_column(server_default=func.now())

    utterances: Mapped[list["UtteranceRow"]] = relationship(
        order_by="UtteranceRow.start_seconds, UtteranceRow.end_seconds, UtteranceRow.speaker",
        lazy="raise",
        cascade="all, delete-orphan",
        passive_deletes=True,
    )


class UtteranceRow(Base):
    """What one speaker said without a long pause; seconds count from the recording's start.

    `ordinal` is the order of storing; of a live transcript that is the order in which utterances ended.
    """

    __tablename__ = "utterances"
    __table_args__ = (CheckConstraint(f"speaker IN {SPEAKERS}", name="speaker"),)

    recording_id: Mapped[str] = mapped_column(
        ForeignKey("transcripts.recording_id", ondelete="CASCADE"), primary_key=True
    )
    ordinal: Mapped[int] = mapped_column(primary_key=True)
    speaker: Mapped[str]
    start_seconds: Mapped[float]
    end_seconds: Mapped[float]
    text: Mapped[str]
    confidence: Mapped[float]
    words: Mapped[list[dict[str, Any]]]
