"""What the simulated Asterisk tells is what the recorded one told: the same events, headers, order."""

from collections.abc import Iterator, Mapping
from itertools import pairwise

import pytest

from telephony.ami.protocol import AmiMessage, Framer, parse
from telephony.calls.reducer import Reducer
from telephony.simulation.plan import Cue
from telephony.simulation.render import Renderer, Rights
from telephony.simulation.score import SCORES, headers_in_order, load
from tests.fixtures.ami import learn

ROUTER = Rights(frozenset({"system", "call", "agent", "user"}))
NAMES = {
    "ref": "1795500000.1",
    "caller": "13911112222",
    "sip": "abc@127.0.0.2",
    "channel": "PJSIP/citizen-00000001",
    "login": "1795400000",
    "hold": "3",
    "ring": "2",
    "rang_ms": "2000",
    "talk": "60",
    "waited": "5",
    "reason": "lunch",
    **{f"agent{n}": f"800{n}" for n in (1, 2, 3)},
    **{f"uniqueid{n}": f"1795500000.{n + 1}" for n in (1, 2, 3)},
    **{f"channel{n}": f"PJSIP/800{n}-0000000{n + 1}" for n in (1, 2, 3)},
    **{f"recording{n}": f"1795500000.1--800{n}--1795500001000000" for n in (1, 2, 3)},
    **{f"bridge{n}": f"00000000-0000-0000-0000-00000000000{n}" for n in (1, 2, 3)},
}


def told(name: str, names: Mapping[str, str] = NAMES, rights: Rights = ROUTER) -> list[AmiMessage]:
    """Play a whole score, its steps ten seconds apart."""
    renderer = Renderer(rights)
    cues = [Cue(1_795_500_000_000_000 + 10_000_000 * n, name, step, names) for n, step in enumerate(load(name).steps)]
    return [event for cue in cues for event in parsed(renderer.events(cue))]


def parsed(stream: bytes) -> Iterator[AmiMessage]:
    for block in Framer().feed(stream):
        assert isinstance(block, bytes)
        for message in parse(block):
            assert isinstance(message, AmiMessage)
            yield message


@pytest.mark.parametrize("name", sorted(learn.STEPS))
def test_a_simulated_call_has_the_events_and_headers_of_the_recorded_one_in_its_order(name: str) -> None:
    _, steps = learn.steps_of(name)
    recorded = [headers_in_order(event) for step in steps for event in step.events]
    assert [headers_in_order(event) for event in told(name)] == recorded


def test_nothing_of_the_recorded_call_but_other_peoples_business_is_left_out() -> None:
    _, steps = learn.steps_of("answered_by_queue")
    assert sum(len(step.events) for step in steps) == len(learn.events_of(learn.HERE / "answered_by_queue.ami"))


def test_the_shipped_scores_are_those_that_the_captures_give() -> None:
    shipped = {path.stem: path.read_text(encoding="utf-8") for path in SCORES.glob("*.score")}
    assert shipped == learn.scores(), "captures were made anew: run python tests/fixtures/ami/learn.py"


@pytest.mark.parametrize(
    ("name", "outcome", "via", "agents"),
    [
        ("answered_by_queue", "answered", "queue", ["8001"]),
        ("agent_hangs_up", "answered", "queue", ["8001"]),
        ("abandoned_after_8s", "abandoned", "queue", []),
        ("ring_no_answer_then_second", "answered", "queue", ["8002"]),
        ("blind_transfer", "answered", "queue", ["8001", "8002"]),
        ("attended_transfer", "answered", "queue", ["8001", "8002"]),
        ("sticky", "answered", "sticky", ["8001"]),
        ("overflow_all_paused", "answered", "overflow", ["8001"]),
        ("nobody_at_all", "failed", "queue", []),
    ],
)
def test_the_reducer_makes_of_it_what_it_makes_of_the_recorded_call(
    name: str, outcome: str, via: str, agents: list[str]
) -> None:
    reducer = Reducer()
    for event in told(name):
        reducer.apply(event)
    [call] = reducer.calls()
    assert (call.outcome, call.via, [segment.agent for segment in call.segments]) == (outcome, via, agents)
    assert (call.caller, call.sip_call_id) == ("13911112222", "abc@127.0.0.2")


def test_an_account_hears_its_classes_and_not_what_it_filters() -> None:
    heard = told("answered_by_queue", rights=Rights(frozenset({"agent"})))
    assert {event.name for event in heard} == {
        *("QueueCallerJoin", "AgentCalled", "QueueMemberStatus", "QueueCallerLeave", "AgentConnect", "AgentComplete")
    }
    filtered = told("answered_by_queue", rights=Rights(ROUTER.classes, frozenset({"DeviceStateChange"})))
    assert "DeviceStateChange" not in {event.name for event in filtered}
    assert len(filtered) == len(told("answered_by_queue")) - 8


def test_a_steps_moments_are_in_order() -> None:
    for path in SCORES.glob("*.score"):
        for step in load(path.stem).steps.values():
            assert all(one.after <= other.after for one, other in pairwise(step.told)), (path.stem, step.title)
