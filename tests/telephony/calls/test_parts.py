"""Waits, ringing phones, holds, transfers and who hung up: raw events in, what the call says of them out."""

import pytest

from telephony.ami.protocol import AmiMessage
from telephony.calls.facts import MOST_FACTS, Channel, Fact, Kind, Source
from tests.telephony.calls.stream import CHANNELS, CITIZEN, START, bridged, event, hangs_up, queued, rings
from tests.telephony.calls.test_reducer import one, reduce


def our_event(seconds: float, name: str, **more: str) -> AmiMessage:
    return event("UserEvent", seconds, UserEvent=name, CallRef=CITIZEN, **more)


@pytest.mark.parametrize(
    ("status", "ended"),
    [("TIMEOUT", "timed_out"), ("WITHDRAW", "withdrawn"), ("LEAVEEMPTY", "unknown"), ("", "unknown")],
)
def test_the_dialplan_tells_why_a_caller_left_the_queue(status: str, ended: str) -> None:
    left = [event(name, 20, Queue="hotline") for name in ("QueueCallerAbandon", "QueueCallerLeave")]
    call = one([*queued(0), *left, our_event(20.001, "HotlineLeft", Status=status), *hangs_up(27)])
    assert [wait.ended for wait in call.waits] == [ended]
    assert call.outcome == "abandoned"


def test_who_leaves_the_queue_with_no_word_of_the_dialplan_was_taken_elsewhere() -> None:
    offered = our_event(0, "HotlineOffered", SipCallId="a@b")
    left = [event(name, 20, Queue="hotline") for name in ("QueueCallerAbandon", "QueueCallerLeave")]
    elsewhere = [*rings(20.1, "8002"), *bridged(22, 30, "8002", "citizen"), *hangs_up(30)]
    assert one([*queued(0), offered, *left, *elsewhere]).waits[0].ended == "redirected"
    # Another dialplan would not have told: nobody can say.
    assert one([*queued(0), *left, *elsewhere]).waits[0].ended == "unknown"
    # Not yet known while nothing else has happened.
    assert one([*queued(0), offered, *left]).waits[0].ended is None


def test_only_the_callers_own_hangup_is_an_abandoned_wait() -> None:
    left = [event(name, 20, Queue="hotline") for name in ("QueueCallerAbandon", "QueueCallerLeave")]
    assert one([*queued(0), *left, *hangs_up(20.1)]).waits[0].ended == "abandoned"
    assert one([*queued(0), *left, event("Hangup", 20.1)]).waits[0].ended == "unknown"
    assert one(queued(0)).waits[0].ended is None


def test_a_caller_who_changes_the_desk_waits_twice_and_belongs_to_the_first() -> None:
    moved = [event("QueueCallerLeave", 20, Queue="hotline"), event("QueueCallerJoin", 20.01, Queue="dialect")]
    call = one([*queued(0), *moved, *rings(21, "8001"), *bridged(22, 30, "8001", "citizen"), *hangs_up(30)])
    assert [(wait.queue, wait.ended) for wait in call.waits] == [("hotline", "unknown"), ("dialect", "connected")]
    assert call.queue == "hotline"


@pytest.mark.parametrize(
    ("events", "side"),
    [
        (hangs_up(10), "citizen"),
        ([event("HangupRequest", 10, "8001"), event("Hangup", 10), event("Hangup", 10, "8001")], "agent"),
        ([event("HangupRequest", 10), event("HangupRequest", 10.001, "8001"), event("Hangup", 10.002)], "citizen"),
        ([event("Hangup", 10), event("Hangup", 10, "8001")], "system"),
        ([], None),
    ],
)
def test_whoever_asks_first_hangs_up(events: list[AmiMessage], side: str | None) -> None:
    assert one([*queued(0), *bridged(3, 10, "8001", "citizen"), *events]).hung_up_by == side


def test_an_agent_who_left_earlier_did_not_end_the_call() -> None:
    first = [*bridged(3, 10, "8001", "citizen"), event("HangupRequest", 10, "8001"), event("Hangup", 10, "8001")]
    second = bridged(12, 20, "8002", "citizen", bridge="b2")
    assert one([*queued(0), *first, *second, *hangs_up(20)]).hung_up_by == "citizen"


def test_holding_counts_what_the_citizen_waited_within_the_talk() -> None:
    holds = [event("Hold", 4, "8001"), event("Unhold", 6, "8001"), event("Unhold", 7, "8001"), event("Hold", 9, "8001")]
    call = one([*queued(0), *bridged(3, 10, "8001", "citizen"), *holds, *hangs_up(10), event("Hangup", 10, "8001")])
    assert (call.hold_seconds, call.segments[0].hold_seconds, call.talk_seconds) == (3.0, 3.0, 7.0)


def test_music_that_the_citizen_hears_in_a_talk_is_holding_too_and_counts_once() -> None:
    music = [
        event("MusicOnHoldStart", 1),
        event("MusicOnHoldStop", 5),
        event("Hold", 4, "8001"),
        event("Unhold", 5, "8001"),
    ]
    call = one([*queued(0), *bridged(3, 10, "8001", "citizen"), *music, *hangs_up(10)])
    assert call.hold_seconds == 2.0
    own = [event("Hold", 4), event("Unhold", 5)]
    assert one([*queued(0), *bridged(3, 10, "8001", "citizen"), *own, *hangs_up(10)]).hold_seconds == 0.0


def test_a_third_party_is_a_conference_and_a_transfer_is_not() -> None:
    alone = [*queued(0), *bridged(3, 20, "citizen"), *hangs_up(20)]
    third = [*bridged(3, 15, "8001"), *bridged(10, 20, "8002")]
    assert [s.began for s in one([*alone, *third]).segments] == ["answered", "conference"]
    second = bridged(12, 18, "8003")
    assert [s.began for s in one([*alone, *third, *second]).segments] == ["answered", "conference", "conference"]
    sent = AmiMessage(
        "event",
        "BlindTransfer",
        {"Timestamp": f"{START + 10}.000000", "TransfererUniqueid": CHANNELS["8001"][0], "Result": "Success"},
    )
    moved = [*queued(0), *bridged(3, 10, "8001", "citizen"), sent, *bridged(14, 20, "8002", "citizen", bridge="b2")]
    assert [s.began for s in one([*moved, *hangs_up(20)]).segments] == ["answered", "blind_transfer"]
    back = event("QueueCallerJoin", 10.1, Queue="hotline")
    assert [s.began for s in one([*moved, back, *hangs_up(20)]).segments] == ["answered", "answered"]
    failed = AmiMessage("event", "BlindTransfer", {**sent.headers, "Result": "Fail"})
    assert reduce([failed]) == []


@pytest.mark.parametrize("step", [1, -1, 7], ids=["as they happened", "backwards", "mixed"])
def test_of_more_facts_than_any_call_has_the_earliest_are_kept_in_whatever_order_they_come(step: int) -> None:
    channel, count = Channel(CITIZEN), 2 * MOST_FACTS + 1
    for number in range(count):
        at = number * step % count
        channel.note(Fact(CITIZEN, Kind.QUEUED, at, f"queue {at % 3}"), Source.AMI)
    assert channel.moments(Kind.QUEUED) == list(range(MOST_FACTS))
    assert channel.first(Kind.QUEUED) == 0
