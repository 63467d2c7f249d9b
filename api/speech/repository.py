"""All SQL of the learning report."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, text, tuple_
from sqlalchemy.dialects.postgresql import distinct_on

from api.kit.pagination import Cursor
from api.kit.repository import Repository
from api.speech.report import Decision, Told
from api.tickets.models import CorrectionRow, TicketRow

_PERIOD = "ticket.created_at >= :since AND ticket.created_at < :until"
_TOUCHED = "EXISTS (SELECT FROM corrections made WHERE made.ticket_id = ticket.ticket_id)"


class SpeechRepository(Repository):
    """Reads tickets drafted in a period (UTC, half open) and what agents made of them."""

    async def drafts(self, since: datetime, until: datetime) -> dict[str, int]:
        """Return how many drafts have each field."""
        statement = text(
            f"SELECT name, count(*) FROM tickets ticket, jsonb_object_keys(ticket.fields) name "  # noqa: S608 - constants
            f"WHERE {_PERIOD} GROUP BY name ORDER BY name"
        )
        rows = await self.session.execute(statement, {"since": since, "until": until})
        return {row[0]: row[1] for row in rows}

    async def decisions(self, since: datetime, until: datetime) -> list[Decision]:
        """Return the latest decision about each field of each ticket."""
        statement = (
            select(CorrectionRow.ticket_id, CorrectionRow.field, CorrectionRow.machine_value, CorrectionRow.agent_value)
            .ext(distinct_on(CorrectionRow.ticket_id, CorrectionRow.field))
            .join(TicketRow, TicketRow.ticket_id == CorrectionRow.ticket_id)
            .where(TicketRow.created_at >= since, TicketRow.created_at < until)
            .order_by(CorrectionRow.ticket_id, CorrectionRow.field, CorrectionRow.correction_id.desc())
        )
        return [Decision(*row) for row in await self.session.execute(statement)]

    async def left_empty(self, since: datetime, until: datetime) -> list[tuple[str, str]]:
        """Return (ticket, field) that are empty and undecided in tickets that an agent worked on."""
        statement = text(
            f"SELECT ticket.ticket_id, field.key FROM tickets ticket, jsonb_each(ticket.fields) field "  # noqa: S608 - constants
            f"WHERE {_PERIOD} AND {_TOUCHED} AND coalesce(field.value ->> 'value', '') = '' "
            "AND NOT coalesce((field.value ->> 'confirmed')::boolean, false) ORDER BY 1, 2"
        )
        rows = await self.session.execute(statement, {"since": since, "until": until})
        return [(row[0], row[1]) for row in rows]

    async def told(self, since: datetime, until: datetime) -> list[Told]:
        """Return the citizens' words in tickets that an agent worked on and that have a category."""
        statement = text(
            f"SELECT ticket.ticket_id, ticket.fields -> 'category' ->> 'value', "  # noqa: S608 - constants
            "coalesce(array_agg(word ->> 'text') FILTER (WHERE word IS NOT NULL), '{}') "
            "FROM tickets ticket "
            "LEFT JOIN transcripts USING (call_ref) "
            "LEFT JOIN utterances said ON said.recording_id = transcripts.recording_id AND said.speaker = 'citizen' "
            "LEFT JOIN LATERAL jsonb_array_elements(said.words) word ON true "
            f"WHERE {_PERIOD} AND {_TOUCHED} AND ticket.fields -> 'category' ->> 'value' IS NOT NULL "
            "GROUP BY ticket.ticket_id ORDER BY ticket.ticket_id"
        )
        rows = await self.session.execute(statement, {"since": since, "until": until})
        return [Told(row[0], row[1], tuple(row[2])) for row in rows]

    async def corrections(
        self, since: datetime, until: datetime, cursor: Cursor | None, limit: int
    ) -> Sequence[CorrectionRow]:
        """Return what agents did in a period, latest first, from behind the cursor."""
        query = (
            select(CorrectionRow)
            .where(CorrectionRow.made_at >= since, CorrectionRow.made_at < until)
            .order_by(CorrectionRow.made_at.desc(), CorrectionRow.correction_id.desc())
            .limit(limit)
        )
        if cursor is not None:
            place = tuple_(CorrectionRow.made_at, CorrectionRow.correction_id)
            query = query.where(place < tuple_(cursor.at, cursor.number))
        return list(await self.session.scalars(query))
