"""All SQL about calls."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, delete, func, or_, select, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import selectinload

from api.calls.models import CallRow, OfferRow, SegmentRow, WaitRow
from api.kit.pagination import Cursor
from api.kit.repository import Repository

_CALL_COLUMNS = [column.name for column in CallRow.__table__.columns if column.name not in {"call_ref", "stored_at"}]
PartRow = SegmentRow | WaitRow | OfferRow
# What an event stream that joined late may lack is never taken away again.
_KEPT = ("caller", "sip_call_id", "dialled", "hold_seconds", "hung_up_by")


def _columns(kind: type[PartRow]) -> list[str]:
    return [column.name for column in kind.__table__.columns if column.name not in {"call_ref", "ordinal"}]


@dataclass(frozen=True, slots=True)
class CallFilter:
    """Which calls: offered in [since, until), and equal in every field that is given.

    `caller_part` may stand anywhere in the number; `with_agent` asks whether an agent has answered.
    """

    since: datetime | None = None
    until: datetime | None = None
    outcome: tuple[str, ...] = ()
    agent: str | None = None
    caller: str | None = None
    caller_part: str | None = None
    with_agent: bool | None = None
    queue: str | None = None
    node: str | None = None
    refs: tuple[str, ...] = ()


class CallRepository(Repository):
    """Reads and writes calls."""

    async def upsert(self, rows: Sequence[dict[str, Any]]) -> set[str]:
        """Store calls; returns the references of those that became different.

        A call that has ended stays ended: events that arrive late or twice do not reopen it.
        """
        if not rows:
            return set()
        offered = insert(CallRow)
        new = offered.excluded
        values = {
            name: func.coalesce(new[name], getattr(CallRow, name)) if name in _KEPT else new[name]
            for name in _CALL_COLUMNS
        }
        statement = offered.on_conflict_do_update(
            index_elements=[CallRow.call_ref],
            set_=values,
            where=and_(
                tuple_(*(getattr(CallRow, name) for name in values)).is_distinct_from(tuple_(*values.values())),
                or_(CallRow.ended_at.is_(None), new["ended_at"].is_not(None)),
            ),
        ).returning(CallRow.call_ref)
        return set(await self.session.scalars(statement, rows))

    async def upsert_parts(self, kind: type[PartRow], rows: Sequence[dict[str, Any]]) -> set[str]:
        """Store calls' segments, waits or offers; returns the references of the calls in which some became different.

        How long a segment's citizen was on hold is kept when the new telling does not know.
        """
        if not rows:
            return set()
        offered = insert(kind)
        values: dict[str, Any] = {name: offered.excluded[name] for name in _columns(kind)}
        if kind is SegmentRow:
            known = case((SegmentRow.agent == offered.excluded.agent, SegmentRow.hold_seconds))
            values["hold_seconds"] = func.coalesce(offered.excluded.hold_seconds, known)
        statement = offered.on_conflict_do_update(
            index_elements=[kind.call_ref, kind.ordinal],
            set_=values,
            where=tuple_(*(getattr(kind, name) for name in values)).is_distinct_from(tuple_(*values.values())),
        ).returning(kind.call_ref)
        return set(await self.session.scalars(statement, rows))

    async def drop_parts_from(self, kind: type[PartRow], lengths: dict[str, int]) -> set[str]:
        """Drop what a call has beyond its number of such parts; returns the calls that lost some."""
        surplus = [and_(kind.call_ref == call_ref, kind.ordinal >= length) for call_ref, length in lengths.items()]
        if not surplus:
            return set()
        return set(await self.session.scalars(delete(kind).where(or_(*surplus)).returning(kind.call_ref)))

    async def ended(self, call_refs: Iterable[str]) -> set[str]:
        """Return those of the calls that are stored as ended."""
        return set(
            await self.session.scalars(
                select(CallRow.call_ref).where(CallRow.call_ref.in_(list(call_refs)), CallRow.ended_at.is_not(None))
            )
        )

    async def get(self, call_ref: str) -> CallRow | None:
        """Return one call with its parts."""
        rows = await self.by_refs([call_ref])
        return rows[0] if rows else None

    async def by_refs(self, call_refs: Sequence[str]) -> list[CallRow]:
        """Return calls with their parts, latest first."""
        return await self._load(select(CallRow).where(CallRow.call_ref.in_(call_refs)))

    async def by_sip_call_id(self, sip_call_id: str) -> CallRow | None:
        """Return the call that began with this SIP dialogue."""
        rows = await self._load(select(CallRow).where(CallRow.sip_call_id == sip_call_id).limit(1))
        return rows[0] if rows else None

    async def in_progress(self) -> list[CallRow]:
        """Return the calls that have not ended, latest first."""
        return await self._load(select(CallRow).where(CallRow.outcome == "in_progress"))

    async def first_offered_at(self) -> datetime | None:
        """Return when the oldest call was offered."""
        return await self.session.scalar(select(func.min(CallRow.offered_at)))

    async def page(self, wanted: CallFilter, cursor: Cursor | None, limit: int) -> list[CallRow]:
        """Return calls, latest first, from behind the cursor."""
        query = self._filtered(select(CallRow), wanted).limit(limit)
        if cursor is not None:
            query = query.where(tuple_(CallRow.offered_at, CallRow.call_ref) < tuple_(cursor.at, cursor.key))
        return await self._load(query)

    @staticmethod
    def _filtered(query: Select[CallRow], wanted: CallFilter) -> Select[CallRow]:
        if wanted.since is not None:
            query = query.where(CallRow.offered_at >= wanted.since)
        if wanted.until is not None:
            query = query.where(CallRow.offered_at < wanted.until)
        if wanted.refs:
            query = query.where(CallRow.call_ref.in_(wanted.refs))
        if wanted.outcome:
            query = query.where(CallRow.outcome.in_(wanted.outcome))
        if wanted.agent is not None:
            query = query.where(CallRow.agent == wanted.agent)
        if wanted.caller is not None:
            query = query.where(CallRow.caller == wanted.caller)
        if wanted.caller_part is not None:
            query = query.where(CallRow.caller.contains(wanted.caller_part, autoescape=True))
        if wanted.with_agent is not None:
            answered = CallRow.answered_at.is_not(None)
            query = query.where(answered if wanted.with_agent else ~answered)
        same = {CallRow.queue: wanted.queue, CallRow.node: wanted.node}
        return query.where(*(column == value for column, value in same.items() if value is not None))

    async def _load(self, query: Select[CallRow]) -> list[CallRow]:
        rows = await self.session.scalars(
            query.options(
                selectinload(CallRow.segments), selectinload(CallRow.waits), selectinload(CallRow.offers)
            ).order_by(CallRow.offered_at.desc(), CallRow.call_ref.desc()),
            execution_options={"populate_existing": True},
        )
        return list(rows)
