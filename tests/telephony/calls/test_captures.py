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
    "queue_timeout_then_overflow": [("answered", "overflow", 15.5, [("8001", 4.2)])],
    "overflow_all_paused": [("answered", "overflow", 4.0, [("8001", 4.2)])],
    "nobody_at_all": [("failed", "queue", 9.0, [])],
    "hostile_names": [ANSWERED_AT_ONCE] * 11,
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


def check_whole(call: Call) -> None:
    """What holds for every finished call, whatever became of it."""
    assert call.caller is not None
    assert call.caller.startswith("138000")
    assert call.sip_call_id is not None
    assert call.ended_at is not None
    assert call.talk_seconds is not None
    assert call.talk_seconds <= (call.ended_at - call.offered_at).total_seconds()
    assert call.talk_seconds == pytest.approx(sum(segment.talk_seconds or 0 for segment in call.segments), abs=0.01)
    assert call.agent == (call.segments[0].agent if call.segments else None)
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
