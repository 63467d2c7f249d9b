"""All SQL about calls that agents place."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Select, case, func, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import selectinload

from api.commands.models import CommandRow
from api.kit.pagination import Cursor
from api.kit.repository import Repository
from api.outward.models import OutwardRow
from telephony.calls.outward import (
    BY_CAUSE,
    BY_STATUS,
    CANCELLED,
    CHANNEL_PREFIX,
    RINGS_ENOUGH_SECONDS,
    OutwardCall,
    ordered_at,
)

GOING_ON = "going_on"


@dataclass(frozen=True, slots=True)
class OutwardFilter:
    """Which calls: ordered in [since, until), and equal in every field that is given.

    `result` holds what came of them, or GOING_ON; `number` is a part of it; the last three are what a call is about.
    """

    since: datetime | None = None
    until: datetime | None = None
    result: tuple[str, ...] = ()
    agent: str | None = None
    number: str | None = None
    command_id: int | None = None
    callback_id: int | None = None
    ticket_id: str | None = None
    call_ref: str | None = None


class OutwardRepository(Repository):
    """Reads and writes calls that agents place."""

    async def ordered(self, dial_ref: str, command: CommandRow, now: datetime) -> None:
        """Store that an order was carried out: the agent's phone rings from `now` on."""
        given = {
            "node": command.node,
            "command_id": command.command_id,
            "number": command.arguments["number"],
            "agent": command.arguments["extension"],
            "ordered_at": now,
        }
        new = insert(OutwardRow).values(dial_ref=dial_ref, **given)
        await self.session.execute(new.on_conflict_do_update(index_elements=["dial_ref"], set_=given))

    async def put(self, node: str, calls: Sequence[OutwardCall]) -> None:
        """Store what is newly known of calls; what was known before stays."""
        new = insert(OutwardRow)
        known = {
            name: func.coalesce(getattr(OutwardRow, name), new.excluded[name])
            for name in ("agent", "recording_id", "picked_up_at", "ended_at", "status", "cause", "talk_seconds")
        }
        await self.session.execute(
            new.on_conflict_do_update(index_elements=["dial_ref"], set_=known),
            [
                {"node": node, "ordered_at": ordered_at(call.dial_ref), **asdict(call)}
                for call in sorted(calls, key=lambda call: call.dial_ref)
            ],
        )

    async def about_calls(self, dial_refs: Collection[str]) -> list[str]:
        """Return the citizens' calls that these calls are about."""
        about = CommandRow.about["call_ref"].as_string()
        rows = await self.session.scalars(
            select(about)
            .join(OutwardRow, OutwardRow.command_id == CommandRow.command_id)
            .where(OutwardRow.dial_ref.in_(dial_refs), about.is_not(None))
        )
        return [row for row in rows if row is not None]

    async def end_lost(self, node: str, alive: Collection[str], asked_at: datetime) -> None:
        """End a node's calls whose end nobody told and whose agent's channel Asterisk did not have when asked."""
        await self.session.execute(
            update(OutwardRow)
            .where(
                OutwardRow.node == node,
                OutwardRow.ended_at.is_(None),
                OutwardRow.ordered_at < asked_at,
                func.concat(CHANNEL_PREFIX, OutwardRow.dial_ref).not_in(list(alive)),
            )
            .values(ended_at=asked_at)
        )

    async def end_unanswered(self, ordered_before: datetime, now: datetime) -> None:
        """End the calls ordered before a moment of which nothing was ever heard: the agent's phone was not rung."""
        await self.session.execute(
            update(OutwardRow)
            .where(
                OutwardRow.picked_up_at.is_(None),
                OutwardRow.ended_at.is_(None),
                OutwardRow.ordered_at < ordered_before,
            )
            .values(ended_at=now)
        )

    async def get(self, dial_ref: str) -> OutwardRow | None:
        """Return one call."""
        return await self.session.get(OutwardRow, dial_ref, populate_existing=True)

    async def by_commands(self, command_ids: Collection[int]) -> dict[int, OutwardRow]:
        """Return the calls that came of these orders, by order."""
        rows = await self.session.scalars(select(OutwardRow).where(OutwardRow.command_id.in_(command_ids)))
        return {row.command_id: row for row in rows if row.command_id is not None}

    async def page(self, wanted: OutwardFilter, cursor: Cursor | None, limit: int) -> list[OutwardRow]:
        """Return calls with their orders, the latest first, from behind the cursor."""
        query = self._filtered(select(OutwardRow).outerjoin(OutwardRow.command), wanted)
        if cursor is not None:
            query = query.where(tuple_(OutwardRow.ordered_at, OutwardRow.dial_ref) < tuple_(cursor.at, cursor.key))
        loaded = (
            query.order_by(OutwardRow.ordered_at.desc(), OutwardRow.dial_ref.desc())
            .limit(limit)
            .options(selectinload(OutwardRow.command))
        )
        return list(await self.session.scalars(loaded, execution_options={"populate_existing": True}))

    @staticmethod
    def _filtered(query: Select[OutwardRow], wanted: OutwardFilter) -> Select[OutwardRow]:
        if wanted.since is not None:
            query = query.where(OutwardRow.ordered_at >= wanted.since)
        if wanted.until is not None:
            query = query.where(OutwardRow.ordered_at < wanted.until)
        if wanted.result:
            query = query.where(_came_of().in_(wanted.result))
        if wanted.number is not None:
            query = query.where(OutwardRow.number.contains(wanted.number, autoescape=True))
        for column, value in ((OutwardRow.agent, wanted.agent), (OutwardRow.command_id, wanted.command_id)):
            if value is not None:
                query = query.where(column == value)
        for name in ("callback_id", "ticket_id", "call_ref"):
            value = getattr(wanted, name)
            if value is not None:
                query = query.where(CommandRow.about.contains({name: value}))
        return query


def _came_of() -> ColumnElement[str]:
    """Say in SQL what `telephony.calls.outward.came_of` says of a stored call; a test compares them."""
    rang_seconds = func.coalesce(func.extract("epoch", OutwardRow.ended_at - OutwardRow.picked_up_at), 0)
    hung_up = case((rang_seconds >= RINGS_ENOUGH_SECONDS, "no_answer"), else_="cancelled")
    untold = case(
        (OutwardRow.ended_at.is_(None), GOING_ON), (OutwardRow.picked_up_at.is_(None), "agent_absent"), else_="failed"
    )
    return case(
        (OutwardRow.status.is_(None), untold),
        (OutwardRow.status.in_(BY_STATUS), case(BY_STATUS, value=OutwardRow.status)),
        (OutwardRow.status.in_(CANCELLED), hung_up),
        else_=case(BY_CAUSE, value=OutwardRow.cause, else_="failed"),
    )
