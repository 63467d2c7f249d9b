"""Giving orders and waiting for what becomes of them."""

import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from http import HTTPStatus
from typing import Any, cast

from psycopg import sql
from sqlalchemy.ext.asyncio import AsyncSession

from api.commands.models import CommandRow, HoldRow
from api.commands.repository import DONE_CHANNEL, CommandRepository, HoldRepository
from api.kit import clock
from api.kit.base import storable
from api.kit.database import Database
from api.kit.problems import BadRequest, Problem
from telephony.actions.errors import ActionInvalid
from telephony.actions.verbs import checked
from telephony.routing.holds import Hold, HoldKind

# What the router itself does with a hold; Asterisk has no part in it.
OWN_VERBS = {"extend": frozenset({"extension"})}
WAIT_SECONDS = 8.0
MAIN_NODE = "main"


class UnknownOrder(BadRequest):
    """A verb that nobody can carry out, or not with these arguments."""

    error_id = "unknown_order"


class OrderFailed(Problem):
    """Asterisk, or the router, did not do what was ordered; `reason_id` says why for machines."""

    status = HTTPStatus.CONFLICT
    error_id = "order_failed"


class NoRouter(Problem):
    """No router carried it out in time; it will not be done later either."""

    status = HTTPStatus.SERVICE_UNAVAILABLE
    error_id = "no_router"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order: `state` is done, failed or expired."""

    command_id: int
    state: str
    result: dict[str, Any] | None
    error_id: str | None
    error: str | None


async def order(
    session: AsyncSession,
    verb: str,
    arguments: Mapping[str, Any],
    *,
    node: str | None = None,
    ordered_by: str,
    about: Mapping[str, Any] | None = None,
    within_seconds: float = WAIT_SECONDS,
) -> int:
    """Order something of a node's router (None: the main one); carried out after this transaction commits.

    `about` is kept with it (the call_ref or ticket_id that a placed call concerns). Returns the order's number, for
    `result`. After `within_seconds` without a router it expires. Raises UnknownOrder.
    """
    if verb in OWN_VERBS:
        if arguments.keys() != OWN_VERBS[verb]:
            raise UnknownOrder(f"{verb} takes {', '.join(OWN_VERBS[verb])}.")
    else:
        try:
            checked(verb, arguments)
        except ActionInvalid as error:
            raise UnknownOrder(str(error)) from error
    return await CommandRepository(session).add(
        verb=verb,
        arguments={name: storable(value) if isinstance(value, str) else value for name, value in arguments.items()},
        about=dict(about or {}),
        node=node or MAIN_NODE,
        ordered_by=storable(ordered_by),
        expires_at=clock.now() + timedelta(seconds=within_seconds),
    )


async def result(database: Database, command_id: int, timeout_seconds: float = WAIT_SECONDS + 1) -> Outcome:
    """Wait for an order to end, at most so long; one that nobody took meanwhile is `expired`.

    An order whose router is still at it is `failed`, with `error_id` `command_unfinished`: it may yet be done.
    """
    deadline = time.monotonic() + timeout_seconds
    connection = await database.listen_connection()
    async with connection:
        await connection.execute(sql.SQL("LISTEN {}").format(sql.Identifier(DONE_CHANNEL)))
        while True:
            async with database.session() as session:
                row = await CommandRepository(session).get(command_id)
                if row is None:
                    raise UnknownOrder(f"There is no order {command_id}.")
                if row.finished_at is not None:
                    return _outcome(row)
                if (left := deadline - time.monotonic()) <= 0:
                    return await _timed_out(session, command_id)
            async with contextlib.aclosing(connection.notifies(timeout=left, stop_after=1)) as notices:
                async for _ in notices:
                    pass


async def carried_out(database: Database, command_id: int) -> dict[str, Any]:
    """Wait for an order and return its result. Raises OrderFailed, NoRouter."""
    outcome = await result(database, command_id)
    if outcome.state == "expired":
        raise NoRouter("路由程序没有应答，未执行。 No router carried this out, and none will: see `zhitong status`.")
    if outcome.state == "failed":
        raise OrderFailed(outcome.error or "", reason_id=outcome.error_id, command_id=command_id)
    return {"command_id": command_id, **(outcome.result or {})}


async def latest(session: AsyncSession, limit: int) -> list[CommandRow]:
    """Return orders, the latest first."""
    return await CommandRepository(session).latest(limit)


async def holds(session: AsyncSession) -> dict[str, Hold]:
    """Return whom the routers keep from calls now, by extension."""
    return {row.agent: hold_of(row) for row in await HoldRepository(session).all()}


def hold_of(row: HoldRow) -> Hold:
    """Return a hold as the rules see it."""
    return Hold(row.agent, cast("HoldKind", row.kind), row.since_at, row.until_at, row.call_ref, row.count)


def row_of(hold: Hold, node: str) -> dict[str, Any]:
    """Return a hold as it is stored."""
    return {
        "node": node,
        "agent": hold.agent,
        "kind": hold.kind,
        "since_at": hold.since,
        "until_at": hold.until,
        "call_ref": hold.call_ref,
        "count": hold.count,
    }


async def _timed_out(session: AsyncSession, command_id: int) -> Outcome:
    if await CommandRepository(session).expire(command_id, clock.now()):
        return Outcome(command_id, "expired", None, "command_expired", "No router took it in time.")
    return Outcome(command_id, "failed", None, "command_unfinished", "The router has not finished this yet.")


def _outcome(row: CommandRow) -> Outcome:
    return Outcome(row.command_id, row.state, row.result, row.error_id, row.error)
