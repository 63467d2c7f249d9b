"""Raw events in, calls out: what no recording shows, in plain app_queue events without our own."""

import random
from collections.abc import Iterable

import pytest

from telephony.ami.protocol import AmiMessage
from telephony.calls.derive import Rules
from telephony.calls.model import Call
from telephony.calls.reducer import Reducer
from tests.telephony.calls.stream import CHANNELS, CITIZEN, START, bridged, event, hangs_up, queued, rings


def reduce(events: Iterable[AmiMessage], rules: Rules | None = None) -> list[Call]:
    reducer = Reducer(rules)
    for message in events:
        reducer.apply(message)
    return reducer.calls()


def one(events: Iterable[AmiMessage], rules: Rules | None = None) -> Call:
    [call] = reduce(events, rules)
    return call


def test_an_answered_call() -> None:
    call = one([*queued(0), *rings(1, "8001"), *bridged(3, 10, "8001", "citizen"), *hangs_up(10)])
    assert call.to_json() == {
        "call_ref": CITIZEN,
        "caller": "13800001111",
        "queue": "hotline",
        "outcome": "answered",
        "via": "queue",
        "offered_at": "2026-11-23T10:33:20.000000+00:00",
        "answered_at": "2026-11-23T10:33:23.000000+00:00",
        "ended_at": "2026-11-23T10:33:30.000000+00:00",
        "wait_seconds": 3.0,
        "talk_seconds": 7.0,
        "agent": "8001",
        "node": "main",
        "dialled": None,
        "hold_seconds": 0.0,
        "hung_up_by": "citizen",
        "waits": [
            {
                "queue": "hotline",
                "joined_at": "2026-11-23T10:33:20.100000+00:00",
                "left_at": "2026-11-23T10:33:23.000000+00:00",
                "ended": "connected",
            }
        ],
        "offers": [
            {
                "agent": "8001",
                "rang_at": "2026-11-23T10:33:21.000000+00:00",
                "ended_at": "2026-11-23T10:33:23.000000+00:00",
                "result": "answered",
            }
        ],
        "segments": [
            {
                "agent": "8001",
                "started_at": "2026-11-23T10:33:23.000000+00:00",
                "ended_at": "2026-11-23T10:33:30.000000+00:00",
                "talk_seconds": 7.0,
                "began": "answered",
                "hold_seconds": 0.0,
                "recording_id": None,
                "recording_state": None,
            }
        ],
        "transcript_state": None,
        "ticket_id": None,
    }


def test_a_waiting_caller_is_in_progress_and_so_is_a_talking_one() -> None:
    waiting = one(queued(0))
    assert (waiting.outcome, waiting.wait_seconds, waiting.talk_seconds) == ("in_progress", None, None)
    talking = one([*queued(0), *bridged(3, 10, "8001", "citizen")[:2]])
    assert (talking.outcome, talking.wait_seconds, talking.talk_seconds) == ("in_progress", 3.0, None)
    assert talking.segments[0].ended_at is None


@pytest.mark.parametrize(
    ("waited", "outcome"), [(4.9, "short_abandoned"), (5.0, "short_abandoned"), (5.01, "abandoned"), (60, "abandoned")]
)
def test_a_caller_who_hangs_up_before_an_answer_abandons(waited: float, outcome: str) -> None:
    abandon = event("QueueCallerAbandon", waited, Queue="hotline")
    call = one([*queued(0), abandon, *hangs_up(waited)])
    assert (call.outcome, call.wait_seconds, call.talk_seconds, call.agent) == (outcome, waited, 0.0, None)


def test_the_short_threshold_is_a_rule() -> None:
    events = [*queued(0), *hangs_up(8)]
    assert one(events, Rules(short_abandon_seconds=10)).outcome == "short_abandoned"


