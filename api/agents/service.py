"""What the rest of the program does with what agents do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import service as accounts
from api.agents.models import SpellRow
from api.agents.repository import SpellRepository
from api.commands import service as commands
from api.kit.base import storable
from telephony.agents.model import AgentSpell, Revision


async def store_revisions(session: AsyncSession, revisions: Sequence[Revision]) -> set[str]:
    """Store what agents did as the reducer sees it now; returns the agents of whom something became different.

    Idempotent: the same revisions again change nothing. Of an agent given twice, the later revision counts on.
    """
    merged: dict[tuple[str, str], Revision] = {}
    for revision in revisions:
        key = revision.node, revision.agent
        merged[key] = revision.after(merged[key]) if key in merged else revision
    repository = SpellRepository(session)
    changed: set[str] = set()
    # One order for everybody, so that two writers never wait for each other in a circle.
    for _, revision in sorted(merged.items()):
        kept = [spell.started_at for spell in revision.spells]
        changed |= await repository.void(storable(revision.node), storable(revision.agent), revision.since, kept)
        changed |= await repository.cut(storable(revision.node), storable(revision.agent), revision.since)
        # The closed ones first: an agent has one open spell, never two.
        changed |= await repository.upsert([_values(spell) for spell in revision.spells if spell.ended_at is not None])
        changed |= await repository.upsert([_values(spell) for spell in revision.spells if spell.ended_at is None])
    return changed


def _values(spell: AgentSpell) -> dict[str, Any]:
    return {
        "node": storable(spell.node),
        "agent": storable(spell.agent),
        "started_at": spell.started_at,
        "ended_at": spell.ended_at,
        "state": spell.state,
        "reason": storable(spell.reason) if spell.reason else None,
        "call_ref": storable(spell.call_ref) if spell.call_ref else None,
    }


async def agents_now(session: AsyncSession) -> list[dict[str, Any]]:
    """Return every agent with name, what the agent does and since when, and until when the router keeps the agent."""
    spells = {spell.agent: spell for spell in await current_spells(session)}
    holds = await commands.holds(session)
    found = []
    for extension, name in sorted((await accounts.agent_names(session)).items()):
        spell, hold = spells.get(extension), holds.get(extension)
        found.append(
            {
                "extension": extension,
                "name": name,
                "state": spell.state if spell else None,
                "reason": spell.reason if spell else None,
                "call_ref": (spell.call_ref if spell else None) or (hold.call_ref if hold else None),
                "since": spell.started_at if spell else None,
                "held_until": hold.until if hold else None,
                "missed": hold.count if hold and hold.kind == "missed" else 0,
            }
        )
    return found


async def node_of(session: AsyncSession, extension: str) -> str | None:
    """Return the node where an agent's phone is: where the agent's last spell began; None before the first."""
    spells = [spell for spell in await current_spells(session) if spell.agent == extension]
    return max(spells, key=lambda spell: spell.started_at).node if spells else None


async def current_spells(session: AsyncSession, node: str | None = None) -> list[AgentSpell]:
    """Return what every agent does now, on one node or on all; by extension."""
    return [spell_of(row) for row in await SpellRepository(session).current(node)]


async def spells_between(
    session: AsyncSession, since: datetime, until: datetime, agent: str | None = None
) -> list[AgentSpell]:
    """Return the spells that lay at least in part in [since, until), whole, by agent and time."""
    return [spell_of(row) for row in await SpellRepository(session).between(since, until, agent)]


def spell_of(row: SpellRow) -> AgentSpell:
    """Return a stored spell as telephony sees it."""
    return AgentSpell(
        agent=row.agent,
        node=row.node,
        state=row.state,  # type: ignore[arg-type] # the column's check constraint names the same words
        reason=row.reason,
        call_ref=row.call_ref,
        started_at=row.started_at,
        ended_at=row.ended_at,
    )
