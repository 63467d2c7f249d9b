from datetime import datetime

from sqlalchemy import ARRAY, Text, false, func
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base


class HeartbeatRow(Base):
    """The last sign of life of one process; `lag_seconds` says how far it is behind, in its own measure."""

    __tablename__ = "heartbeats"

    process: Mapped[str] = mapped_column(primary_key=True)
    host: Mapped[str] = mapped_column(primary_key=True)
    pid: Mapped[int] = mapped_column(primary_key=True)
    started_at: Mapped[datetime]
    seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    lag_seconds: Mapped[float | None]
    detail: Mapped[str | None]
    # The Asterisk that it serves; None: all of them.
    node: Mapped[str | None]
    standby: Mapped[bool] = mapped_column(server_default=false())
    # The queues of that Asterisk.
    queues: Mapped[list[str] | None] = mapped_column(ARRAY(Text()))