def test_events_of_another_queue_change_nothing() -> None:
    reducer = Reducer(Rules(queues=frozenset({"hotline"})))
    join = event("QueueCallerJoin", 0.1, Queue="canteen")
    assert reducer.apply(event("Newchannel", 0)) == reducer.apply(join) == reducer.calls() == []
    assert len(reducer.apply(event("QueueCallerJoin", 0.2, Queue="hotline"))) == 1


@pytest.mark.parametrize(("uniqueid", "node"), [(f"north-1-{START}.7", "north-1"), (f"{START}.7", "main")])
def test_the_uniqueid_names_the_node(uniqueid: str, node: str) -> None:
    named = {"Uniqueid": uniqueid, "Linkedid": uniqueid, "Queue": "hotline"}
    assert one([event("Newchannel", 0, **named), event("QueueCallerJoin", 0.1, **named)]).node == node


def test_a_clock_that_is_put_back_stops_nothing() -> None:
    reducer = Reducer(grace_seconds=60)
    for message in [*queued(7200, "other"), *hangs_up(7205, "other", "other"), *queued(0)]:
        reducer.apply(message)
    for message in [*bridged(3, 10, "8001", "citizen"), *hangs_up(10)]:
        reducer.apply(message)
    assert [call.outcome for call in reducer.calls() if call.call_ref == CITIZEN] == ["answered"]


def test_late_news_of_a_call_that_is_about_to_be_forgotten_harms_nobody() -> None:
    reducer = Reducer(grace_seconds=60)
    for message in [*queued(0), *hangs_up(7)]:
        reducer.apply(message)
    late = event("BridgeEnter", 5000, BridgeUniqueid="b1", BridgeTechnology="simple_bridge")
    reducer.apply(late)
    assert reducer.calls() == []


@pytest.mark.parametrize("reason", ["timeout", "redirect", "withdrawal"])
def test_app_queues_abandon_alone_is_no_abandon(reason: str) -> None:
    left = [event("QueueCallerAbandon", 20, Queue="hotline"), event("QueueCallerLeave", 20, Queue="hotline")]
    assert one([*queued(0), *left]).outcome == "in_progress", reason
    assert one([*queued(0), *left, event("Hangup", 20.01)]).outcome == "failed", reason
    answered = one([*queued(0), *left, *bridged(25, 30, "8002", "citizen"), *hangs_up(30)])
    assert (answered.outcome, answered.via, answered.wait_seconds) == ("answered", "overflow", 25.0)


def test_a_caller_who_hangs_up_during_the_overflow_abandons() -> None:
    left = event("QueueCallerAbandon", 20, Queue="hotline")
    assert one([*queued(0), left, *hangs_up(27)]).outcome == "abandoned"


def test_ring_no_answer_and_a_second_agent_is_one_call() -> None:
    rung = [*rings(0.2, "8001"), event("Hangup", 15.2, "8001"), *rings(16, "8002")]
    call = one([*queued(0), *rung, *bridged(18, 40, "8002", "citizen"), *hangs_up(40)])
    assert (call.agent, call.wait_seconds, len(call.segments)) == ("8002", 18.0, 1)
    assert [(offer.agent, offer.result) for offer in call.offers] == [("8001", "missed"), ("8002", "answered")]


def test_an_agent_who_hangs_up_ends_an_answered_call() -> None:
    call = one([*queued(0), *bridged(3, 10, "8001", "citizen"), *hangs_up(10, "8001"), event("Hangup", 10.1)])
    assert call.outcome == "answered"


def test_a_blind_transfer_makes_two_segments() -> None:
    events = [
        *queued(0),
        *bridged(3, 10, "8001", "citizen"),
        event("Hangup", 10, "8001"),
        *bridged(15, 25, "8002", "citizen", bridge="b2"),
        *hangs_up(25),
    ]
    call = one(events)
    assert [(s.agent, s.talk_seconds) for s in call.segments] == [("8001", 7.0), ("8002", 10.0)]
    assert (call.agent, call.talk_seconds) == ("8001", 17.0)


