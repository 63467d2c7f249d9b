"""Every stored abandon becomes a callback: an idempotent follower of the stored calls.

It asks the calls, not the events, so an abandon that was learnt late (the router was dead, the database away) is found
like any other; and a call that has its callback is never looked at again.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from api.callbacks import service
from api.callbacks.owed import Abandon, owed
from api.callbacks.repository import CallbackRepository
from api.enforcement.policy import CallbackRule, FrozenPolicy, ServiceLevels
from api.enforcement.repository import EnforcementRepository
from api.kit import clock
from api.kit.changes import ChangeRepository

# Abandons that are learnt later than this are history: nobody would know what the caller wanted.
LOOK_BACK = timedelta(days=3)
_MOST = 500


async def follow(session: AsyncSession, levels: ServiceLevels, timezone: str, now: datetime) -> list[int]:
    """Make the callbacks that are owed and withdraw those that are not any more; returns what changed.

    The caller holds EnforcementRepository.lock().
    """
    repository = CallbackRepository(session)
    changed: list[int] = []
    for frozen in levels.policies:
        rule = frozen.policy.callback
        since, until = _holds(frozen, timezone, now)
        if rule is None or since >= until:
            continue
        outcomes = ("abandoned", "short_abandoned") if rule.short_abandons else ("abandoned",)
        found = await repository.uncovered(frozen.policy.desk, outcomes, since, until, _MOST)
        if found:
            await EnforcementRepository(session).freeze([frozen])
            changed += await _add(repository, frozen, rule, found, now)
    changed += await service.hear(session, now)
    changed += await repository.withdraw_got_through(now)
    changed += await repository.withdraw_answered(now)
    await ChangeRepository(session).publish("callback", [f"callback-{each}" for each in sorted(set(changed))])
    return sorted(set(changed))


def _holds(frozen: FrozenPolicy, timezone: str, now: datetime) -> tuple[datetime, datetime]:
    policy = frozen.policy
    first, _ = clock.date_bounds(policy.first_day, timezone)
    last = clock.date_bounds(policy.until, timezone)[0] if policy.until else datetime.max.replace(tzinfo=UTC)
    return max(first, now - LOOK_BACK), min(last, now + timedelta(seconds=1))


async def _add(
    repository: CallbackRepository, frozen: FrozenPolicy, rule: CallbackRule, found: Iterable[Abandon], now: datetime
) -> list[int]:
    abandons = list(found)
    open_tasks = await repository.open_tasks([each.caller for each in abandons if each.caller])
    added = []
    for each in abandons:
        decided = owed(each, rule, open_tasks)
        callback_id = await repository.add(
            call_ref=each.call_ref,
            caller=each.caller,
            desk=each.desk,
            state=decided.state,
            reason=decided.reason,
            merged_into=decided.merged_into,
            abandoned_at=each.abandoned_at,
            last_abandoned_at=each.abandoned_at,
            due_at=decided.due_at,
            next_try_at=each.abandoned_at,
            tries_allowed=rule.tries,
            spacing_seconds=rule.spacing.total_seconds(),
            policy_sha256=frozen.sha256,
            made_at=now,
            closed_at=None if decided.state == "open" else now,
        )
        if callback_id is None:
            continue
        added.append(callback_id)
        if decided.state == "open" and each.caller:
            open_tasks[each.caller] = callback_id
        if decided.merged_into is not None:
            await repository.merge(decided.merged_into, each.abandoned_at)
            added.append(decided.merged_into)
    return added
