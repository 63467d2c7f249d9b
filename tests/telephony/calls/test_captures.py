"""Captures of a real Asterisk 22 in, calls out, as a table."""

import pytest

from telephony.ami.protocol import AmiMessage, Malformed
from telephony.calls.model import Call
from telephony.calls.replay import read_capture, replay, replay_fully
from tests.telephony.calls.captures import FOLDER, NAMES, messages, reduced

# How far a recorded duration may lie from the rounded one in the table: ringing and hanging up take their time.
NEAR_SECONDS = 0.35
Row = tuple[str, str, float, list[tuple[str, float]]]
ANSWERED_AT_ONCE: Row = ("answered", "queue", 0.1, [("8001", 0.5)])

# capture → (outcome, via, wait seconds, [(agent, talk seconds)]) of each call
TABLE: dict[str, list[Row]] = {
    "answered_by_queue": [("answered", "queue", 1.0, [("8001", 4.2)])],
    "agent_hangs_up": [("answered", "queue", 1.0, [("8001", 2.0)])],
    "sticky": [("answered", "sticky", 1.0, [("8002", 4.2)])],
    "sticky_no_answer_then_queue": [("answered", "queue", 9.0, [("8001", 4.2)])],
    "abandoned_after_8s": [("abandoned", "queue", 8.1, [])],
    "short_abandoned_after_3s": [("short_abandoned", "queue", 3.1, [])],
    "ring_no_answer_then_second": [("answered", "queue", 6.0, [("8002", 4.2)])],
    "blind_transfer": [("answered", "queue", 1.0, [("8001", 2.5), ("8002", 5.7)])],
    "attended_transfer": [("answered", "queue", 1.0, [("8001", 4.5), ("8002", 7.7)])],
    "two_concurrent": [
        ("answered", "queue", 1.0, [("8002", 4.2)]),
        ("answered", "queue", 1.0, [("8001", 5.2)]),
    ],
    # QueueCallerAbandon fires in the next three: nobody abandoned.
    "redirected_while_waiting": [("answered", "queue", 3.0, [("8002", 4.2)])],
    "withdrawn_while_waiting": [("answered", "overflow", 6.0, [("8002", 4.2)])],
    "queue_timeout_then_overflow": [("answered", "overflow", 10.5, [("8001", 4.2)])],
    "overflow_all_paused": [("answered", "overflow", 4.0, [("8001", 4.2)])],
    "nobody_at_all": [("failed", "queue", 9.0, [])],
    "hostile_names": [ANSWERED_AT_ONCE] * 11,
    "hold_and_resync": [("answered", "queue", 1.0, [("8001", 7.2)])],
    "conference": [("answered", "queue", 1.0, [("8001", 5.0), ("8002", 6.0)])],
    "missed_then_unpaused": [("abandoned", "queue", 8.0, [])],
    "wrap_up": [("answered", "queue", 1.0, [("8001", 2.2)])] * 2,
    "pauses_with_reasons": [],
    "phone_lost_and_back": [],
}

# capture → ([(how a wait ended, after seconds)], [(agent, what became of the ringing)], who hung up) of its first call
PARTS: dict[str, tuple[list[tuple[str, float]], list[tuple[str, str]], str]] = {
    "answered_by_queue": ([("connected", 1.0)], [("8001", "answered")], "citizen"),
    "agent_hangs_up": ([("connected", 1.0)], [("8001", "answered")], "agent"),
    "sticky": ([], [("8002", "answered")], "citizen"),
    "sticky_no_answer_then_queue": (
        [("connected", 6.0)],
        [("8002", "missed"), ("8002", "missed"), ("8001", "answered")],
        "citizen",
    ),
    "abandoned_after_8s": ([("abandoned", 8.1)], [("8001", "missed")], "citizen"),
    "short_abandoned_after_3s": ([("abandoned", 3.1)], [("8001", "cancelled")], "citizen"),
    "ring_no_answer_then_second": ([("connected", 6.0)], [("8001", "missed"), ("8002", "answered")], "citizen"),
    "blind_transfer": ([("connected", 1.0)], [("8001", "answered"), ("8002", "answered")], "citizen"),
    "attended_transfer": ([("connected", 1.0)], [("8001", "answered"), ("8002", "answered")], "citizen"),
    "two_concurrent": ([("connected", 1.0)], [("8002", "answered")], "citizen"),
    "redirected_while_waiting": ([("redirected", 2.0)], [("8001", "cancelled"), ("8002", "answered")], "citizen"),
    "withdrawn_while_waiting": (
        [("withdrawn", 5.0)],
        [("8001", "missed"), ("8001", "cancelled"), ("8002", "answered")],
        "citizen",
    ),
    "queue_timeout_then_overflow": ([("timed_out", 5.0)], [("8001", "missed"), ("8001", "answered")], "citizen"),
    "overflow_all_paused": ([("timed_out", 3.0)], [("8001", "answered"), ("8002", "cancelled")], "citizen"),
    "nobody_at_all": ([("timed_out", 3.0)] * 3, [], "system"),
    "hostile_names": ([("connected", 0.1)], [("8001", "answered")], "citizen"),
    "hold_and_resync": ([("connected", 1.0)], [("8001", "answered")], "citizen"),
    # The unit was rung by an order, not for the citizen.
    "conference": ([("connected", 1.0)], [("8001", "answered")], "agent"),
    "missed_then_unpaused": ([("abandoned", 8.0)], [("8001", "missed"), ("8001", "cancelled")], "citizen"),
    "wrap_up": ([("connected", 1.0)], [("8001", "answered")], "citizen"),
}