def test_an_attended_transfer_counts_each_second_of_the_citizen_once() -> None:
    consult = bridged(8, 12, "8003", "8002", bridge="b2", call="8003")
    takes_over = bridged(11, 20, "8002", bridge="b1", call="8003")
    call = one([*queued(0), *bridged(3, 20, "citizen"), *bridged(3, 12, "8001"), *consult, *takes_over, *hangs_up(20)])
    assert [(s.agent, s.talk_seconds) for s in call.segments] == [("8001", 9.0), ("8002", 9.0)]
    assert call.talk_seconds == 17.0


def test_an_abandon_after_a_transfer_back_to_the_queue_stays_answered() -> None:
    again = event("QueueCallerJoin", 10.1, Queue="hotline")
    call = one([*queued(0), *bridged(3, 10, "8001", "citizen"), again, *hangs_up(40)])
    assert (call.outcome, call.talk_seconds) == ("answered", 7.0)


def test_a_sticky_agent_answers_without_the_queue() -> None:
    offered = event("UserEvent", 0.1, UserEvent="HotlineOffered", CallRef=CITIZEN, SipCallId="abc@127.0.0.2")
    call = one([event("Newchannel", 0), offered, *bridged(3, 10, "8001", "citizen"), *hangs_up(10)])
    assert (call.via, call.queue, call.sip_call_id) == ("sticky", "hotline", "abc@127.0.0.2")
    assert "sip_call_id" not in call.to_json()


def test_when_every_way_is_exhausted_the_call_failed() -> None:
    unanswered = event("UserEvent", 600, UserEvent="HotlineUnanswered", CallRef=CITIZEN)
    assert one([*queued(0), unanswered, *hangs_up(600.1)]).outcome == "failed"


def test_without_bridge_events_app_queues_own_words_count() -> None:
    named = {"DestUniqueid": CHANNELS["8001"][0], "DestChannel": CHANNELS["8001"][1]}
    events = [
        *queued(0),
        event("AgentConnect", 3, Queue="hotline", **named),
        event("AgentComplete", 10, Queue="hotline", Reason="caller", **named),
        *hangs_up(10.1),
    ]
    call = one(events)
    assert (call.agent, call.wait_seconds, call.talk_seconds, call.via) == ("8001", 3.0, 7.0, "queue")


def test_calls_between_agents_and_outgoing_calls_are_no_calls() -> None:
    talk = bridged(1, 5, "8001", "8002", call="8001")
    assert reduce([event("Newchannel", 0, "8001", "8001"), *talk, *hangs_up(5, "8001", "8001")]) == []


def test_two_citizens_in_one_bridge_are_not_each_others_agents() -> None:
    both = bridged(3, 10, "citizen", "other", "8001")
    calls = reduce([*queued(0), *queued(0.5, "other"), *both])
    assert [[s.agent for s in call.segments] for call in calls] == [["8001"], ["8001"]]


def test_waiting_in_a_holding_bridge_is_not_talking() -> None:
    waits = [event("BridgeEnter", 3, c, BridgeUniqueid="h", BridgeTechnology="holding_bridge") for c in CHANNELS]
    assert one([*queued(0), *waits]).segments == ()


def test_a_call_whose_beginning_was_missed_starts_in_the_second_of_its_uniqueid() -> None:
    call = one([*bridged(3.5, 10, "8001", "citizen"), event("QueueCallerLeave", 3.4, Queue="hotline"), *hangs_up(10)])
    assert (call.wait_seconds, call.outcome) == (3.5, "answered")


def test_a_talk_whose_beginning_was_missed_is_not_an_abandon() -> None:
    left = bridged(3, 10, "8001", "citizen")[2:]
    call = one(
        [event("QueueMemberStatus", 9), *left, event("UserEvent", 9, UserEvent="HotlineUnanswered"), *hangs_up(10)]
    )
    assert (call.outcome, call.agent) == ("answered", "8001")


def test_callref_is_the_key_even_when_linkedid_has_changed() -> None:
    moved = event("QueueCallerJoin", 1, call="8003", Queue="hotline", ChanVariable=f"CALLREF={CITIZEN}")
    assert one([event("Newchannel", 0), moved]).call_ref == CITIZEN


