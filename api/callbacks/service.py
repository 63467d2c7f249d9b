"""What people do with callbacks: list, dial, say what came of it."""

from collections.abc import Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.callbacks.models import CallbackRow, TryRow
from api.callbacks.owed import COUNTED, Result, after_try
from api.callbacks.repository import CallbackFilter, CallbackRepository
from api.commands import service as commands
from api.kit.changes import ChangeRepository
from api.kit.pagination import Cursor, cut
from api.kit.problems import NotFound, Problem


class CallbackNotFound(NotFound):
    """No callback, or no try of it, has this number."""

    error_id = "callback_not_found"


class CallbackClosed(Problem):
    """Nothing is owed to this caller any more."""

    status = HTTPStatus.CONFLICT
    error_id = "callback_closed"


class CallbackBeingDialled(Problem):
    """Somebody is calling back right now."""

    status = HTTPStatus.CONFLICT
    error_id = "callback_being_dialled"


class CallbackTooEarly(Problem):
    """The caller was tried a short while ago."""

    status = HTTPStatus.CONFLICT
    error_id = "callback_too_early"


class TryIsOver(Problem):
    """What came of this try is known already."""

    status = HTTPStatus.CONFLICT
    error_id = "callback_try_over"


async def page(
    session: AsyncSession, wanted: CallbackFilter, cursor: Cursor | None, limit: int
) -> tuple[list[CallbackRow], str | None]:
    """Return callbacks, the most urgent first, and the cursor of the next page. Raises BadCursor."""
    rows = await CallbackRepository(session).page(wanted, cursor, limit + 1)
    return cut(rows, limit, lambda callback: Cursor(callback.due_at, str(callback.callback_id)))


async def find(session: AsyncSession, callback_id: int) -> CallbackRow:
    """Return one callback with its tries. Raises CallbackNotFound."""
    return _found(await CallbackRepository(session).get(callback_id), callback_id)


async def dial(session: AsyncSession, callback_id: int, agent: str, by: str, now: datetime) -> CallbackRow:
    """Begin a try: the agent's phone rings, then the caller's.

    Raises CallbackNotFound, CallbackClosed, CallbackBeingDialled, CallbackTooEarly.
    """
    repository = CallbackRepository(session)
    one = _found(await repository.get(callback_id, lock=True), callback_id)
    if one.state != "open":
        raise CallbackClosed(f"This callback is {one.state} already: nobody is to be called.", state=one.state)
    going_on = next((each for each in one.tries if each.result is None), None)
    if going_on is not None:
        raise CallbackBeingDialled(f"Agent {going_on.agent} is calling back right now.", agent=going_on.agent)
    if now < one.next_try_at:
        raise CallbackTooEarly(
            f"The caller was tried a short while ago; try again from {_iso(one.next_try_at)}.",
            next_try_at=_iso(one.next_try_at),
        )
    command_id = await commands.order(
        session,
        "dial",
        {"extension": agent, "number": one.caller},
        ordered_by=by,
        about={"callback_id": callback_id, "call_ref": one.call_ref},
    )
    await repository.add_try(callback_id, len(one.tries), agent, by, now, command_id)
    return await _changed(session, callback_id)


async def tell_result(
    session: AsyncSession,
    callback_id: int,
    ordinal: int,
    result: Result,
    now: datetime,
    *,
    told_by: str | None,
) -> CallbackRow:
    """Store what came of a try, and close the callback where the rule says so. Raises CallbackNotFound, TryIsOver."""
    repository = CallbackRepository(session)
    one = _found(await repository.get(callback_id, lock=True), callback_id)
    if ordinal >= len(one.tries):
        raise CallbackNotFound(f"Callback {callback_id} has no try {ordinal + 1}.")
    counted = sum(each.result in COUNTED for each in one.tries) + (result in COUNTED)
    command = one.tries[ordinal].command
    call_ref = (command.result or {}).get("dial_ref") if command else None
    told = {"result": result, "ended_at": now, "told_by": told_by, "call_ref": call_ref}
    if not await repository.end_try(callback_id, ordinal, **told):
        raise TryIsOver(f"What came of this try is known already: {one.tries[ordinal].result}.")
    following = after_try(result, counted, one.tries_allowed, one.spacing_seconds, now)
    if one.state == "open":
        closed = {} if following.state == "open" else {"closed_at": now, "closed_by_call": call_ref}
        await repository.change(callback_id, state=following.state, next_try_at=following.next_try_at, **closed)
    return await _changed(session, callback_id)


async def end_failed_tries(session: AsyncSession, now: datetime) -> list[int]:
    """End the tries whose order no router carried out, or Asterisk refused; returns their callbacks."""
    failed = await CallbackRepository(session).not_dialled()
    for callback_id, ordinal in failed:
        await tell_result(session, callback_id, ordinal, "failed", now, told_by=None)
    return [callback_id for callback_id, _ in failed]


async def _changed(session: AsyncSession, callback_id: int) -> CallbackRow:
    await ChangeRepository(session).publish("callback", [f"callback-{callback_id}"])
    return await find(session, callback_id)


def _found(one: CallbackRow | None, callback_id: int) -> CallbackRow:
    if one is None:
        raise CallbackNotFound(f"There is no callback {callback_id}.")
    return one


def callback_json(one: CallbackRow, now: datetime) -> dict[str, Any]:
    """Return a callback in the shape that others rely on."""
    return {
        "callback_id": one.callback_id,
        "call_ref": one.call_ref,
        "caller": one.caller,
        "desk": one.desk,
        "state": one.state,
        "reason": one.reason,
        "merged_into": one.merged_into,
        "abandoned_at": _iso(one.abandoned_at),
        "last_abandoned_at": _iso(one.last_abandoned_at),
        "due_at": _iso(one.due_at),
        "overdue": one.state == "open" and one.due_at < now,
        "next_try_at": _iso(one.next_try_at),
        "tries_allowed": one.tries_allowed,
        "tries": [_try_json(each) for each in one.tries],
        "closed_at": _iso(one.closed_at),
        "closed_by_call": one.closed_by_call,
    }


def callbacks_json(rows: Sequence[CallbackRow], now: datetime) -> list[dict[str, Any]]:
    """Return callbacks in the shape that others rely on."""
    return [callback_json(one, now) for one in rows]


def _try_json(each: TryRow) -> dict[str, Any]:
    return {
        "ordinal": each.ordinal,
        "agent": each.agent,
        "dialled_at": _iso(each.dialled_at),
        "dialled_by": each.dialled_by,
        "call_ref": each.call_ref,
        "result": each.result,
        "ended_at": _iso(each.ended_at),
        "told_by": each.told_by,
        "error": each.command and each.command.error,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") if moment else None
