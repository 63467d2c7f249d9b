"""Which router of a node writes: the one whose own database session holds the node's advisory lock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from api.kit import logs
from api.kit.database import sqlalchemy_url

log = logs.get(__name__)
STANDBY_LOOKS_SECONDS = 0.5
HOLDER_LOOKS_SECONDS = 1.0
# After an outage the router that held the lock comes first: it knows what happened meanwhile.
AFTER_OUTAGE_SECONDS = 3.0
# A machine that vanished is given up within 4 s, by PostgreSQL and by us; a process that died, at once.
_KEEPALIVES = {"keepalives_idle": 2, "keepalives_interval": 1, "keepalives_count": 2, "tcp_user_timeout": 4000}
_SERVER = "-c timezone=UTC " + " ".join(
    f"-c {name}={value}"
    for name, value in (
        ("tcp_keepalives_idle", 2),
        ("tcp_keepalives_interval", 1),
        ("tcp_keepalives_count", 2),
        ("tcp_user_timeout", 4000),
    )
)
_TRY = text("SELECT pg_try_advisory_lock(hashtextextended('zhitong router ' || :node, 0))")


class LeaseLostError(Exception):
    """Another router of this node holds the lock now: this one must end its work and stand by."""

    error_id = "router.lease_lost"


class Lease:
    """The right to write what a node's Asterisk tells.

    All writing goes through `session`, on the very connection that holds the lock: PostgreSQL itself sees to it that
    a router that lost the lock writes nothing more, whatever it believes (docs/decisions/0011).
    """

    def __init__(self, url: str, node: str) -> None:
        self._node = node
        connect_args = {"options": _SERVER, "connect_timeout": 5, **_KEEPALIVES}
        self._engine = create_async_engine(sqlalchemy_url(url), poolclass=NullPool, connect_args=connect_args)
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()

    @property
    def held(self) -> bool:
        """Whether the lock was held when last looked at."""
        return self._connection is not None

    async def acquire(self) -> None:
        """Wait until no other router of the node holds the lock, and hold it."""
        while not self.held:
            try:
                async with self._turn:
                    await self._open()
            except LeaseLostError:
                await asyncio.sleep(STANDBY_LOOKS_SECONDS)
            except (DBAPIError, OSError) as error:
                log.warning("waiting_for_database", reason=str(error.__cause__ or error))
                await asyncio.sleep(AFTER_OUTAGE_SECONDS)
        log.info("lease_taken", node=self._node)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[AsyncSession]:
        """Give a session that commits at the end of the block; one at a time.

        Raises `LeaseLostError` when another router holds the lock, `DBAPIError` or `OSError` when the database is away.
        A connection that broke is opened again, and serves only if the lock is still to be had.
        """
        async with self._turn:
            connection = self._connection or await self._open()
            try:
                async with AsyncSession(connection, expire_on_commit=False) as session, session.begin():
                    yield session
            except BaseException:
                if connection.invalidated or connection.closed:
                    await self._drop()
                raise

    async def watch(self) -> None:
        """Look after the lock as long as it can be held; raises `LeaseLostError` when another router has it."""
        while True:
            await asyncio.sleep(HOLDER_LOOKS_SECONDS)
            try:
                async with self.session() as session:
                    await session.execute(text("SELECT 1"))
            except (DBAPIError, OSError) as error:
                log.warning("lease_session_lost", node=self._node, reason=str(error.__cause__ or error))

    async def release(self) -> None:
        """Give the lock back; the next router takes over at its next look."""
        await self._drop()
        await self._engine.dispose()

    async def _open(self) -> AsyncConnection:
        connection = await self._engine.connect()
        try:
            held = await connection.scalar(_TRY, {"node": self._node})
            await connection.commit()
        except BaseException:
            await connection.close()
            raise
        if not held:
            await connection.close()
            raise LeaseLostError(f"another router of node {self._node!r} is at work")
        self._connection = connection
        return connection

    async def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # Never back into use: with the session, the lock goes.
            await connection.invalidate()
            await connection.close()
