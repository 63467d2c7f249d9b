"""Which orders an act comes to, and which take it back."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from api.enforcement.plan import (
    OVERFLOW_SECONDS,
    RENEW_AFTER,
    Break,
    InForce,
    Order,
    Situation,
    Waiting,
    orders,
    undoing,
)
from api.enforcement.policy import Rung

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
PENALTIES = {("hotline", "8001"): 1, ("hotline", "8003"): 5, ("hotline", "8004"): 5}


def standing(act: str, ordered: dict[tuple[str, str], datetime] | None = None, **given: Any) -> InForce:
    rung = Rung(
        act=act,  # type: ignore[arg-type]
        zh="级",
        en="rung",
        begins_at=5,
        ends_at=2,
        hold_seconds=0,
        cool_down_seconds=60,
        **given,
    )
    return InForce("hotline", rung, ordered or {})


NODES = {
    "main": frozenset({"hotline", "enterprise"}),
    "east": frozenset({"hotline"}),
    "desk": frozenset({"enterprise"}),
}


def penalty(subject: str, value: int) -> Order:
    agent, _, node = subject.partition(" ")
    arguments = {"extension": agent, "value": value, "queue": "hotline"}
    return Order(subject, "set_penalty", arguments, node or None)


def test_reserve_agents_are_asked_like_others_on_every_node_that_has_the_queue_and_later_as_before() -> None:
    act = standing("call_reserve", members=("8003", "8004", "8009"), penalty=1)
    situation = Situation(penalties=PENALTIES, nodes=NODES)
    called = ("8003 east", "8004 east", "8003 main", "8004 main")
    assert orders(act, situation, NOON) == tuple(penalty(each, 1) for each in called), "8009 has no seat"
    done = replace(act, ordered={(each, "set_penalty"): NOON for each in called})
    assert orders(done, situation, NOON) == ()
    later = replace(situation, nodes={**NODES, "west": frozenset({"hotline"})})
    assert [each.node for each in orders(done, later, NOON)] == ["west", "west"], "a node that came later is told too"
    assert undoing(done, Situation(penalties=PENALTIES), []) == tuple(penalty(each, 5) for each in called)
    assert undoing(replace(act, ordered={("8003", "set_penalty"): NOON}), situation, []) == (penalty("8003", 5),)


def test_a_reserve_agent_whom_two_acts_called_goes_back_with_the_second() -> None:
    situation = Situation(penalties=PENALTIES, nodes=NODES)
    first = standing("call_reserve", {("8003 main", "set_penalty"): NOON}, members=("8003",), penalty=1)
    second = standing("call_reserve", {("8003 main", "set_penalty"): NOON}, members=("8003",), penalty=2)
    elsewhere = replace(second, desk="enterprise")
    assert undoing(first, situation, [second, elsewhere]) == (penalty("8003 main", 2),)
    assert undoing(second, situation, [elsewhere]) == (penalty("8003 main", 5),)


def test_nobody_is_asked_later_than_usual() -> None:
    act = standing("call_reserve", members=("8001",), penalty=1)
    assert orders(act, Situation(penalties=PENALTIES, nodes=NODES), NOON) == ()
    assert undoing(act, Situation(penalties=PENALTIES, nodes=NODES), []) == ()


def test_callers_are_led_elsewhere_on_every_node_for_as_long_as_it_is_renewed() -> None:
    situation = Situation(nodes=NODES)
    act = standing("overflow", to="enterprise")
    led = {"queue": "hotline", "to": "enterprise", "seconds": OVERFLOW_SECONDS}
    new = tuple(Order(f"hotline {node}", "overflow", led, node) for node in ("east", "main"))
    assert orders(act, situation, NOON) == new
    done = replace(act, ordered={(each.subject, each.verb): NOON for each in new})
    assert orders(done, situation, NOON + RENEW_AFTER / 2) == ()
    assert orders(done, situation, NOON + RENEW_AFTER) == new
    assert timedelta(seconds=OVERFLOW_SECONDS) > 2 * RENEW_AFTER, "one renewal that fails ends nothing"
    back = undoing(done, Situation(), [replace(act, desk="dialect"), standing("warn_wall")])
    assert [(each.verb, each.arguments, each.node) for each in back] == [
        ("end_overflow", {"queue": "hotline"}, "east"),
        ("end_overflow", {"queue": "hotline"}, "main"),
    ]
    assert undoing(done, Situation(), [act]) == (), "another act still asks for it"


def test_a_break_is_announced_first_and_ended_only_after_notice() -> None:
    since = NOON - timedelta(minutes=5)
    situation = Situation(breaks=(Break("8001", "main", "break", since), Break("8002", "main", "Auto-Pause", since)))
    act = standing("end_breaks", reasons=("break",), notice_seconds=60)
    (announced,) = orders(act, situation, NOON)
    assert (announced.verb, announced.arguments["extension"]) == ("announce", "8001")
    told = replace(act, ordered={(announced.subject, "announce"): NOON})
    assert orders(told, situation, NOON + timedelta(seconds=59)) == ()
    (ended,) = orders(told, situation, NOON + timedelta(seconds=60))
    assert (ended.verb, ended.arguments) == ("unpause", {"extension": "8001"})
    assert orders(told, Situation(), NOON + timedelta(seconds=60)) == (), "the agent came back by themselves"
    another = Situation(breaks=(Break("8001", "main", "break", NOON + timedelta(minutes=9)),))
    assert [each.verb for each in orders(told, another, NOON + timedelta(minutes=10))] == ["announce"]


def test_without_notice_a_break_is_never_ended() -> None:
    situation = Situation(breaks=(Break("8001", "main", "break", NOON),))
    act = standing("end_breaks", {("8001 2026-11-23T04:00:00+00:00", "announce"): NOON}, reasons=("break",))
    assert orders(act, situation, NOON + timedelta(hours=1)) == ()


def test_each_caller_who_becomes_the_longest_waiting_is_raised_once() -> None:
    act = standing("raise_priority")
    (first,) = orders(
        act, Situation(longest_waiting={"hotline": Waiting("1.1", "east"), "other": Waiting("9.9", "main")}), NOON
    )
    assert first == Order("1.1", "raise_priority", {"call_ref": "1.1", "value": 90}, "east")
    raised = replace(act, ordered={("1.1", "raise_priority"): NOON})
    assert orders(raised, Situation(longest_waiting={"hotline": Waiting("1.1", "east")}), NOON) == ()
    assert [
        each.subject for each in orders(raised, Situation(longest_waiting={"hotline": Waiting("1.2", "main")}), NOON)
    ] == ["1.2"]
    assert orders(raised, Situation(), NOON) == ()


def test_a_warning_needs_no_telephony() -> None:
    for act in ("warn_wall", "tell_supervisor"):
        assert orders(standing(act), Situation(longest_waiting={"hotline": Waiting("1.1", "east")}), NOON) == ()