def test_every_capture_stands_in_the_table() -> None:
    assert sorted(TABLE) == NAMES


@pytest.mark.parametrize("name", TABLE)
def test_a_capture_gives_its_calls(name: str) -> None:
    result = replay_fully(FOLDER / f"{name}.ami")
    assert result.warnings == ()
    assert len(result.calls) == len(TABLE[name])
    for call, (outcome, via, wait_seconds, talks) in zip(result.calls, TABLE[name], strict=True):
        assert (call.outcome, call.via, call.queue) == (outcome, via, "hotline")
        assert call.wait_seconds == pytest.approx(wait_seconds, abs=NEAR_SECONDS)
        assert [segment.agent for segment in call.segments] == [agent for agent, _ in talks]
        for segment, (_, talk_seconds) in zip(call.segments, talks, strict=True):
            assert segment.talk_seconds == pytest.approx(talk_seconds, abs=NEAR_SECONDS)
        check_whole(call)


@pytest.mark.parametrize("name", PARTS)
def test_a_call_tells_its_waits_the_phones_that_rang_and_who_hung_up(name: str) -> None:
    waits, offers, hung_up_by = PARTS[name]
    call = replay(FOLDER / f"{name}.ami")[0]
    assert [wait.ended for wait in call.waits] == [ended for ended, _ in waits]
    for wait, (_, seconds) in zip(call.waits, waits, strict=True):
        assert wait.left_at is not None
        assert (wait.left_at - wait.joined_at).total_seconds() == pytest.approx(seconds, abs=NEAR_SECONDS)
    assert [(offer.agent, offer.result) for offer in call.offers] == offers
    assert (call.hung_up_by, call.dialled, call.node) == (hung_up_by, "12345", "main")


@pytest.mark.parametrize(
    ("name", "began", "held"),
    [
        ("answered_by_queue", ["answered"], 0.0),
        ("blind_transfer", ["answered", "blind_transfer"], 0.0),
        ("attended_transfer", ["answered", "attended_transfer"], 2.5),
        ("conference", ["answered", "conference"], 0.0),
        ("hold_and_resync", ["answered"], 2.0),
    ],
)
def test_how_agents_came_to_be_in_a_call_and_how_long_it_was_on_hold(name: str, began: list[str], held: float) -> None:
    [call] = replay(FOLDER / f"{name}.ami")
    assert [segment.began for segment in call.segments] == began
    assert call.hold_seconds == pytest.approx(held, abs=0.1)
    assert call.segments[0].hold_seconds == call.hold_seconds


def check_whole(call: Call) -> None:
    """What holds for every finished call, whatever became of it."""
    assert call.caller is not None
    assert call.caller.startswith("138000")
    assert call.sip_call_id is not None
    assert call.ended_at is not None
    assert call.talk_seconds is not None
    assert call.talk_seconds <= (call.ended_at - call.offered_at).total_seconds()
    alone = sum(segment.talk_seconds or 0 for segment in call.segments)
    joined = any(segment.began == "conference" for segment in call.segments)
    assert (call.talk_seconds < alone - 1) if joined else (call.talk_seconds == pytest.approx(alone, abs=0.01))
    assert call.agent == (call.segments[0].agent if call.segments else None)
    assert call.hold_seconds is not None
    assert call.hold_seconds <= call.talk_seconds
    for segment in call.segments:
        assert segment.recording_id is not None
        assert segment.recording_id.startswith(f"{call.call_ref}--{segment.agent}--")


def test_hostile_names_reach_no_header() -> None:
    names = {message.get("CallerIDName") for message in messages("hostile_names") if message.name == "Newchannel"}
    assert any("<script>" in name for name in names)
    assert any("\u2028" in name for name in names)
    assert not [message for message in messages("hostile_names") if message.get("Uniqueid").endswith(" 1.1")]
    assert "1.1" not in {message.get("Uniqueid") for message in messages("hostile_names")}


@pytest.mark.parametrize("name", NAMES)
def test_nothing_in_a_real_capture_is_malformed(name: str) -> None:
    assert not [found for found in read_capture(FOLDER / f"{name}.ami") if isinstance(found, Malformed)]
    assert replay(FOLDER / f"{name}.ami") == list(replay_fully(FOLDER / f"{name}.ami").calls)


def without_our_own(message: AmiMessage) -> AmiMessage:
    """The event as an Asterisk with a dialplan of somebody else's would send it: no CALLREF."""
    return AmiMessage(message.kind, message.name, {k: v for k, v in message.headers.items() if "ChanVariable" not in k})


@pytest.mark.parametrize("name", NAMES)
def test_plain_app_queue_events_tell_the_same_calls(name: str) -> None:
    plain = [without_our_own(message) for message in messages(name) if message.name != "UserEvent"]
    found, expected = reduced(plain), reduced(messages(name))
    if name == "sticky":
        # Without our events and without the queue it is a call like any other, not the hotline's.
        assert found == {}
        return
    assert found.keys() == expected.keys()
    for call_ref, call in expected.items():
        ours = found[call_ref]
        assert ours.outcome == call.outcome
        assert [(s.agent, s.started_at, s.ended_at) for s in ours.segments] == [
            (s.agent, s.started_at, s.ended_at) for s in call.segments
        ]
        assert (ours.offered_at, ours.answered_at, ours.ended_at) == (call.offered_at, call.answered_at, call.ended_at)
        # A redirected caller left the queue before the answer; only our own event tells that no other way was tried.
        assert ours.via == ("overflow" if name == "redirected_while_waiting" else call.via)
