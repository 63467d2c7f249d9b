"""All SQL about what agents do."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, or_, select, tuple_, update
from sqlalchemy.dialects.postgresql import insert

from api.agents.models import SpellRow
from api.kit.repository import Repository

_VALUES = ("ended_at", "state", "reason", "call_ref")


class SpellRepository(Repository):
    """Reads and writes agents' spells."""

    async def void(self, node: str, agent: str, since: datetime, kept: Sequence[datetime]) -> set[str]:
        """Drop an agent's spells begun at `since` or later but those begun at `kept`; returns the agent if any went."""
        gone = await self.session.scalars(
            delete(SpellRow)
            .where(SpellRow.node == node, SpellRow.agent == agent, SpellRow.started_at >= since)
            .where(SpellRow.started_at.not_in(kept))
            .returning(SpellRow.agent)
        )
        return set(gone)

    async def cut(self, node: str, agent: str, since: datetime) -> set[str]:
        """End at `since` what an agent was told to do beyond it; returns the agent if there was something."""
        cut = await self.session.scalars(
            update(SpellRow)
            .where(SpellRow.node == node, SpellRow.agent == agent, SpellRow.started_at < since)
            .where(or_(SpellRow.ended_at.is_(None), SpellRow.ended_at > since))
            .values(ended_at=since)
            .returning(SpellRow.agent)
        )
        return set(cut)

    async def upsert(self, rows: Sequence[dict[str, Any]]) -> set[str]:
        """Store spells; returns the agents of whom some became different."""
        if not rows:
            return set()
        offered = insert(SpellRow)
        statement = offered.on_conflict_do_update(
            index_elements=[SpellRow.node, SpellRow.agent, SpellRow.started_at],
            set_={name: offered.excluded[name] for name in _VALUES},
            where=tuple_(*(getattr(SpellRow, name) for name in _VALUES)).is_distinct_from(
                tuple_(*(offered.excluded[name] for name in _VALUES))
            ),
        ).returning(SpellRow.agent)
        return set(await self.session.scalars(statement, rows))

    async def current(self, node: str | None = None) -> list[SpellRow]:
        """Return what every agent does now, on one node or on all."""
        query = select(SpellRow).where(SpellRow.ended_at.is_(None)).order_by(SpellRow.agent, SpellRow.node)
        if node is not None:
            query = query.where(SpellRow.node == node)
        return list(await self.session.scalars(query, execution_options={"populate_existing": True}))

    async def between(self, since: datetime, until: datetime, agent: str | None = None) -> list[SpellRow]:
        """Return the spells that lay at least in part in [since, until), by agent and time."""
        query = (
            select(SpellRow)
            .where(SpellRow.started_at < until, or_(SpellRow.ended_at.is_(None), SpellRow.ended_at > since))
            .order_by(SpellRow.agent, SpellRow.started_at)
        )
        if agent is not None:
            query = query.where(SpellRow.agent == agent)
        return list(await self.session.scalars(query, execution_options={"populate_existing": True}))
