from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base

STATES = ("live", "deferred")


class LiveClaimRow(Base):
    """Which worker transcribes a recording while its call runs, by a lease in the database's time.

    `live` counts until `expires_at`. `deferred` stays, with its reason: that recording is left to the job that comes
    after the call.
    """

    __tablename__ = "live_claims"
    __table_args__ = (CheckConstraint(f"state IN {STATES}", name="state"),)

    recording_id: Mapped[str] = mapped_column(
        ForeignKey("recordings.recording_id", ondelete="CASCADE"), primary_key=True
    )
    worker: Mapped[str]
    state: Mapped[str] = mapped_column(index=True)
    expires_at: Mapped[datetime]
    # Sound that was there and not yet decoded, when the lease was last renewed.
    lag_seconds: Mapped[float] = mapped_column(server_default="0")
    reason: Mapped[str | None]
