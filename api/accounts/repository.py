"""All SQL about tokens and sessions."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.dialects import postgresql

from api.accounts.models import AgentRow, SessionRow, TokenRow
from api.kit.repository import Repository


class AccountRepository(Repository):
    """Reads and writes who may ask."""

    async def add_token(self, **values: Any) -> None:
        """Store a token's hash."""
        await self.session.execute(insert(TokenRow).values(values))

    async def token_by_hash(self, sha256: bytes) -> TokenRow | None:
        """Return a token that is not revoked."""
        return await self.session.scalar(
            select(TokenRow).where(TokenRow.sha256 == sha256, TokenRow.revoked_at.is_(None))
        )

    async def token_by_session(self, sha256: bytes, now: datetime) -> TokenRow | None:
        """Return the token of a session that has not expired."""
        return await self.session.scalar(
            select(TokenRow)
            .join(SessionRow, SessionRow.token_id == TokenRow.token_id)
            .where(SessionRow.sha256 == sha256, SessionRow.expires_at > now, TokenRow.revoked_at.is_(None))
        )

    async def revoke_tokens(self, prefix: str, now: datetime) -> int:
        """Revoke the tokens that begin so; returns how many."""
        gone = await self.session.scalars(
            update(TokenRow)
            .where(TokenRow.prefix == prefix, TokenRow.revoked_at.is_(None))
            .values(revoked_at=now)
            .returning(TokenRow.token_id)
        )
        return len(list(gone))

    async def add_session(self, **values: Any) -> None:
        """Store a session's hash."""
        await self.session.execute(insert(SessionRow).values(values))

    async def seat_of_session(self, sha256: bytes, now: datetime) -> str | None:
        """Return the seat of a session that has not expired."""
        return await self.session.scalar(
            select(SessionRow.extension).where(SessionRow.sha256 == sha256, SessionRow.expires_at > now)
        )

    async def set_seat(self, sha256: bytes, extension: str | None) -> None:
        """Store the seat of a session."""
        await self.session.execute(update(SessionRow).where(SessionRow.sha256 == sha256).values(extension=extension))

    async def drop_session(self, sha256: bytes) -> None:
        """End a session."""
        await self.session.execute(delete(SessionRow).where(SessionRow.sha256 == sha256))

    async def drop_expired_sessions(self, now: datetime) -> None:
        """Forget sessions that are over."""
        await self.session.execute(delete(SessionRow).where(SessionRow.expires_at <= now))

    async def agent_names(self) -> dict[str, str]:
        """Return the agents' names by extension."""
        rows = await self.session.execute(select(AgentRow.extension, AgentRow.name))
        return {row[0]: row[1] for row in rows}

    async def store_agents(self, names: Mapping[str, str]) -> None:
        """Store agents' names by extension."""
        for extension, name in sorted(names.items()):
            statement = postgresql.insert(AgentRow).values(extension=extension, name=name)
            await self.session.execute(
                statement.on_conflict_do_update(
                    index_elements=[AgentRow.extension], set_={"name": statement.excluded.name}
                )
            )