@pytest.mark.parametrize("number", ["", "<unknown>", "anonymous"])
def test_an_unknown_caller_is_none(number: str) -> None:
    [newchannel, join] = queued(0)
    events = [AmiMessage("event", e.name, {**e.headers, "CallerIDNum": number}) for e in (newchannel, join)]
    assert one(events).caller is None


def test_a_hostile_number_is_cut_and_cleaned() -> None:
    [newchannel, join] = queued(0)
    number = "1\x00\r\n\u2028" + "<b>'" * 2000
    call = one([AmiMessage("event", e.name, {**e.headers, "CallerIDNum": number}) for e in (newchannel, join)])
    assert call.caller is not None
    assert call.caller.startswith("1<b>'")
    assert len(call.caller) == 64


@pytest.mark.parametrize(
    "timestamp",
    ["", "soon", "-1.000000", "1.5", "1e9.000000", "99999999999999.000000", "٣.000000"],
)
def test_an_event_without_a_time_changes_nothing(timestamp: str) -> None:
    reducer = Reducer()
    assert reducer.apply(event("QueueCallerJoin", 0, Queue="hotline", Timestamp=timestamp)) == []
    assert reducer.calls() == []


def test_only_changes_are_told_and_repetition_is_none() -> None:
    reducer = Reducer()
    events = [*queued(0), *bridged(3, 10, "8001", "citizen"), *hangs_up(10)]
    told = [len(reducer.apply(message)) for message in events]
    assert told == [0, 1, 0, 1, 1, 0, 0, 1]
    assert [reducer.apply(message) for message in events] == [[]] * len(events)
    assert reducer.apply(event("NoSuchEvent", 3)) == []


def test_what_asterisk_no_longer_has_is_ended_with_the_last_event_seen() -> None:
    reducer = Reducer()
    for message in [*queued(0), *queued(5, "other"), *bridged(8, 99, "8001", "citizen")[:2]]:
        reducer.apply(message)
    lost = reducer.end_lost(alive={CHANNELS["other"][0]})
    assert [(call.call_ref, call.outcome, call.talk_seconds) for call in lost] == [(CITIZEN, "answered", 0.0)]
    assert [call.call_ref for call in reducer.in_progress()] == [CHANNELS["other"][0]]
    assert reducer.end_lost(alive={CHANNELS["other"][0]}) == []
    # What Asterisk's records still tell of the end is believed instead.
    reducer.apply(event("Hangup", 20))
    [found] = reducer.apply(event("Hangup", 20, "8001"))
    assert found.talk_seconds == 12.0


def test_it_forgets_finished_calls_and_keeps_those_in_progress() -> None:
    reducer = Reducer(grace_seconds=60)
    for message in [*queued(0), *bridged(3, 10, "8001", "citizen"), *hangs_up(10), event("Hangup", 10, "8001")]:
        reducer.apply(message)
    reducer.apply(event("QueueCallerJoin", 30, "other", "other", Queue="hotline"))
    reducer.apply(event("QueueMemberStatus", 200, "8003", "8003"))
    assert [call.call_ref for call in reducer.calls()] == [CHANNELS["other"][0]]
    # An event of a forgotten call that is repeated must not bring half of it back.
    assert reducer.apply(event("QueueCallerJoin", 0.1, Queue="hotline")) == []
    assert len(reducer.calls()) == 1


def test_a_first_agents_part_is_kept_while_the_call_goes_on() -> None:
    reducer = Reducer(grace_seconds=60)
    first = [*queued(0), *bridged(3, 10, "8001", "citizen"), event("Hangup", 10, "8001")]
    second = [*bridged(12, 900, "8002", "citizen", bridge="b2"), *hangs_up(900)]
    for message in [*first, *second[:2], event("QueueMemberStatus", 500, "8003", "8003"), *second[2:]]:
        reducer.apply(message)
    [call] = reducer.calls()
    assert [s.agent for s in call.segments] == ["8001", "8002"]


