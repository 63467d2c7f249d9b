"""All SQL about acts of enforcement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, exists, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import selectinload

from api.agents.models import SpellRow
from api.calls.models import CallRow, WaitRow
from api.enforcement.ladder import TargetState
from api.enforcement.metrics import Figure
from api.enforcement.models import ActRow, EffectRow, OrderRow, PolicyRow, StateRow
from api.enforcement.plan import Break, Order, Penalties, Situation, Waiting
from api.enforcement.policy import FrozenPolicy
from api.kit.pagination import Cursor
from api.kit.repository import Repository

# Any number that nothing else in this database locks by.
_LOCK = 1234501


@dataclass(frozen=True, slots=True)
class ActFilter:
    """Which acts: done in [since, until), and equal in every field that is given; `in_force` asks for what still is."""

    since: datetime | None = None
    until: datetime | None = None
    desk: str | None = None
    act: str | None = None
    in_force: bool | None = None


class EnforcementRepository(Repository):
    """Reads and writes policies, ladders, acts, orders and effects."""

    async def lock(self) -> bool:
        """Take the right to enforce until this transaction ends; False where another process has it."""
        return bool(await self.session.scalar(text("SELECT pg_try_advisory_xact_lock(:key)"), {"key": _LOCK}))

    async def freeze(self, policies: Iterable[FrozenPolicy]) -> None:
        """Keep what these policies say, where it is not kept already."""
        rows = [
            {"sha256": each.sha256, "name": each.policy.name, "desk": each.policy.desk, "text": each.text}
            for each in policies
        ]
        if rows:
            await self.session.execute(insert(PolicyRow).on_conflict_do_nothing(), rows)

    async def states(self, policy_sha256: str) -> dict[str, TargetState]:
        """Return where a policy's ladders stand, by target."""
        rows = await self.session.scalars(select(StateRow).where(StateRow.policy_sha256 == policy_sha256))
        return {
            row.target: TargetState(row.level, row.pressed_seconds, row.eased_seconds, tuple(row.cooling), row.seen_at)
            for row in rows
        }

    async def store_states(self, policy_sha256: str, states: Mapping[str, TargetState]) -> None:
        """Store where a policy's ladders stand."""
        rows = [
            {
                "policy_sha256": policy_sha256,
                "target": target,
                "level": state.level,
                "pressed_seconds": state.pressed_seconds,
                "eased_seconds": state.eased_seconds,
                "cooling": list(state.cooling),
                "seen_at": state.seen_at,
            }
            for target, state in states.items()
            if state.seen_at is not None
        ]
        if rows:
            new = insert(StateRow)
            changed = {name: new.excluded[name] for name in rows[0] if name not in {"policy_sha256", "target"}}
            await self.session.execute(
                new.on_conflict_do_update(index_elements=["policy_sha256", "target"], set_=changed), rows
            )

    async def forget_states(self, policy_sha256: str) -> None:
        """Take all ladders of a policy that ended to their foot."""
        await self.session.execute(delete(StateRow).where(StateRow.policy_sha256 == policy_sha256))

    async def begin(self, **values: Any) -> int:
        """Store an act that begins; returns its number."""
        return int((await self.session.execute(insert(ActRow).values(values).returning(ActRow.act_id))).scalar_one())

    async def end(self, act_id: int, now: datetime, reason: str, value: float | None) -> None:
        """Store that an act is undone; one that is already stays as it was."""
        await self.session.execute(
            update(ActRow)
            .where(ActRow.act_id == act_id, ActRow.undone_at.is_(None))
            .values(undone_at=now, undone_reason=reason, undone_value=value)
        )

    async def add_order(self, act_id: int, order: Order, command_id: int | None, now: datetime, *, undo: bool) -> None:
        """Store what an act has had done; what is renewed stands there once, with its last order."""
        key = {"act_id": act_id, "subject": order.subject, "verb": order.verb, "undo": undo}
        given = {"arguments": dict(order.arguments), "ordered_at": now, "command_id": command_id}
        await self.session.execute(
            insert(OrderRow).values(**key, **given).on_conflict_do_update(index_elements=list(key), set_=given)
        )

    async def in_force(self) -> list[ActRow]:
        """Return the acts that are not undone, the oldest first."""
        return await self._load(select(ActRow).where(ActRow.undone_at.is_(None)).order_by(ActRow.act_id))

    async def by_ids(self, act_ids: Sequence[int]) -> list[ActRow]:
        """Return these acts, the oldest first."""
        return await self._load(select(ActRow).where(ActRow.act_id.in_(act_ids)).order_by(ActRow.act_id))

    async def page(self, wanted: ActFilter, cursor: Cursor | None, limit: int) -> list[ActRow]:
        """Return acts, latest first, from behind the cursor."""
        query = select(ActRow).order_by(ActRow.done_at.desc(), ActRow.act_id.desc()).limit(limit)
        if wanted.since is not None:
            query = query.where(ActRow.done_at >= wanted.since)
        if wanted.until is not None:
            query = query.where(ActRow.done_at < wanted.until)
        if wanted.desk is not None:
            query = query.where(ActRow.desk == wanted.desk)
        if wanted.act is not None:
            query = query.where(ActRow.act == wanted.act)
        if wanted.in_force is not None:
            query = query.where(ActRow.undone_at.is_(None) if wanted.in_force else ActRow.undone_at.is_not(None))
        if cursor is not None:
            query = query.where(tuple_(ActRow.done_at, ActRow.act_id) < tuple_(cursor.at, cursor.number))
        return await self._load(query)

    async def without_effect(self, after_seconds: int, now: datetime, since: datetime) -> list[ActRow]:
        """Return the acts done at least so many seconds ago, and since, whose effect is not looked up yet."""
        measured = exists().where(EffectRow.act_id == ActRow.act_id, EffectRow.after_seconds == after_seconds)
        done = (ActRow.done_at <= now - timedelta(seconds=after_seconds), ActRow.done_at >= since)
        return await self._load(select(ActRow).where(*done, ~measured.correlate(ActRow)))

    async def store_effect(self, act_id: int, after_seconds: int, figure: Figure) -> None:
        """Store what an act's figure became."""
        await self.session.execute(
            insert(EffectRow)
            .values(
                act_id=act_id,
                after_seconds=after_seconds,
                value=figure.value,
                numerator=figure.numerator,
                denominator=figure.denominator,
                excluded=figure.excluded,
            )
            .on_conflict_do_nothing()
        )

    async def situation(self, penalties: Penalties, nodes: Mapping[str, frozenset[str]]) -> Situation:
        """Return how things are now, as the routers stored it.

        `penalties` are the members' usual ones, `nodes` the queues of each node that a router serves.
        """
        waiting = await self.session.execute(
            select(WaitRow.queue, WaitRow.call_ref, CallRow.node)
            .join(CallRow, CallRow.call_ref == WaitRow.call_ref)
            .where(WaitRow.left_at.is_(None), CallRow.ended_at.is_(None), CallRow.answered_at.is_(None))
            .ext(distinct_on(WaitRow.queue))
            .order_by(WaitRow.queue, CallRow.offered_at, WaitRow.call_ref)
        )
        paused = await self.session.execute(
            select(SpellRow.agent, SpellRow.node, SpellRow.reason, SpellRow.started_at)
            .where(SpellRow.state == "paused", SpellRow.ended_at.is_(None))
            .order_by(SpellRow.agent)
        )
        breaks = tuple(Break(agent, node, reason or "", since) for agent, node, reason, since in paused)
        return Situation(
            {row.queue: Waiting(row.call_ref, row.node) for row in waiting}, breaks, dict(penalties), nodes
        )

    async def now(self) -> datetime:
        """Return the database's time: the one clock that all processes share."""
        moment: datetime = (await self.session.execute(select(func.clock_timestamp()))).scalar_one()
        return moment

    async def _load(self, query: Select[ActRow]) -> list[ActRow]:
        loaded = query.options(
            selectinload(ActRow.policy),
            selectinload(ActRow.orders).selectinload(OrderRow.command),
            selectinload(ActRow.effects),
        )
        return list(await self.session.scalars(loaded, execution_options={"populate_existing": True}))
