"""What an agent makes of a draft: a field is corrected, the rest confirmed. Each act is kept beside the machine's."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts.service import Principal
from api.kit.base import storable
from api.kit.changes import ChangeRepository
from api.kit.problems import BadRequest, NotFound, Problem
from api.tickets.fields import NAMES, Field, FieldError, blank, checked, decided, followed, machine_side, undecided
from api.tickets.models import TicketRow
from api.tickets.repository import TicketRepository
from api.transcripts import service as transcripts
from asr.draft import Taxonomy

# What the taxonomy says of a matter, and an agent seldom chooses apart from it.
_OF_THE_MATTER = ("unit", "complexity")


class TicketNotFound(NotFound):
    """No ticket has this number."""

    error_id = "ticket_not_found"


class UnknownField(BadRequest):
    """A draft has no such field."""

    error_id = "field_unknown"


class InvalidValue(BadRequest):
    """The field cannot hold this value."""

    error_id = "field_invalid"


class DraftChanged(Problem):
    """What the agent saw is no longer what the draft says."""

    status = HTTPStatus.CONFLICT
    error_id = "draft_changed"


@dataclass(frozen=True, slots=True)
class Seen:
    """What the agent had before the eyes; a decision about anything else is refused."""

    values: Mapping[str, str | None]


async def correct(
    session: AsyncSession,
    principal: Principal,
    taxonomy: Taxonomy,
    ticket_id: str,
    name: str,
    value: str | None,
    seen: Seen | None = None,
) -> TicketRow:
    """Store an agent's value of one field; the machine's stays beside it. A value like the machine's confirms it.

    A draft that the machine changed meanwhile is no obstacle, another person's decision (other than `seen`) is. Unit
    and complexity follow a corrected category until somebody decides them.
    Raises TicketNotFound, UnknownField, InvalidValue, DraftChanged.
    """
    if name not in NAMES:
        raise UnknownField(f"没有这个字段。 A draft has no field {name[:80]!r}; its fields are {', '.join(NAMES)}.")
    ticket = await _locked(session, ticket_id)
    field = ticket.fields.get(name) or blank()
    if seen is not None and field["confirmed"] and field["value"] != seen.values.get(name):
        raise DraftChanged(
            "这个字段刚被别人改过，请看过再改。 Somebody decided this field meanwhile: look, then correct it again.",
            fields=[name],
        )
    agents = field["value"] if value == field["value"] else _valid(taxonomy, name, value)
    if field["confirmed"] and agents == field["value"]:
        return ticket
    fields = {**ticket.fields, name: decided(field, agents)}
    if name == "category":
        fields |= _following(taxonomy, fields, agents)
    await _store(session, principal, ticket, fields, {name: field})
    return ticket


async def confirm(session: AsyncSession, principal: Principal, ticket_id: str, seen: Seen | None = None) -> TicketRow:
    """Confirm every field that has a value and that nobody decided yet. Empty ones stay open: there is nothing in them.

    Raises TicketNotFound, and DraftChanged where a value is not the one that was `seen`.
    """
    ticket = await _locked(session, ticket_id)
    rest = {name: field for name, field in ticket.fields.items() if field.get("value") and not field.get("confirmed")}
    if seen is not None:
        changed = [name for name, field in rest.items() if seen.values.get(name) != field["value"]]
        if changed:
            raise DraftChanged(
                "草稿刚有变化，请看过再确认。 The draft changed meanwhile: look at it and confirm again.",
                fields=changed,
            )
    if rest:
        fields = {**ticket.fields, **{name: decided(field, field["value"]) for name, field in rest.items()}}
        await _store(session, principal, ticket, fields, rest)
    return ticket


async def _locked(session: AsyncSession, ticket_id: str) -> TicketRow:
    ticket = await TicketRepository(session).lock(storable(ticket_id))
    if ticket is None:
        raise TicketNotFound(f"There is no ticket {ticket_id[:80]!r}.")
    return ticket


def _valid(taxonomy: Taxonomy, name: str, value: str | None) -> str | None:
    codes = {matter.code for matter in taxonomy.matters}
    units = {matter.unit for matter in taxonomy.matters}
    try:
        return checked(name, value, codes, units)
    except FieldError as error:
        raise InvalidValue(str(error), fields=[name]) from error


def _following(taxonomy: Taxonomy, fields: Mapping[str, Field], category: str | None) -> dict[str, Field]:
    machines = category == machine_side(fields["category"])["value"]
    matter = next((matter for matter in taxonomy.matters if matter.code == category), None)
    result = {}
    for name in _OF_THE_MATTER:
        field = fields.get(name) or blank()
        if not field["confirmed"]:
            value = str(getattr(matter, name)) if matter else None
            result[name] = undecided(field) if machines else followed(field, value, "category")
    return result


async def _store(
    session: AsyncSession,
    principal: Principal,
    ticket: TicketRow,
    fields: dict[str, Any],
    before: Mapping[str, Mapping[str, Any]],
) -> None:
    """Store the fields, and for each of `before` what the machine had said and the agent says."""
    repository = TicketRepository(session)
    model = (await transcripts.call_transcript(session, ticket.call_ref)).model
    rows = []
    for name, field in before.items():
        machine = machine_side(field)
        rows.append(
            {
                "ticket_id": ticket.ticket_id,
                "call_ref": ticket.call_ref,
                "field": name,
                "machine_value": machine["value"],
                "machine_confidence": machine["confidence"],
                "machine_evidence": machine["evidence"],
                "model": model,
                "draft_version": ticket.version,
                "agent_value": fields[name]["value"],
                "token_id": principal.token_id,
                "made_by": principal.name,
            }
        )
    await repository.add_corrections(rows)
    await repository.change(ticket, fields)
    await ChangeRepository(session).publish("ticket", [ticket.call_ref])
