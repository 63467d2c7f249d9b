"""Who may ask: tokens for machines, sessions for browsers, agents of the queue."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Identity, LargeBinary, func
from sqlalchemy.orm import Mapped, mapped_column

from api.kit.base import Base

ROLES = ("agent", "qa", "supervisor", "admin", "machine")


class TokenRow(Base):
    """A bearer token: its hash, never itself."""

    __tablename__ = "api_tokens"
    __table_args__ = (CheckConstraint(f"role IN {ROLES}", name="role"),)

    token_id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    name: Mapped[str]
    role: Mapped[str]
    prefix: Mapped[str]
    sha256: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]


class SessionRow(Base):
    """A browser that showed a token; the cookie holds a secret of its own, kept here as a hash."""

    __tablename__ = "sessions"

    sha256: Mapped[bytes] = mapped_column(LargeBinary, primary_key=True)
    token_id: Mapped[int] = mapped_column(BigInteger, ForeignKey("api_tokens.token_id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    expires_at: Mapped[datetime] = mapped_column(index=True)
    # The seat where this browser stands; its agent's buttons act on that phone.
    extension: Mapped[str | None]


class AgentRow(Base):
    """Somebody who answers: the extension is the name the PBX knows."""

    __tablename__ = "agents"

    extension: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str]
    penalty: Mapped[int] = mapped_column(server_default="0")
