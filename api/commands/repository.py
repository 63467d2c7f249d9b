"""All SQL about orders and holds."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from api.commands.models import CommandRow, HoldRow
from api.kit.repository import Repository

# NOTIFY: a payload is the node whose router is to look.
CHANNEL = "zhitong_commands"
# NOTIFY: a payload is the order that has ended.
DONE_CHANNEL = "zhitong_commands_done"


class CommandRepository(Repository):
    """Orders: given, taken by a router, ended."""

    async def add(self, **values: Any) -> int:
        """Store an order and wake its node's router when this transaction commits."""
        row = CommandRow(**values)
        self.session.add(row)
        await self.session.flush()
        await self.session.execute(select(func.pg_notify(CHANNEL, row.node)))
        return row.command_id

    async def take(self, node: str, now: datetime) -> CommandRow | None:
        """Take the oldest order of a node that nobody has taken; what has expired is marked so and passed over."""
        await self.session.execute(
            update(CommandRow)
            .where(CommandRow.node == node, CommandRow.state == "ordered", CommandRow.expires_at <= now)
            .values(state="expired", finished_at=now, error_id="command_expired", error="No router took it in time.")
        )
        row = await self.session.scalar(
            select(CommandRow)
            .where(CommandRow.node == node, CommandRow.state == "ordered")
            .order_by(CommandRow.command_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )
        if row is not None:
            row.state = "running"
        return row

    async def give_up_running(self, node: str, now: datetime) -> None:
        """Mark what a router that died had begun: whether Asterisk did it is not known, so it is not done again."""
        await self.session.execute(
            update(CommandRow)
            .where(CommandRow.node == node, CommandRow.state == "running")
            .values(
                state="failed",
                finished_at=now,
                error_id="command_interrupted",
                error="The router ended while it carried this out.",
            )
        )

    async def expire(self, command_id: int, now: datetime) -> bool:
        """Take an order back that no router has taken yet; says whether that was so."""
        gone = await self.session.scalar(
            update(CommandRow)
            .where(CommandRow.command_id == command_id, CommandRow.state == "ordered")
            .values(state="expired", finished_at=now, error_id="command_expired", error="No router took it in time.")
            .returning(CommandRow.command_id)
        )
        return gone is not None

    async def finish(self, command_id: int, **values: Any) -> None:
        """Write an order's end, and wake who waits for it when this transaction commits."""
        await self.session.execute(update(CommandRow).where(CommandRow.command_id == command_id).values(**values))
        await self.session.execute(select(func.pg_notify(DONE_CHANNEL, str(command_id))))

    async def get(self, command_id: int) -> CommandRow | None:
        """Return one order as it stands now."""
        return await self.session.get(CommandRow, command_id, populate_existing=True)

    async def latest(self, limit: int) -> list[CommandRow]:
        """Return orders, the latest first."""
        return list(await self.session.scalars(select(CommandRow).order_by(CommandRow.command_id.desc()).limit(limit)))


class HoldRepository(Repository):
    """Who is kept from calls."""

    async def put(self, values: dict[str, Any]) -> None:
        """Store an agent's hold in place of an earlier one."""
        statement = insert(HoldRow).values(**values)
        keys = ("node", "agent")
        changed = {name: statement.excluded[name] for name in values if name not in keys}
        await self.session.execute(statement.on_conflict_do_update(index_elements=keys, set_=changed))

    async def drop(self, node: str, agents: Sequence[str]) -> None:
        """Forget holds that are over."""
        await self.session.execute(delete(HoldRow).where(HoldRow.node == node, HoldRow.agent.in_(agents)))

    async def all(self, node: str | None = None) -> list[HoldRow]:
        """Return the holds of one node, or of all."""
        query = select(HoldRow).order_by(HoldRow.agent)
        if node is not None:
            query = query.where(HoldRow.node == node)
        return list(await self.session.scalars(query))
