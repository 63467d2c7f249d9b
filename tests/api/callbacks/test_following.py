"""Every true abandon becomes a callback, once, whenever it is learnt."""

import asyncio
from dataclasses import replace
from datetime import timedelta

from api.callbacks.following import follow
from api.callbacks.repository import CallbackRepository
from api.enforcement.load import parse_service_levels
from tests.api.callbacks.conftest import FILE, Follower
from tests.api.enforcement.conftest import NOON, abandoned, answered, waiting
from tests.api.samples import call

MINUTE = timedelta(minutes=1)


async def test_a_true_abandon_is_owed_a_callback_that_is_due_by_the_rule(follower: Follower) -> None:
    await follower.store(
        abandoned("1.1", NOON - MINUTE),
        call("1.2", "short_abandoned", offered_at=NOON - MINUTE, caller="13800000002", wait_seconds=2),
        call("1.3", "failed", offered_at=NOON - MINUTE, caller="13800000003"),
        answered("1.4", NOON - MINUTE, caller="13800000004"),
        waiting("1.5", NOON - MINUTE, caller="13800000005"),
    )
    await follower.follow()
    (one,) = await follower.all()
    assert (one.call_ref, one.caller, one.state) == ("1.1", "13800000001", "open")
    assert one.due_at == one.abandoned_at + timedelta(minutes=30)
    assert (one.tries_allowed, one.spacing_seconds) == (2, 1200.0)


async def test_following_again_or_by_two_at_once_changes_nothing(follower: Follower) -> None:
    await follower.store(*(abandoned(f"1.{n}", NOON - MINUTE, caller=f"1380000{n:04d}") for n in range(40)))

    async def once() -> list[int]:
        async with follower.database.session() as session:
            return await follow(session, follower.levels, "Asia/Shanghai", NOON)

    changed = await asyncio.gather(once(), once(), once())
    assert sum(map(len, changed)) == 40
    assert await follower.follow() == []
    assert len(await follower.all()) == 40


async def test_an_abandon_learnt_days_later_is_not_missed_and_one_of_last_week_is_history(follower: Follower) -> None:
    await follower.store(
        abandoned("1.1", NOON - timedelta(days=2), caller="13800000001"),
        abandoned("1.2", NOON - timedelta(days=7), caller="13800000002"),
    )
    await follower.follow()
    assert await follower.states() == {"1.1": ("open", None)}


async def test_short_abandons_are_called_back_where_the_rule_says_so(follower: Follower) -> None:
    follower.levels = parse_service_levels(FILE + "short_abandons = true\n")
    await follower.store(call("1.1", "short_abandoned", offered_at=NOON - MINUTE, wait_seconds=2))
    await follower.follow()
    assert await follower.states() == {"1.1": ("open", None)}


async def test_who_cannot_or_need_not_be_called_is_left_out_with_the_reason_and_counted(follower: Follower) -> None:
    callers = [None, "anonymous", "=1+1", "+8613800009999", "13800000001"]
    await follower.store(*(abandoned(f"1.{n}", NOON - MINUTE, caller=caller) for n, caller in enumerate(callers)))
    await follower.follow()
    assert await follower.states() == {
        "1.0": ("left_out", "withheld"),
        "1.1": ("left_out", "withheld"),
        "1.2": ("left_out", "withheld"),
        "1.3": ("left_out", "nuisance"),
        "1.4": ("open", None),
    }
    async with follower.database.session() as session:
        counts = await CallbackRepository(session).counts(NOON - timedelta(hours=1), NOON)
    assert counts == {("left_out", "withheld"): 3, ("left_out", "nuisance"): 1, ("open", None): 1}


async def test_a_caller_who_gives_up_again_and_again_has_one_open_callback(follower: Follower) -> None:
    await follower.store(abandoned("1.1", NOON - 9 * MINUTE), abandoned("1.2", NOON - 8 * MINUTE))
    await follower.follow()
    await follower.store(abandoned("1.3", NOON - 2 * MINUTE))
    await follower.follow()
    first, *others = await follower.all()
    assert (first.call_ref, first.state) == ("1.1", "open")
    assert [(each.state, each.merged_into) for each in others] == [("merged", first.callback_id)] * 2
    assert first.last_abandoned_at == others[-1].abandoned_at


async def test_who_gets_through_meanwhile_is_not_called_and_who_gives_up_later_is(follower: Follower) -> None:
    await follower.store(abandoned("1.1", NOON - 9 * MINUTE))
    await follower.follow()
    await follower.store(answered("1.2", NOON - 5 * MINUTE), abandoned("1.3", NOON - 2 * MINUTE, caller="13800000003"))
    await follower.follow()
    states = await follower.states()
    assert states == {"1.1": ("withdrawn", "got_through"), "1.3": ("open", None)}
    assert (await follower.all())[0].closed_by_call == "1.2"
    await follower.store(abandoned("1.4", NOON - MINUTE))
    await follower.follow()
    assert (await follower.states())["1.4"] == ("open", None)


async def test_all_learnt_at_once_the_last_abandon_counts(follower: Follower) -> None:
    """The router was dead while the caller gave up, got through, and gave up again."""
    await follower.store(
        abandoned("1.1", NOON - 9 * MINUTE), answered("1.2", NOON - 5 * MINUTE), abandoned("1.3", NOON - 2 * MINUTE)
    )
    await follower.follow()
    assert await follower.states() == {"1.1": ("open", None), "1.3": ("merged", "same_caller")}


async def test_a_call_that_was_answered_after_all_is_owed_nothing(follower: Follower) -> None:
    await follower.store(abandoned("1.1", NOON - 9 * MINUTE))
    await follower.follow()
    late = answered("1.1", NOON - 9 * MINUTE, 25)
    await follower.store(replace(late, offered_at=NOON - 9 * MINUTE))
    await follower.follow()
    assert await follower.states() == {"1.1": ("withdrawn", "was_answered")}


async def test_a_desk_without_a_rule_owes_nothing(follower: Follower) -> None:
    await follower.store(replace(abandoned("1.1", NOON - MINUTE), queue="enterprise"))
    follower.levels = parse_service_levels("")
    assert await follower.follow() == []
    assert await follower.all() == []
