"""The plan: known beforehand, the same for the same seed, and true for whoever reads Asterisk's words or records."""

from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from telephony.ami.protocol import AmiMessage, Framer, parse
from telephony.calls.facts import Source
from telephony.calls.reducer import Reducer
from telephony.records.cel import translate
from telephony.simulation.demand import BUSIEST_HOUR, HOUR, calls_by_hour, day, rush
from telephony.simulation.floor import Habits
from telephony.simulation.plan import Plan, make_plan
from telephony.simulation.render import Renderer, Rights
from telephony.simulation.verdict import judge

MIDNIGHT = 1_795_536_000_000_000
RIGHTS = Rights(frozenset({"system", "call", "agent", "user"}))
# Everything that can happen to a call happens in a few hundred.
LIVELY = Habits(
    missed_share=0.1, sticky_share=0.1, transfer_share=0.1, consult_share=0.1, talk_seconds=120, patience_seconds=90
)
FOREVER_SECONDS = 1e9


@pytest.fixture(scope="module")
def lively() -> Plan:
    return make_plan(rush(400, 1.9, MIDNIGHT, seed=3), agents=60, seed=3, habits=LIVELY)


def test_a_day_has_the_citys_calls_and_the_storm_its_factor() -> None:
    counts = calls_by_hour(14_000, 1.9)
    assert counts[BUSIEST_HOUR] == 2_660
    assert sum(counts) == 14_000 + 1_260
    arrivals = day(14_000, 1.9, MIDNIGHT, seed=1)
    assert Counter((at - MIDNIGHT) // HOUR for at in arrivals) == dict(enumerate(counts))
    assert arrivals == sorted(arrivals)


def test_a_rush_is_as_dense_as_the_busiest_hour() -> None:
    arrivals = rush(1_330, 1.9, MIDNIGHT, seed=1)
    assert len(arrivals) == 1_330
    assert (arrivals[-1] - arrivals[0]) / HOUR == pytest.approx(0.5, rel=0.02)


def test_the_same_seed_gives_the_same_plan_and_another_one_another() -> None:
    arrivals = rush(50, 1.9, MIDNIGHT, seed=1)
    assert make_plan(arrivals, 20, seed=1) == make_plan(arrivals, 20, seed=1)
    assert make_plan(arrivals, 20, seed=1) != make_plan(arrivals, 20, seed=2)


def test_everything_that_happens_at_a_hotline_happens(lively: Plan) -> None:
    calls = lively.calls
    assert Counter(call.outcome for call in calls).keys() == {"answered", "abandoned", "short_abandoned"}
    assert Counter(call.via for call in calls).keys() == {"queue", "sticky", "overflow"}
    assert any(len(call.segments) == 2 for call in calls)
    steps = {(cue.score, cue.step) for cue in lively.cues}
    assert ("nobody_at_all", "again") in steps
    assert ("attended_transfer", "connected") in steps
    assert ("ring_no_answer_then_second", "missed") in steps


def test_no_agent_is_in_two_calls_at_once(lively: Plan) -> None:
    spells = [
        (segment.agent, segment.started_at, segment.ended_at) for call in lively.calls for segment in call.segments
    ]
    for (agent, _, ended), (other, started, _) in pairwise(sorted(spells)):
        assert agent != other or (ended is not None and ended < started)


def test_the_events_make_the_planned_calls_to_the_microsecond(lively: Plan) -> None:
    renderer, framer, reducer = Renderer(RIGHTS), Framer(), Reducer(grace_seconds=FOREVER_SECONDS)
    for cue in lively.cues:
        for block in framer.feed(renderer.events(cue)):
            assert isinstance(block, bytes)
            for message in parse(block):
                assert isinstance(message, AmiMessage)
                reducer.apply(message)
    verdict = judge(lively.calls, reducer.calls(), 0.0)
    assert verdict.faultless, verdict
    assert verdict.equal == 400


def test_the_records_make_them_too_within_the_tolerance_of_records(lively: Plan) -> None:
    renderer, reducer = Renderer(RIGHTS), Reducer(grace_seconds=FOREVER_SECONDS)
    for cue in lively.cues:
        for row in renderer.records(cue)[0].splitlines():
            for message in translate(row.encode()):
                reducer.apply(message, Source.CEL)
    verdict = judge(lively.calls, reducer.calls(), 0.05)
    assert verdict.faultless, verdict


def test_the_queues_log_tells_of_every_call_that_queued(lively: Plan) -> None:
    renderer = Renderer(RIGHTS)
    lines = [line.split("|") for cue in lively.cues for line in renderer.records(cue)[1].splitlines()]
    entered = {call for _, call, _, _, verb, *_ in lines if verb == "ENTERQUEUE"}
    assert entered == {call.call_ref for call in lively.calls if call.via != "sticky"}
    abandoned = {call for _, call, _, _, verb, *_ in lines if verb == "ABANDON"}
    assert abandoned == {call.call_ref for call in lively.calls if call.outcome in {"abandoned", "short_abandoned"}}
    connected = Counter(verb for _, _, _, _, verb, *_ in lines)["CONNECT"]
    assert connected == sum(call.via == "queue" and call.outcome == "answered" for call in lively.calls)


def test_the_verdict_names_what_is_lost_invented_and_different(lively: Plan) -> None:
    first, second, third, *rest = lively.calls
    doubled = replace(third, call_ref="1.1")
    verdict = judge(lively.calls, [replace(second, outcome="failed"), third, doubled, *rest], 0.0)
    assert (verdict.lost, verdict.invented) == ((first.call_ref,), ("1.1",))
    assert verdict.differing == {second.call_ref: ["outcome"]}
    assert not verdict.faultless
    assert verdict.equal == 398
