"""One look at all promises: measure, decide, store what is done and undone, order it (in one transaction)."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.commands import service as commands
from api.enforcement.figures import FigureRepository
from api.enforcement.ladder import Decision, Move, decide
from api.enforcement.load import thaw
from api.enforcement.metrics import Figure
from api.enforcement.models import ActRow
from api.enforcement.plan import InForce, Order, Penalties, orders, undoing
from api.enforcement.policy import FrozenPolicy, Policy, ServiceLevels, Target
from api.enforcement.repository import EnforcementRepository
from api.heartbeats.service import queues_by_node
from api.kit.changes import ChangeRepository

ORDERED_BY = "服务水平 service levels"
# A router that reconnects within this time still carries them out.
ORDERS_HOLD_SECONDS = 30.0
# When an act's effect is looked up.
EFFECTS_AFTER_SECONDS = (300, 900)
# Effects that could not be looked up for so long (nobody enforced) stay unknown.
EFFECTS_FOR = timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Enforcer:
    """Who enforces what: the promises, the city's zone, each member's usual penalty, and this process's name."""

    levels: ServiceLevels
    timezone: str
    penalties: Penalties
    name: str


async def enforce(session: AsyncSession, enforcer: Enforcer, now: datetime) -> list[int]:
    """Look once; returns the acts that began, ended or had something ordered.

    The caller holds EnforcementRepository.lock(): two at once would both see a ladder at the same rung.
    """
    repository = EnforcementRepository(session)
    policies = enforcer.levels.in_force(now, enforcer.timezone)
    await repository.freeze(policies)
    ended = await _end_of_policies(repository, policies, now)
    began: list[int] = []
    for frozen in policies:
        figures = await FigureRepository(session).all(frozen.policy, now, enforcer.timezone)
        decision = decide(frozen.policy, figures, await repository.states(frozen.sha256), now)
        ended += await _end(repository, frozen, decision, now)
        began += [await _begin(repository, enforcer, frozen, move, now) for move in decision.do]
        await repository.store_states(frozen.sha256, decision.states)
    touched = {*ended, *began, *await _order(repository, enforcer, ended, now)}
    await _measure_effects(session, enforcer, now)
    await ChangeRepository(session).publish("enforcement", [f"act-{act_id}" for act_id in sorted(touched)])
    return sorted(touched)


async def _begin(
    repository: EnforcementRepository, enforcer: Enforcer, frozen: FrozenPolicy, move: Move, now: datetime
) -> int:
    rung = _target(frozen.policy, move.target).rung[move.rung]
    return await repository.begin(
        policy_sha256=frozen.sha256,
        desk=frozen.policy.desk,
        target=move.target,
        rung=move.rung,
        act=rung.act,
        limit=rung.begins_at,
        done_at=now,
        done_by=enforcer.name,
        **_columns(move.figure),
    )


async def _end(repository: EnforcementRepository, frozen: FrozenPolicy, decision: Decision, now: datetime) -> list[int]:
    gone = {(move.target, move.rung): move.figure for move in decision.undo}
    touched = []
    for act in await repository.in_force() if gone else []:
        figure = gone.get((act.target, act.rung))
        if act.policy_sha256 == frozen.sha256 and figure is not None:
            await repository.end(act.act_id, now, "eased", figure.value)
            touched.append(act.act_id)
    return touched


async def _end_of_policies(
    repository: EnforcementRepository, policies: tuple[FrozenPolicy, ...], now: datetime
) -> list[int]:
    """Undo what policies ordered that hold no longer, were changed, or are gone from the file."""
    holding = {each.sha256 for each in policies}
    gone = [act for act in await repository.in_force() if act.policy_sha256 not in holding]
    for act in gone:
        await repository.end(act.act_id, now, "policy_ended", None)
    for sha256 in {act.policy_sha256 for act in gone}:
        await repository.forget_states(sha256)
    return [act.act_id for act in gone]


async def _order(repository: EnforcementRepository, enforcer: Enforcer, ended: list[int], now: datetime) -> list[int]:
    in_force = [(act.act_id, seen(act)) for act in await repository.in_force()]
    gone = await repository.by_ids(ended)
    if not in_force and not gone:
        return []
    situation = await repository.situation(enforcer.penalties, await queues_by_node(repository.session))
    for act in gone:
        back = undoing(seen(act), situation, [standing for _, standing in in_force])
        await _give(repository, act.act_id, back, now, undo=True)
    touched = []
    for act_id, standing in in_force:
        new = orders(standing, situation, now)
        await _give(repository, act_id, new, now, undo=False)
        touched += [act_id] if new else []
    return touched


async def _give(
    repository: EnforcementRepository, act_id: int, some: Sequence[Order], now: datetime, *, undo: bool
) -> None:
    for each in some:
        command_id = None
        if each.verb != "announce":
            command_id = await commands.order(
                repository.session,
                each.verb,
                each.arguments,
                node=each.node,
                ordered_by=ORDERED_BY,
                about={"enforcement_act": act_id},
                within_seconds=ORDERS_HOLD_SECONDS,
            )
        await repository.add_order(act_id, each, command_id, now, undo=undo)


async def _measure_effects(session: AsyncSession, enforcer: Enforcer, now: datetime) -> None:
    repository = EnforcementRepository(session)
    for after in EFFECTS_AFTER_SECONDS:
        for act in await repository.without_effect(after, now, now - EFFECTS_FOR):
            moment = act.done_at + timedelta(seconds=after)
            figure = await FigureRepository(session).one(act.desk, target_of(act), moment, enforcer.timezone)
            await repository.store_effect(act.act_id, after, figure)


def seen(act: ActRow) -> InForce:
    """Return a stored act as the plan sees it."""
    return InForce(
        act.desk,
        target_of(act).rung[act.rung],
        {(each.subject, each.verb): each.ordered_at for each in act.orders if not each.undo},
    )


def target_of(act: ActRow) -> Target:
    """Return the target of a stored act, as its policy worded it then."""
    return _target(thaw(act.policy.text), act.target)


def _target(policy: Policy, name: str) -> Target:
    return next(target for target in policy.target if target.name == name)


def _columns(figure: Figure) -> dict[str, float | int | None]:
    return {
        "value": figure.value,
        "numerator": figure.numerator,
        "denominator": figure.denominator,
        "excluded": figure.excluded,
    }
