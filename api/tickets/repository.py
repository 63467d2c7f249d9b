"""All SQL about tickets."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from api.kit.pagination import Cursor
from api.kit.repository import Repository
from api.tickets.models import CorrectionRow, TicketRow


class TicketRepository(Repository):
    """Reads and writes tickets."""

    async def get(self, ticket_id: str) -> TicketRow | None:
        """Return one ticket."""
        return await self.session.get(TicketRow, ticket_id, populate_existing=True)

    async def by_call(self, call_ref: str) -> TicketRow | None:
        """Return the ticket of a call."""
        return await self.session.scalar(select(TicketRow).where(TicketRow.call_ref == call_ref))

    async def lock_by_call(self, call_ref: str) -> TicketRow | None:
        """Return the ticket of a call; until this transaction ends nobody else changes or makes it."""
        await self.session.execute(
            text("SELECT pg_advisory_xact_lock(hashtextextended(:ref, 12345))"), {"ref": call_ref}
        )
        return await self.session.scalar(
            select(TicketRow).where(TicketRow.call_ref == call_ref).with_for_update(),
            execution_options={"populate_existing": True},
        )

    async def lock(self, ticket_id: str) -> TicketRow | None:
        """Return one ticket; until this transaction ends nobody else changes it."""
        return await self.session.scalar(
            select(TicketRow).where(TicketRow.ticket_id == ticket_id).with_for_update(),
            execution_options={"populate_existing": True},
        )

    async def change(self, ticket: TicketRow, fields: dict[str, Any]) -> None:
        """Store a locked ticket's fields as its next version, at the database's time."""
        statement = (
            update(TicketRow)
            .where(TicketRow.ticket_id == ticket.ticket_id)
            .values(fields=fields, version=TicketRow.version + 1, changed_at=func.clock_timestamp())
        )
        await self.session.execute(statement)
        await self.session.refresh(ticket)

    async def add_corrections(self, rows: Sequence[Mapping[str, Any]]) -> None:
        """Add what an agent made of some fields."""
        if rows:
            await self.session.execute(insert(CorrectionRow), [dict(row) for row in rows])

    async def corrections(self, ticket_id: str) -> list[CorrectionRow]:
        """Return all that agents made of a ticket's fields, in order."""
        rows = await self.session.scalars(
            select(CorrectionRow).where(CorrectionRow.ticket_id == ticket_id).order_by(CorrectionRow.correction_id)
        )
        return list(rows)

    async def ids_by_calls(self, call_refs: Sequence[str]) -> dict[str, str]:
        """Return the tickets' numbers by call."""
        rows = await self.session.execute(
            select(TicketRow.call_ref, TicketRow.ticket_id).where(TicketRow.call_ref.in_(call_refs))
        )
        return {row[0]: row[1] for row in rows}

    async def by_calls(self, call_refs: Sequence[str]) -> dict[str, TicketRow]:
        """Return the tickets by call."""
        rows = await self.session.scalars(select(TicketRow).where(TicketRow.call_ref.in_(call_refs)))
        return {row.call_ref: row for row in rows}

    async def next_number(self) -> int:
        """Return a number that no ticket had before."""
        number: int = (await self.session.execute(text("SELECT nextval('ticket_numbers')"))).scalar_one()
        return number

    async def insert(self, **values: Any) -> None:
        """Store a new ticket."""
        await self.session.execute(insert(TicketRow).values(values))

    async def page(
        self, since: datetime | None, until: datetime | None, cursor: Cursor | None, limit: int
    ) -> list[TicketRow]:
        """Return tickets, latest first, from behind the cursor."""
        query = select(TicketRow).order_by(TicketRow.created_at.desc(), TicketRow.ticket_id.desc()).limit(limit)
        if since is not None:
            query = query.where(TicketRow.created_at >= since)
        if until is not None:
            query = query.where(TicketRow.created_at < until)
        if cursor is not None:
            query = query.where(tuple_(TicketRow.created_at, TicketRow.ticket_id) < tuple_(cursor.at, cursor.key))
        return list(await self.session.scalars(query))

    async def count_by_state(self) -> dict[str, int]:
        """Return how many tickets are in which state."""
        rows = await self.session.execute(select(TicketRow.state, func.count()).group_by(TicketRow.state))
        return {row[0]: row[1] for row in rows}
