"""Tokens and sessions: made, shown once, checked, ended."""

import hashlib
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.models import ROLES
from api.accounts.repository import AccountRepository
from api.accounts.roles import PERMISSIONS, Permission
from api.kit.base import storable
from api.kit.clock import now as present
from api.kit.problems import BadRequest, Forbidden

_PREFIX_LENGTH = 10


class UnknownRole(BadRequest):
    """A role that this program does not have."""

    error_id = "unknown_role"


class UnknownSeat(BadRequest):
    """A seat that config/agents.toml has not."""

    error_id = "unknown_seat"


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks: known by a token, directly or through a session opened with it."""

    token_id: int
    name: str
    role: str

    def may(self, permission: Permission) -> bool:
        """Say whether the role allows it."""
        return permission in PERMISSIONS[self.role]

    def must(self, permission: Permission) -> None:
        """Do nothing where the role allows it. Raises Forbidden."""
        if not self.may(permission):
            raise Forbidden(f"The role {self.role!r} may not do this ({permission}).")


async def create_token(session: AsyncSession, *, name: str, role: str) -> str:
    """Make a bearer token and return it; it cannot be shown again, only its hash is stored.

    Raises UnknownRole.
    """
    if role not in ROLES:
        raise UnknownRole(f"There is no role {role!r}; the roles are {', '.join(ROLES)}.")
    token = "zt_" + secrets.token_urlsafe(32)
    await AccountRepository(session).add_token(
        name=storable(name), role=role, prefix=token[:_PREFIX_LENGTH], sha256=_sha256(token)
    )
    return token


async def revoke_token(session: AsyncSession, prefix: str) -> int:
    """Revoke the tokens with this prefix (their first 10 characters) at once, sessions included; returns how many."""
    return await AccountRepository(session).revoke_tokens(prefix, present())


async def by_token(session: AsyncSession, token: str) -> Principal | None:
    """Return who a bearer token stands for."""
    row = await AccountRepository(session).token_by_hash(_sha256(token))
    return Principal(row.token_id, row.name, row.role) if row else None


async def open_session(session: AsyncSession, principal: Principal, hours: float) -> str:
    """Open a browser's session and return its secret for the cookie."""
    secret = secrets.token_urlsafe(32)
    await AccountRepository(session).add_session(
        sha256=_sha256(secret), token_id=principal.token_id, expires_at=present() + timedelta(hours=hours)
    )
    return secret


async def by_session(session: AsyncSession, secret: str) -> Principal | None:
    """Return who a session's cookie stands for."""
    row = await AccountRepository(session).token_by_session(_sha256(secret), present())
    return Principal(row.token_id, row.name, row.role) if row else None


async def seat_of(session: AsyncSession, secret: str) -> str | None:
    """Return the seat that was chosen in a browser's session."""
    return await AccountRepository(session).seat_of_session(_sha256(secret), present())


async def take_seat(session: AsyncSession, secret: str, extension: str | None) -> None:
    """Choose the seat of a browser's session; None leaves it. Raises UnknownSeat."""
    if extension is not None and extension not in await agent_names(session):
        raise UnknownSeat(f"没有座席 {extension!r}。 There is no seat {extension!r}.")
    await AccountRepository(session).set_seat(_sha256(secret), extension)


async def close_session(session: AsyncSession, secret: str) -> None:
    """End a browser's session."""
    await AccountRepository(session).drop_session(_sha256(secret))


async def drop_expired_sessions(session: AsyncSession, now: datetime) -> None:
    """Forget sessions that are over."""
    await AccountRepository(session).drop_expired_sessions(now)


async def store_agents(session: AsyncSession, names: Mapping[str, str]) -> None:
    """Store the agents' names by extension, as the pages show them."""
    await AccountRepository(session).store_agents({ext: storable(name) for ext, name in names.items()})


async def agent_names(session: AsyncSession) -> dict[str, str]:
    """Return the agents' names by extension."""
    return await AccountRepository(session).agent_names()


def _sha256(secret: str) -> bytes:
    # 256 random bits need no salt and no slow hash.
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()