def test_memory_is_bounded_over_many_calls() -> None:
    reducer = Reducer(grace_seconds=60)
    for number in range(3000):
        uniqueid = f"{START + number * 10}.9{number}"
        for name, seconds in (("Newchannel", 0.0), ("QueueCallerJoin", 0.1), ("HangupRequest", 7.0), ("Hangup", 7.0)):
            named = {"Uniqueid": uniqueid, "Linkedid": uniqueid, "Queue": "hotline"}
            reducer.apply(event(name, number * 10 + seconds, **named))
    assert len(reducer.calls()) < 20


def test_mutated_events_never_throw() -> None:
    dice = random.Random(11)  # noqa: S311
    original = [*queued(0), *bridged(3, 10, "8001", "citizen"), *hangs_up(10)]
    values = ["", "0", "\x00", "x" * 300, "PJSIP/", "CALLREF=", CITIZEN, "1e400", "-5", "\ud83d", "١٢٣"]
    reducer = Reducer(grace_seconds=5)
    for _ in range(20_000):
        message = dice.choice(original)
        headers: dict[str, str | list[str]] = dict(message.headers)
        for _ in range(dice.randint(1, 3)):
            key = dice.choice([*headers, "ChanVariable", "DestUniqueid", "BridgeUniqueid", "CallRef", "UserEvent"])
            value = dice.choice(values)
            headers[key] = [value, dice.choice(values)] if dice.random() < 0.2 else value
        for call in reducer.apply(AmiMessage("event", message.name, headers)):
            call.to_json()


def via(seconds: float, way: str, desk: str = "") -> AmiMessage:
    """The dialplan's word for a way that is tried."""
    return event("UserEvent", seconds, UserEvent="HotlineVia", CallRef=CITIZEN, Via=way, Desk=desk)


def test_who_is_led_to_another_desk_waits_there_and_is_the_own_desks_call() -> None:
    led = [
        event("Newchannel", 0),
        via(0.1, "overflow", "hotline"),
        event("QueueCallerJoin", 0.2, Queue="enterprise"),
        *rings(1, "8001"),
    ]
    served = [*led, *bridged(3, 10, "8001", "citizen"), *hangs_up(10)]
    call = one(served)
    assert (call.outcome, call.via, call.queue, len(call.segments)) == ("answered", "overflow", "hotline", 1)
    assert [(wait.queue, wait.ended) for wait in call.waits] == [("enterprise", "connected")]
    shuffled = served[:]
    random.Random(7).shuffle(shuffled)  # noqa: S311 - an order, no secret
    assert one([*shuffled, *served]) == call
    gone = one([*led, event("QueueCallerAbandon", 20, Queue="enterprise"), *hangs_up(20)])
    assert (gone.outcome, gone.queue) == ("abandoned", "hotline")
    assert [(wait.queue, wait.ended) for wait in gone.waits] == [("enterprise", "abandoned")]


def test_whom_nobody_at_the_other_desk_answers_did_not_abandon_it() -> None:
    call = one(
        [
            event("Newchannel", 0),
            via(0.1, "overflow", "hotline"),
            event("QueueCallerJoin", 0.2, Queue="enterprise"),
            event("QueueCallerAbandon", 20, Queue="enterprise"),
            event("QueueCallerLeave", 20, Queue="enterprise"),
            event("UserEvent", 20, UserEvent="HotlineLeft", CallRef=CITIZEN, Status="TIMEOUT"),
            via(20.1, "queue"),
            event("QueueCallerJoin", 20.2, Queue="hotline"),
            *rings(21, "8001"),
            *bridged(23, 30, "8001", "citizen"),
            *hangs_up(30),
        ]
    )
    assert (call.outcome, call.via, call.queue, call.wait_seconds) == ("answered", "queue", "hotline", 23.0)
    assert [(w.queue, w.ended) for w in call.waits] == [("enterprise", "timed_out"), ("hotline", "connected")]
