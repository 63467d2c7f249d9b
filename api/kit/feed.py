"""Push: one listener a process reads the change feed, any number of watchers wait for it."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from api.kit import logs
from api.kit.changes import CHANNEL, Change, ChangeRepository, Position
from api.kit.database import Database

log = logs.get(__name__)
_BATCH = 200
_KEPT = 2000
# Without a notification the feed is read this often, in case one was lost with its connection.
_POLL_SECONDS = 5.0
# A change can wait for an older transaction to end before it may be shown.
_PENDING_SECONDS = 0.05
_RECONNECT_SECONDS = 1.0

Render = Callable[[AsyncSession, list[Change]], Awaitable[list[dict[str, Any]]]]


@dataclass(frozen=True, slots=True)
class Event:
    """A change as it is sent; `data` is None where the watcher must load everything anew."""

    position: Position
    data: dict[str, Any] | None


class Feed:
    """The change feed of one process; `run()` reads it, `watch()` gives it on.

    The same connection listens to other channels: `notices` says who takes what is sent there.
    """

    def __init__(
        self, database: Database, render: Render, notices: Mapping[str, Callable[[str], None]] | None = None
    ) -> None:
        self._database = database
        self._render = render
        self._notices = dict(notices or {})
        self._recent: deque[Event] = deque(maxlen=_KEPT)
        self._position: Position | None = None
        self._moved = asyncio.Condition()
        self.listening = False

    async def run(self) -> None:
        """Read the feed until cancelled; a database that is away is waited for, and nothing is lost meanwhile."""
        while True:
            try:
                await self._listen()
            except (DBAPIError, psycopg.Error, OSError) as error:
                log.warning("feed_waits", reason=str(error))
            self.listening = False
            await asyncio.sleep(_RECONNECT_SECONDS)

    async def position(self) -> Position:
        """Return the place after everything that can be seen now."""
        async with self._database.session() as session:
            return await ChangeRepository(session).present()

    async def watch(self, after: Position | None) -> AsyncIterator[Event]:
        """Give every change after `after` (None: from now on), each once, in order, without end."""
        cursor = after if after is not None else await self.position()
        async with self._database.session() as session:
            if not await ChangeRepository(session).reaches_back_to(cursor):
                cursor = await ChangeRepository(session).present()
                yield Event(cursor, None)
        while True:
            for event in await self._after(cursor):
                cursor = event.position
                yield event
            async with self._moved:
                await self._moved.wait_for(lambda: self._position is not None and self._position > cursor)  # noqa: B023

    async def _after(self, cursor: Position) -> list[Event]:
        if self._recent and self._recent[0].position <= cursor:
            return [event for event in self._recent if event.position > cursor]
        async with self._database.session() as session:
            return await self._read(session, cursor)

    async def _listen(self) -> None:
        connection = await self._database.listen_connection()
        async with connection:
            for channel in (CHANNEL, *self._notices):
                await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(channel)))
            self.listening = True
            while True:
                pending = await self._catch_up()
                wait_seconds = _PENDING_SECONDS if pending else _POLL_SECONDS
                await self._wait(connection, wait_seconds)

    async def _wait(self, connection: psycopg.AsyncConnection, seconds: float) -> None:
        """Hand on what other channels bring until something changed, at most so long."""
        deadline = time.monotonic() + seconds
        changed = False
        while not changed and (left := deadline - time.monotonic()) > 0:
            async with contextlib.aclosing(connection.notifies(timeout=left, stop_after=1)) as notices:
                async for notice in notices:
                    take = self._notices.get(notice.channel)
                    if take is None:
                        changed = True
                    else:
                        take(notice.payload)

    async def _catch_up(self) -> bool:
        """Read what is new; says whether more is there that may not be shown yet."""
        while True:
            async with self._database.session() as session:
                repository = ChangeRepository(session)
                position = self._position
                if position is None:
                    position = await repository.present()
                    await self._move_to(position, [])
                events = await self._read(session, position)
                pending = not events and await repository.any_after(position)
            if not events:
                return pending
            await self._move_to(events[-1].position, events)

    async def _move_to(self, position: Position, events: list[Event]) -> None:
        async with self._moved:
            self._recent.extend(events)
            self._position = position
            self._moved.notify_all()

    async def _read(self, session: AsyncSession, cursor: Position) -> list[Event]:
        changes = await ChangeRepository(session).after(cursor, _BATCH)
        data = await self._render(session, changes) if changes else []
        return [
            Event(Position(change.transaction_id, change.change_id), content)
            for change, content in zip(changes, data, strict=True)
        ]
