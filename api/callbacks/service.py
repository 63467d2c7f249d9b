"""What people do with callbacks: list, dial, say what came of it."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.agents import service as agents
from api.callbacks.models import CallbackRow, TryRow
from api.callbacks.owed import COUNTED, Result, after_try
from api.callbacks.repository import CallbackFilter, CallbackRepository
from api.commands import service as commands
from api.kit.changes import ChangeRepository
from api.kit.pagination import Cursor, cut
from api.kit.problems import NotFound, Problem
from api.outward import service as outward

# What tries decide about: any other state has another reason.
OF_TRIES = frozenset({"open", "reached", "exhausted"})
# Asterisk's records may tell so much later that a call was answered of which nothing was heard: its router was dead.
LATE_WORD = timedelta(days=1)


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
    """What came of this try decides nothing any more."""

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
        node=await agents.node_of(session, agent),
        ordered_by=by,
        about={"callback_id": callback_id, "call_ref": one.call_ref},
    )
    await repository.add_try(callback_id, len(one.tries), agent, by, now, command_id)
    return await _changed(session, callback_id)


async def overrule(
    session: AsyncSession, callback_id: int, ordinal: int, result: Result, reason: str, now: datetime, *, by: str
) -> CallbackRow:
    """Put what a person heard in the place of what the last try's call told, or has not told yet.

    A callback that was closed by that try may be open again. Raises CallbackNotFound, CallbackClosed, TryIsOver.
    """
    one = await _locked(session, callback_id)
    if ordinal >= len(one.tries):
        raise CallbackNotFound(f"Callback {callback_id} has no try {ordinal + 1}.")
    if ordinal < len(one.tries) - 1:
        raise TryIsOver("Only what came of the last try can be overruled.")
    if one.state not in OF_TRIES:
        raise CallbackClosed(f"This callback is {one.state}: no try decides about it.", state=one.state)
    tried = one.tries[ordinal]
    told = {"result": result, "told_by": by, "reason": reason, "ended_at": tried.ended_at or now}
    await _settle(session, one, tried, told)
    return await _changed(session, callback_id)


async def hear(session: AsyncSession, now: datetime) -> list[int]:
    """End the tries whose call told what came of it, or whose order no router carried out; returns their callbacks.

    A try that a person has judged stays as it was judged.
    """
    tries = await CallbackRepository(session).not_heard(now - LATE_WORD)
    calls = await outward.of_orders(session, [each.command_id for each in tries if each.command_id is not None], now)
    changed = []
    for each in tries:
        call = calls.get(each.command_id or 0)
        failed = each.command is not None and each.command.state in {"failed", "expired"}
        heard = outward.ending(call) if call else ("failed" if failed else None)
        if heard in {None, each.heard}:
            continue
        one = await _locked(session, each.callback_id)
        tried = one.tries[each.ordinal]
        told: dict[str, Any] = {"heard": heard}
        if call is not None:
            told |= {"call_ref": call.dial_ref, "talk_seconds": call.talk_seconds, "recording_id": call.recording_id}
        # As it is since nobody else can change it.
        if tried.told_by is None:
            told |= {"result": heard, "ended_at": (call and call.ended_at) or tried.ended_at or now}
        await _settle(session, one, tried, told)
        changed.append(each.callback_id)
    return changed


async def _settle(session: AsyncSession, one: CallbackRow, tried: TryRow, told: Mapping[str, Any]) -> None:
    """Store what is told of a try (with a `result`, its `ended_at`), and close or open its callback by the rule."""
    repository = CallbackRepository(session)
    await repository.change_try(one.callback_id, tried.ordinal, **told)
    result: Result | None = told.get("result")
    if result is None or one.state not in OF_TRIES or tried.ordinal < len(one.tries) - 1:
        return
    others = sum(each.result in COUNTED for each in one.tries if each.ordinal != tried.ordinal)
    counted = others + (result in COUNTED)
    ended_at: datetime = told["ended_at"]
    following = after_try(result, counted, one.tries_allowed, one.spacing_seconds, ended_at)
    if following.state == "open" and one.state != "open" and await repository.has_open(one.caller, one.callback_id):
        raise CallbackClosed("The caller gave up again since, and a later callback is open: judge that one.")
    closed: dict[str, Any] = {"closed_at": None, "closed_by_call": None}
    if following.state != "open":
        closed = {"closed_at": ended_at, "closed_by_call": told.get("call_ref") or tried.call_ref}
    await repository.change(one.callback_id, state=following.state, next_try_at=following.next_try_at, **closed)


async def _locked(session: AsyncSession, callback_id: int) -> CallbackRow:
    return _found(await CallbackRepository(session).get(callback_id, lock=True), callback_id)


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
        "heard": each.heard,
        "talk_seconds": each.talk_seconds,
        "recording_id": each.recording_id,
        "told_by": each.told_by,
        "reason": each.reason,
        "error": each.command and each.command.error,
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat(timespec="microseconds") if moment else None
