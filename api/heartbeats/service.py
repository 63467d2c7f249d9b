import asyncio
import os
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from api.heartbeats.models import HeartbeatRow
from api.kit.database import Database
from api.kit.logs import get

EVERY_SECONDS = 2.0
# A process that was silent this long is taken for dead.
FRESH_SECONDS = 10.0
FORGOTTEN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pulse:
    """How a process is now: its lag in seconds (None where it has no such measure), and a word about it.

    `standby`: it waits to take over from another one.
    """

    lag_seconds: float | None = None
    detail: str | None = None
    standby: bool = False


async def beat(
    database: Database,
    process: str,
    pulse: Callable[[], Pulse],
    node: str | None = None,
    queues: Sequence[str] | None = None,
) -> None:
    """Tell, until cancelled, that `process` lives. A database that is away is waited for.

    `node`: the Asterisk that it serves, None for a process that serves all; `queues`: that Asterisk's.
    """
    log = get("heartbeat")
    key = {"process": process, "host": socket.gethostname(), "pid": os.getpid()}
    started_at = datetime.now(UTC)
    while True:
        now = pulse()
        told = {
            "seen_at": func.now(),
            "lag_seconds": now.lag_seconds,
            "detail": now.detail,
            "node": node,
            "queues": None if queues is None else list(queues),
            "standby": now.standby,
        }
        try:
            async with database.session() as session:
                row = insert(HeartbeatRow).values(**key, started_at=started_at, **told)
                await session.execute(row.on_conflict_do_update(index_elements=list(key), set_=told))
                await session.execute(delete(HeartbeatRow).where(HeartbeatRow.seen_at < func.now() - FORGOTTEN))
        except (OperationalError, DBAPIError, OSError) as error:
            log.warning("no sign of life could be stored", process=process, error=str(error.__cause__ or error))
        await asyncio.sleep(EVERY_SECONDS)


async def fresh(database: Database) -> list[HeartbeatRow]:
    """Return the processes that gave a sign of life within FRESH_SECONDS, by name."""
    async with database.session() as session:
        rows = await session.scalars(
            select(HeartbeatRow)
            .where(HeartbeatRow.seen_at > func.now() - timedelta(seconds=FRESH_SECONDS))
            .order_by(HeartbeatRow.process, HeartbeatRow.started_at)
        )
        return list(rows)


async def queues_by_node(session: AsyncSession) -> dict[str, frozenset[str]]:
    """Return the queues of each node that a router serves now; one that stands by serves none."""
    rows = await session.execute(
        select(HeartbeatRow.node, HeartbeatRow.queues).where(
            HeartbeatRow.seen_at > func.now() - timedelta(seconds=FRESH_SECONDS),
            HeartbeatRow.node.is_not(None),
            HeartbeatRow.queues.is_not(None),
            HeartbeatRow.standby.is_(False),
        )
    )
    return {row.node: frozenset(row.queues) for row in rows}
