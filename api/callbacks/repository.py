"""All SQL about callbacks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, exists, func, literal, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import selectinload

from api.callbacks.models import CallbackRow, TryRow
from api.callbacks.owed import Abandon
from api.calls.models import CallRow
from api.kit.pagination import Cursor
from api.kit.repository import Repository


@dataclass(frozen=True, slots=True)
class CallbackFilter:
    """Which callbacks: abandoned in [since, until), and equal in every field that is given."""

    since: datetime | None = None
    until: datetime | None = None
    state: tuple[str, ...] = ()
    desk: str | None = None
    caller: str | None = None
    overdue_at: datetime | None = None


class CallbackRepository(Repository):
    """Reads and writes callbacks and their tries."""

    async def uncovered(
        self, desk: str, outcomes: Sequence[str], since: datetime, until: datetime, limit: int
    ) -> list[Abandon]:
        """Return abandons of a desk, ended in [since, until), that have no callback yet, in their order."""
        covered = exists().where(CallbackRow.call_ref == CallRow.call_ref).correlate(CallRow)
        rows = await self.session.execute(
            select(CallRow.call_ref, CallRow.caller, CallRow.queue, CallRow.ended_at)
            .where(
                CallRow.outcome.in_(outcomes),
                # Said again as the index says it, so that the planner may use it.
                CallRow.outcome.in_(("abandoned", "short_abandoned")),
                CallRow.ended_at >= since,
                CallRow.ended_at < until,
                CallRow.queue == desk,
                ~covered,
            )
            .order_by(CallRow.ended_at, CallRow.call_ref)
            .limit(limit)
        )
        return [Abandon(call_ref, caller, queue, ended_at) for call_ref, caller, queue, ended_at in rows if ended_at]

    async def open_tasks(self, callers: Sequence[str]) -> dict[str, int]:
        """Return the open callbacks of these callers, by caller."""
        rows = await self.session.execute(
            select(CallbackRow.caller, CallbackRow.callback_id).where(
                CallbackRow.state == "open", CallbackRow.caller.in_(callers)
            )
        )
        return {str(row.caller): row.callback_id for row in rows}

    async def add(self, **values: Any) -> int | None:
        """Store a callback; returns its number, None where its call has one already."""
        statement = insert(CallbackRow).values(values).on_conflict_do_nothing(index_elements=["call_ref"])
        found = await self.session.execute(statement.returning(CallbackRow.callback_id))
        return found.scalar_one_or_none()

    async def merge(self, callback_id: int, abandoned_at: datetime) -> None:
        """Note at an open callback that its caller gave up again."""
        later = func.greatest(CallbackRow.last_abandoned_at, abandoned_at)
        await self.session.execute(
            update(CallbackRow).where(CallbackRow.callback_id == callback_id).values(last_abandoned_at=later)
        )

    async def withdraw_got_through(self, now: datetime) -> list[int]:
        """Close the open ones whose caller has talked to an agent since; one being dialled now is left to its try."""
        return await self._withdraw(
            now,
            "got_through",
            and_(
                CallRow.caller == CallbackRow.caller,
                CallRow.answered_at > CallbackRow.last_abandoned_at,
                CallRow.offered_at > CallbackRow.last_abandoned_at,
            ),
        )

    async def withdraw_answered(self, now: datetime) -> list[int]:
        """Close the open ones of which Asterisk's own records said later that the call was answered after all."""
        again = CallbackRow.last_abandoned_at == CallbackRow.abandoned_at
        return await self._withdraw(
            now, "was_answered", and_(CallRow.call_ref == CallbackRow.call_ref, CallRow.outcome == "answered", again)
        )

    async def _withdraw(self, now: datetime, reason: str, because: Any) -> list[int]:
        dialled = exists().where(TryRow.callback_id == CallbackRow.callback_id, TryRow.result.is_(None))
        rows = await self.session.scalars(
            update(CallbackRow)
            .where(CallbackRow.state == "open", because, ~dialled.correlate(CallbackRow))
            .values(state="withdrawn", reason=literal(reason), closed_at=now, closed_by_call=CallRow.call_ref)
            .returning(CallbackRow.callback_id)
            .execution_options(synchronize_session=False)
        )
        return list(dict.fromkeys(rows))

    async def get(self, callback_id: int, *, lock: bool = False) -> CallbackRow | None:
        """Return one callback with its tries; with `lock` nobody else changes it until this transaction ends."""
        query = select(CallbackRow).where(CallbackRow.callback_id == callback_id)
        found = await self._load(query.with_for_update() if lock else query)
        return found[0] if found else None

    async def add_try(
        self, callback_id: int, ordinal: int, agent: str, by: str, now: datetime, command_id: int
    ) -> None:
        """Store that a try begins."""
        await self.session.execute(
            insert(TryRow).values(
                callback_id=callback_id,
                ordinal=ordinal,
                agent=agent,
                dialled_at=now,
                dialled_by=by,
                command_id=command_id,
            )
        )

    async def change_try(self, callback_id: int, ordinal: int, **values: Any) -> None:
        """Change a try of a locked callback."""
        await self.session.execute(
            update(TryRow).where(TryRow.callback_id == callback_id, TryRow.ordinal == ordinal).values(values)
        )

    async def not_heard(self, since: datetime) -> list[TryRow]:
        """Return the tries of which the call itself has told nothing yet, with their orders, the oldest first.

        With them come those since a moment of which only silence told: a word that was late may tell otherwise.
        """
        silent = and_(TryRow.heard.in_(("agent_absent", "failed")), TryRow.dialled_at >= since)
        query = select(TryRow).where(or_(TryRow.heard.is_(None), silent))
        loaded = query.order_by(TryRow.dialled_at, TryRow.callback_id).options(selectinload(TryRow.command))
        return list(await self.session.scalars(loaded, execution_options={"populate_existing": True}))

    async def has_open(self, caller: str | None, but: int) -> bool:
        """Say whether a caller has another open callback."""
        other = select(CallbackRow.callback_id).where(
            CallbackRow.caller == caller, CallbackRow.state == "open", CallbackRow.callback_id != but
        )
        return await self.session.scalar(other.limit(1)) is not None

    async def change(self, callback_id: int, **values: Any) -> None:
        """Change a locked callback."""
        await self.session.execute(update(CallbackRow).where(CallbackRow.callback_id == callback_id).values(values))

    async def page(self, wanted: CallbackFilter, cursor: Cursor | None, limit: int) -> list[CallbackRow]:
        """Return callbacks, the most urgent first, from behind the cursor."""
        query = select(CallbackRow).order_by(CallbackRow.due_at, CallbackRow.callback_id).limit(limit)
        query = self._filtered(query, wanted)
        if cursor is not None:
            query = query.where(tuple_(CallbackRow.due_at, CallbackRow.callback_id) > tuple_(cursor.at, cursor.number))
        return await self._load(query)

    async def counts(self, since: datetime, until: datetime) -> Mapping[tuple[str, str | None], int]:
        """Return how many abandons of a time became what, by state and reason."""
        rows = await self.session.execute(
            select(CallbackRow.state, CallbackRow.reason, func.count())
            .where(CallbackRow.abandoned_at >= since, CallbackRow.abandoned_at < until)
            .group_by(CallbackRow.state, CallbackRow.reason)
        )
        return {(row[0], row[1]): row[2] for row in rows}

    @staticmethod
    def _filtered(query: Select[CallbackRow], wanted: CallbackFilter) -> Select[CallbackRow]:
        if wanted.since is not None:
            query = query.where(CallbackRow.abandoned_at >= wanted.since)
        if wanted.until is not None:
            query = query.where(CallbackRow.abandoned_at < wanted.until)
        if wanted.state:
            query = query.where(CallbackRow.state.in_(wanted.state))
        if wanted.desk is not None:
            query = query.where(CallbackRow.desk == wanted.desk)
        if wanted.caller is not None:
            query = query.where(CallbackRow.caller.contains(wanted.caller, autoescape=True))
        if wanted.overdue_at is not None:
            query = query.where(CallbackRow.state == "open", CallbackRow.due_at < wanted.overdue_at)
        return query

    async def _load(self, query: Select[CallbackRow]) -> list[CallbackRow]:
        loaded = query.options(selectinload(CallbackRow.tries).selectinload(TryRow.command))
        return list(await self.session.scalars(loaded, execution_options={"populate_existing": True}))
