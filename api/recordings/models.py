"""Recordings as stored: one per agent's segment, two tracks and a mix."""

from datetime import datetime

from sqlalchemy import CheckConstraint, false, func
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base

STATES = ("recording", "stored", "transcribed", "failed")


class RecordingRow(Base):
    """A recording; its files lie under the recordings' folder by these names.

    A recording may be found before its call is known, so `call_ref` is no foreign key. Of a call that an agent placed
    (`outward`), or of whoever was called into one, it is that call's `dial_ref`.
    """

    __tablename__ = "recordings"
    __table_args__ = (CheckConstraint(f"state IN {STATES}", name="state"),)

    recording_id: Mapped[str] = mapped_column(primary_key=True)
    call_ref: Mapped[str] = mapped_column(index=True)
    agent: Mapped[str]
    outward: Mapped[bool] = mapped_column(server_default=false())
    state: Mapped[str] = mapped_column(index=True)
    reason: Mapped[str | None]
    mixed_file: Mapped[str]
    agent_file: Mapped[str]
    citizen_file: Mapped[str]
    started_at: Mapped[datetime]
    duration_seconds: Mapped[float | None]
    found_at: Mapped[datetime] = mapped_column(server_default=func.now())
    # When nothing more was written to it.
    stored_at: Mapped[datetime | None]
    transcribed_at: Mapped[datetime | None]
