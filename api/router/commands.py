"""Carrying out what was ordered: one router takes its own node's orders, in their order, each once."""

import asyncio
import contextlib
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.exc import DBAPIError

from api.commands.models import CommandRow
from api.commands.repository import CHANNEL, CommandRepository
from api.kit import clock, logs
from api.kit.database import Database
from api.outward import service as outward
from api.router.advisor import Advisor
from telephony.actions.reach import Reach
from telephony.actions.verbs import checked
from telephony.ami.connection import AmiConnection
from telephony.errors import TelephonyError

log = logs.get(__name__)
# Without a notification the orders are looked at this often, in case one was lost with its connection.
POLL_SECONDS = 2.0
RECONNECT_SECONDS = 1.0


class Executor:
    """Takes the orders of one node and gives them to its Asterisk."""

    def __init__(self, database: Database, asterisk: AmiConnection, reach: Reach, advisor: Advisor, node: str) -> None:
        self._database = database
        self._asterisk = asterisk
        self._reach = reach
        self._advisor = advisor
        self._node = node

    async def run(self) -> None:
        """Work until cancelled; while the database is away, orders wait (and expire) there."""
        while True:
            try:
                await self._listen()
            except (DBAPIError, psycopg.Error, OSError) as error:
                log.warning("commands_wait_for_database", reason=str(error))
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self) -> None:
        async with self._database.session() as session:
            await CommandRepository(session).give_up_running(self._node, clock.now())
        connection = await self._database.listen_connection()
        async with connection:
            await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(CHANNEL)))
            while True:
                while await self._carry_out_next():
                    pass
                async with contextlib.aclosing(connection.notifies(timeout=POLL_SECONDS, stop_after=1)) as notices:
                    async for _ in notices:
                        pass

    async def _carry_out_next(self) -> bool:
        async with self._database.session() as session:
            taken = await CommandRepository(session).take(self._node, clock.now())
        if taken is None:
            return False
        ending: dict[str, Any]
        try:
            ending = {"state": "done", "result": await self._carry_out(taken) or {}}
        except TelephonyError as error:
            ending = {"state": "failed", "error_id": error.error_id, "error": str(error)}
        except Exception as error:  # a defect of ours must not end the router, and whoever ordered is told
            log.exception("command_failed", verb=taken.verb, command_id=taken.command_id)
            ending = {"state": "failed", "error_id": "internal", "error": f"{type(error).__name__}: {error}"}
        log.info("command", verb=taken.verb, arguments=taken.arguments, ordered_by=taken.ordered_by, **ending)
        async with self._database.session() as session:
            await CommandRepository(session).finish(taken.command_id, finished_at=clock.now(), **ending)
            if taken.verb == "dial" and ending["state"] == "done":
                await outward.carried_out(session, taken, ending["result"], clock.now())
        return True

    async def _carry_out(self, taken: CommandRow) -> dict[str, str] | None:
        arguments = taken.arguments
        if taken.verb == "extend":
            await self._advisor.extend(arguments["extension"])
            return None
        found = await checked(taken.verb, arguments)(self._asterisk, self._reach, **arguments)
        self._advisor.ordered(taken.verb, arguments)
        return found
