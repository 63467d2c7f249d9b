"""The one way to the database: made in entry points, a session is a transaction."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Protocol

import psycopg
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

from api.kit.postgres_address import url_for
from api.kit.settings import Settings


def url_of(settings: Settings) -> str:
    """Return the address of a system's database: the one that is set, else the embedded one of its data directory."""
    return settings.database_url or url_for(settings.data_dir)


def sqlalchemy_url(url: str) -> str:
    """Return a libpq address as SQLAlchemy wants it."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.partition("+")[0] not in {"postgresql", "postgres"}:
        raise ValueError(f"Only PostgreSQL is supported, and this is no address of one: {scheme}://…")
    return f"postgresql+psycopg://{rest}"


class Sessions(Protocol):
    """Whoever gives sessions that are transactions."""

    def session(self) -> AbstractAsyncContextManager[AsyncSession]:
        """Give a session that commits at the end of the block, and rolls back when the block raises."""


class Database:
    """Engine and sessions of one process."""

    def __init__(self, url: str, *, pool_size: int = 10) -> None:
        self.url = url
        self.engine = create_async_engine(
            sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=10,
            # A database that was restarted is met with a new connection, not with an error.
            pool_pre_ping=True,
            connect_args={"options": "-c timezone=UTC", "connect_timeout": 5},
        )
        self._sessions = async_sessionmaker(self.engine, expire_on_commit=False)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Give a session that commits at the end of the block, and rolls back when the block raises."""
        async with self._sessions() as session, session.begin():
            yield session

    async def listen_connection(self) -> psycopg.AsyncConnection:
        """Open a connection outside the pool, for LISTEN."""
        return await psycopg.AsyncConnection.connect(self.url, autocommit=True, connect_timeout=5)

    async def close(self) -> None:
        """Close all connections."""
        await self.engine.dispose()
