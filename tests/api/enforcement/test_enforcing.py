"""Pressure on stored calls rises and falls; what is ordered, undone and achieved is on record."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import select

from api.enforcement.enforcing import enforce
from api.enforcement.load import parse_service_levels
from api.enforcement.models import PolicyRow
from api.enforcement.repository import EnforcementRepository
from api.kit.changes import Change
from api.kit.database import Database
from tests.api.enforcement.conftest import ENFORCER, FILE, NOON, Desk, answered, waiting


async def _rise_and_fall(desk: Desk) -> None:
    callers = [waiting(f"1.{number}", NOON - timedelta(seconds=20)) for number in range(6)]
    await desk.store(*callers)
    await desk.look(times=3)
    await desk.store(*(answered(call.call_ref, call.offered_at, 35) for call in callers))
    await desk.look(times=12)


async def test_pressure_rises_and_falls(desk: Desk) -> None:
    await _rise_and_fall(desk)
    warned, reserve = await desk.acts()
    assert [(each.act, each.rung, each.value, each.limit) for each in (warned, reserve)] == [
        ("warn_wall", 0, 6.0, 3.0),
        ("call_reserve", 1, 6.0, 5.0),
    ]
    at = [(each.done_at - NOON, (each.undone_at or NOON) - NOON) for each in (warned, reserve)]
    seconds = [(done.total_seconds(), undone.total_seconds()) for done, undone in at]
    assert seconds == [(5, 45), (10, 40)], "up one by one, down again after the cool-down"
    assert {each.undone_reason for each in (warned, reserve)} == {"eased"}
    assert {each.done_by for each in (warned, reserve)} == {"test:1"}
    ordered = [(each.subject, each.undo, each.arguments["value"]) for each in reserve.orders]
    assert sorted(ordered) == [
        ("8003 main", False, 1),
        ("8003 main", True, 5),
        ("8004 main", False, 1),
        ("8004 main", True, 5),
    ]
    commands = [each.command for each in reserve.orders if each.command is not None]
    assert [(each.verb, each.state, each.about) for each in commands] == [
        ("set_penalty", "ordered", {"enforcement_act": reserve.act_id})
    ] * 4
    assert warned.orders == []


async def test_what_an_act_achieved_is_looked_up_even_when_nobody_looked_in_time(desk: Desk) -> None:
    late = [waiting(f"2.{number}", NOON + timedelta(seconds=200)) for number in range(2)]
    await _rise_and_fall(desk)
    await desk.store(*(answered(call.call_ref, call.offered_at, 300) for call in late))
    desk.now = NOON + timedelta(hours=1)
    await desk.look()
    warned, _reserve = await desk.acts()
    # 300 s after: two wait; 900 s after: nobody. Asked an hour later, answered from the facts of then.
    assert [(each.after_seconds, each.value) for each in warned.effects] == [(300, 2.0), (900, 0.0)]


async def test_the_policy_is_kept_word_for_word_and_its_change_undoes_what_it_ordered(
    desk: Desk, database: Database
) -> None:
    await desk.store(*(waiting(f"1.{number}", NOON) for number in range(6)))
    await desk.look(times=3)
    desk.enforcer = replace(ENFORCER, levels=parse_service_levels(FILE.replace("begins_at = 3", "begins_at = 4")))
    await desk.look()
    warned, reserve = await desk.acts()
    assert [each.undone_reason for each in (warned, reserve)] == ["policy_ended"] * 2
    assert [each.verb for each in reserve.orders if each.undo] == ["set_penalty"] * 2
    await desk.look()
    again = (await desk.acts())[2:]
    assert [each.limit for each in again] == [4.0]
    async with database.session() as session:
        kept = list(await session.scalars(select(PolicyRow.sha256)))
    assert {warned.policy_sha256, again[0].policy_sha256} == set(kept)


async def test_a_policy_that_is_over_orders_nothing(desk: Desk) -> None:
    desk.now = NOON + timedelta(days=30)
    await desk.store(*(waiting(f"1.{number}", desk.now) for number in range(6)))
    await desk.look(times=5)
    assert await desk.acts() == []


async def test_another_process_goes_on_where_the_first_died_and_never_beside_it(desk: Desk, database: Database) -> None:
    await desk.store(*(waiting(f"1.{number}", NOON) for number in range(6)))
    await desk.look()
    async with database.session() as first, database.session() as second:
        assert await EnforcementRepository(first).lock()
        assert not await EnforcementRepository(second).lock()
        # The first dies before it commits: nothing of its look remains.
        await enforce(first, replace(ENFORCER, name="dead:1"), desk.now)
        await first.rollback()
    desk.enforcer = replace(ENFORCER, name="second:2")
    await desk.look(times=2)
    assert [each.done_by for each in await desk.acts()] == ["second:2", "second:2"]


async def test_whoever_watches_is_told(desk: Desk, database: Database) -> None:
    await _rise_and_fall(desk)
    async with database.session() as session:
        told = list(await session.scalars(select(Change.call_ref).where(Change.kind == "enforcement")))
    acts = await desk.acts()
    assert set(told) == {f"act-{each.act_id}" for each in acts}
    assert len(told) == 4, "each began and each ended"


LED = FILE.replace('act = "call_reserve"', 'act = "overflow"\nto = "enterprise"').replace(
    'members = ["8003", "8004"]\npenalty = 1\n', ""
)


async def test_callers_are_led_elsewhere_on_every_node_while_the_pressure_lasts(desk: Desk) -> None:
    desk.enforcer = replace(ENFORCER, levels=parse_service_levels(LED))
    desk.nodes = {"main": ["hotline", "enterprise"], "north": ["hotline"], "south": ["enterprise"]}
    callers = [waiting(f"1.{number}", NOON - timedelta(seconds=20)) for number in range(6)]
    await desk.store(*callers)
    await desk.look(times=3)
    act = (await desk.acts())[1]
    assert (act.act, act.value, act.limit) == ("overflow", 6.0, 5.0)
    first = {each.subject: each.command_id for each in act.orders}
    assert first.keys() == {"hotline main", "hotline north"}
    await desk.look(times=14)
    act = (await desk.acts())[1]
    renewed = {each.subject: each.command_id for each in act.orders}
    assert renewed.keys() == first.keys()
    assert all((renewed[subject] or 0) > (first[subject] or 0) for subject in first), "renewed, and told once"
    await desk.store(*(answered(call.call_ref, call.offered_at, 35) for call in callers))
    await desk.look(times=12)
    act = (await desk.acts())[1]
    assert act.undone_reason == "eased"
    back = [(each.verb, each.command and each.command.node) for each in act.orders if each.undo]
    assert sorted(back) == [("end_overflow", "main"), ("end_overflow", "north")]


async def test_a_node_whose_router_is_away_is_ordered_when_it_is_there(desk: Desk) -> None:
    desk.nodes = {}
    await desk.store(*(waiting(f"1.{number}", NOON - timedelta(seconds=20)) for number in range(6)))
    await desk.look(times=4)
    assert (await desk.acts())[1].orders == []
    desk.nodes = {"main": ["hotline"]}
    await desk.look()
    assert [each.subject for each in (await desk.acts())[1].orders] == ["8003 main", "8004 main"]
