"""What events tell of a call that an agent placed, and what came of it."""

from datetime import timedelta
from itertools import permutations

import pytest

from telephony.ami.protocol import AmiMessage
from telephony.calls.facts import time_of
from telephony.calls.outward import Ending, OutwardCall, came_of, outward
from tests.telephony.calls.stream import START

REF = f"{START}.000001"
RECORDING = f"{REF}--8001--{START}000001"
BEGAN = time_of(START * 1_000_000)


def event(name: str, seconds: float, **more: str) -> AmiMessage:
    headers = {"Timestamp": f"{START + int(seconds)}.000000", "Uniqueid": f"dial-{REF}", **more}
    return AmiMessage("event", name, headers)


def dialled(seconds: float = 0) -> AmiMessage:
    return event("UserEvent", seconds, UserEvent="HotlineDialled", DialRef=REF, Agent="8001", Recording=RECORDING)


def is_over(seconds: float, status: str, cause: str = "", talked: str = "") -> AmiMessage:
    known = {"DialRef": REF, "Agent": "8001", "Recording": RECORDING}
    return event("UserEvent", seconds, UserEvent="HotlineDialOver", Status=status, Cause=cause, TalkMs=talked, **known)


def known(*messages: AmiMessage) -> OutwardCall:
    call = OutwardCall(REF)
    for message in messages:
        for told in outward(message):
            call = told.after(call)
    return call


@pytest.mark.parametrize(
    ("status", "cause", "seconds", "result"),
    [
        ("ANSWER", "16", 30, "reached"),
        ("BUSY", "17", 5, "busy"),
        ("NOANSWER", "", 30, "no_answer"),
        ("CHANUNAVAIL", "1", 2, "wrong_number"),
        ("CHANUNAVAIL", "20", 2, "unreachable"),
        ("CONGESTION", "21", 2, "no_answer"),
        ("CONGESTION", "34", 2, "failed"),
        ("CHANUNAVAIL", "", 2, "failed"),
        ("INVALIDARGS", "", 0, "failed"),
        ("CANCEL", "", 20, "no_answer"),
        ("CANCEL", "", 4, "cancelled"),
        ("", "", 0, "cancelled"),
    ],
)
def test_only_who_answered_is_reached(status: str, cause: str, seconds: float, result: Ending) -> None:
    assert came_of(known(dialled(), is_over(seconds, status, cause), event("Hangup", seconds))) == result


def test_it_is_not_over_before_its_end() -> None:
    assert came_of(known(dialled())) is None
    assert came_of(OutwardCall(REF)) is None


def test_an_agent_who_never_picked_up_and_an_asterisk_that_died_reached_nobody() -> None:
    assert came_of(known(event("Hangup", 30))) == "agent_absent"
    assert came_of(known(dialled(), event("Hangup", 30))) == "failed"


def test_order_and_repetition_do_not_matter_and_the_end_alone_tells_enough() -> None:
    said = [dialled(), is_over(20, "ANSWER", "16", "15250"), event("Hangup", 20)]
    expected = known(*said)
    assert (expected.talk_seconds, expected.agent, expected.recording_id) == (15.25, "8001", RECORDING)
    assert (expected.picked_up_at, expected.ended_at) == (BEGAN, BEGAN + timedelta(seconds=20))
    for order in permutations(said):
        assert known(*order, *order) == expected
    alone = known(said[1])
    assert (came_of(alone), alone.recording_id, alone.talk_seconds) == ("reached", RECORDING, 15.25)


@pytest.mark.parametrize(
    "message",
    [
        event("Hangup", 1, Uniqueid="1795430000.1"),
        event("Hangup", 1, Uniqueid="dial-x"),
        event("UserEvent", 1, UserEvent="HotlineDialOver", DialRef="../../etc/passwd"),
        event("UserEvent", 1, UserEvent="HotlineOffered", DialRef=REF),
        event("UserEvent", 1, Timestamp="", UserEvent="HotlineDialled", DialRef=REF),
        event("DialBegin", 1),
    ],
)
def test_what_is_no_word_about_such_a_call_says_nothing(message: AmiMessage) -> None:
    assert outward(message) == ()


def test_what_stands_in_a_word_is_checked() -> None:
    odd = event(
        "UserEvent",
        1,
        UserEvent="HotlineDialOver",
        DialRef=REF,
        Recording="../x",
        Cause="-1",
        TalkMs="1e9",
        Status="x" * 99,
    )
    (told,) = outward(odd)
    assert (told.recording_id, told.cause, told.talk_seconds, told.status) == (None, None, None, "x" * 20)
