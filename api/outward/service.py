"""What the rest of the program does with calls that agents place."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.commands.models import CommandRow
from api.kit.changes import ChangeRepository
from api.kit.pagination import Cursor, cut
from api.kit.problems import NotFound
from api.outward.models import OutwardRow
from api.outward.repository import OutwardFilter, OutwardRepository
from api.recordings import service as recordings
from api.recordings.models import RecordingRow
from telephony.calls.outward import Ending, OutwardCall, came_of

# The agent's phone rings for 30 s (telephony.actions.dial): who was not heard of after this never picked up.
SILENT_AFTER = timedelta(seconds=90)


class OutwardNotFound(NotFound):
    """No call that an agent placed has this name, or it was not recorded."""

    error_id = "outward_not_found"


async def carried_out(session: AsyncSession, command: CommandRow, result: dict[str, str], now: datetime) -> None:
    """Store what an order to dial led to."""
    await OutwardRepository(session).ordered(result["dial_ref"], command, now)
    await _tell(session, [result["dial_ref"]])


async def store(session: AsyncSession, node: str, calls: Sequence[OutwardCall]) -> None:
    """Store what a node's Asterisk told of calls."""
    if calls:
        await OutwardRepository(session).put(node, calls)
        await _tell(session, [call.dial_ref for call in calls])


async def _tell(session: AsyncSession, dial_refs: Collection[str]) -> None:
    """Let whoever looks at the citizens' calls that these are about look again."""
    about = await OutwardRepository(session).about_calls(dial_refs)
    if about:
        await ChangeRepository(session).publish("call", sorted(set(about)))


async def end_lost(session: AsyncSession, node: str, alive: Collection[str], asked_at: datetime) -> None:
    """End the calls that Asterisk knows no more of; `alive` are its channels' Uniqueids at `asked_at`."""
    await OutwardRepository(session).end_lost(node, alive, asked_at)


async def of_orders(session: AsyncSession, command_ids: Collection[int], now: datetime) -> dict[int, OutwardRow]:
    """Return the calls that came of these orders; one of which nothing is heard for too long is over."""
    repository = OutwardRepository(session)
    await repository.end_unanswered(now - SILENT_AFTER, now)
    return await repository.by_commands(command_ids)


async def find(session: AsyncSession, dial_ref: str) -> OutwardRow:
    """Return one call. Raises OutwardNotFound."""
    found = await OutwardRepository(session).get(dial_ref)
    if found is None:
        raise OutwardNotFound(f"No call that an agent placed is called {dial_ref!r}.")
    return found


async def page(
    session: AsyncSession, wanted: OutwardFilter, cursor: Cursor | None, limit: int
) -> tuple[list[dict[str, Any]], str | None]:
    """Return calls in the shape that others rely on, the latest first, and the cursor of the next page."""
    rows = await OutwardRepository(session).page(wanted, cursor, limit + 1)
    shown, following = cut(rows, limit, lambda row: Cursor(row.ordered_at, row.dial_ref))
    found = await recordings.of_calls(session, [row.dial_ref for row in shown])
    return [outward_json(row, found.get(row.dial_ref, [])) for row in shown], following


def ending(row: OutwardRow) -> Ending | None:
    """Return what came of a stored call; None while it goes on."""
    known = OutwardCall(
        row.dial_ref,
        row.agent,
        row.recording_id,
        row.picked_up_at,
        row.ended_at,
        row.status,
        row.cause,
        row.talk_seconds,
    )
    return came_of(known)


def transcript_state(row: OutwardRow, found: Sequence[RecordingRow]) -> str:
    """Return what can be read of a call; it is transcribed after its end."""
    return recordings.transcript_state({row.recording_id} if row.recording_id else set(), found, {})


def outward_json(row: OutwardRow, found: Sequence[RecordingRow]) -> dict[str, Any]:
    """Return a call with its order and its recordings, whoever was called in too, in the shape that others rely on."""
    about = row.command.about if row.command else {}
    return {
        "dial_ref": row.dial_ref,
        "node": row.node,
        "command_id": row.command_id,
        "agent": row.agent,
        "number": row.number,
        "ordered_at": row.ordered_at,
        "ordered_by": row.command.ordered_by if row.command else None,
        "picked_up_at": row.picked_up_at,
        "ended_at": row.ended_at,
        "result": ending(row),
        "talk_seconds": row.talk_seconds,
        "recording_id": row.recording_id,
        "recordings": [
            {
                "recording_id": each.recording_id,
                "agent": each.agent,
                "state": each.state,
                "reason": each.reason,
                "started_at": each.started_at,
                "duration_seconds": each.duration_seconds,
            }
            for each in found
        ],
        "transcript_state": transcript_state(row, found),
        "callback_id": about.get("callback_id"),
        "ticket_id": about.get("ticket_id"),
        "call_ref": about.get("call_ref"),
    }
