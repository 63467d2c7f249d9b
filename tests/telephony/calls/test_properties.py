"""Recorded streams, repeated, cut, disordered and interleaved, give the same calls."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from telephony.ami.protocol import AmiMessage
from telephony.calls.derive import Rules
from telephony.calls.reducer import Reducer
from tests.telephony.calls.captures import NAMES, messages, reduced

quickly = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
captures = st.sampled_from(NAMES)


@quickly
@given(name=captures, data=st.data())
def test_events_that_come_twice_change_nothing(name: str, data: st.DataObject) -> None:
    stream = messages(name)
    again = data.draw(st.lists(st.integers(0, len(stream) - 1), max_size=60))
    doubled = [message for at, message in enumerate(stream) for _ in range(1 + again.count(at))]
    assert reduced(doubled) == reduced(stream)
    assert reduced([*stream, *stream]) == reduced(stream)


@quickly
@given(name=captures, data=st.data())
def test_cut_anywhere_and_continued_from_before_the_cut(name: str, data: st.DataObject) -> None:
    stream = messages(name)
    cut = data.draw(st.integers(0, len(stream)))
    back_to = data.draw(st.integers(0, cut))
    assert reduced([*stream[:cut], *stream[back_to:]]) == reduced(stream)


@quickly
@given(name=captures, data=st.data())
def test_order_within_a_moment_does_not_matter(name: str, data: st.DataObject) -> None:
    stream = messages(name)
    window = data.draw(st.integers(2, 25))
    parts = [stream[at : at + window] for at in range(0, len(stream), window)]
    shuffled = [message for part in parts for message in data.draw(st.permutations(part))]
    assert reduced(shuffled) == reduced(stream)


@quickly
@given(one=captures, other=captures, data=st.data())
def test_calls_at_the_same_time_do_not_touch_each_other(one: str, other: str, data: st.DataObject) -> None:
    first, second = list(messages(one)), list(messages(other))
    turns = data.draw(st.lists(st.booleans(), max_size=len(first) + len(second)))
    mixed = []
    for turn in turns:
        source = first if turn else second
        if source:
            mixed.append(source.pop(0))
    mixed += [*first, *second]
    apart = reduced(messages(one)) | reduced(messages(other))
    assert reduced(mixed, Reducer(grace_seconds=86_400)) == apart


@quickly
@given(name=captures, cut=st.integers(0, 400))
def test_every_state_on_the_way_is_a_call_that_can_be_printed(name: str, cut: int) -> None:
    for call in reduced(messages(name)[:cut]).values():
        printed = call.to_json()
        assert (printed["ended_at"] is None) == (printed["outcome"] == "in_progress")
        assert all(segment["started_at"] >= printed["offered_at"] for segment in printed["segments"])


@quickly
@given(name=captures, data=st.data())
def test_events_of_another_queue_and_of_unknown_kinds_change_nothing(name: str, data: st.DataObject) -> None:
    stream = list(messages(name))
    reducer = Reducer(Rules(queues=frozenset({"hotline"})))
    own = data.draw(st.sampled_from([message for message in stream if message.get("Uniqueid")] or stream))
    for _ in range(data.draw(st.integers(1, 20))):
        changed = data.draw(
            st.sampled_from(
                [
                    AmiMessage("event", "QueueCallerJoin", {**own.headers, "Queue": "canteen"}),
                    AmiMessage("event", "QueueCallerAbandon", {**own.headers, "Queue": "canteen"}),
                    AmiMessage("event", "AgentConnect", {**own.headers, "Queue": "canteen", "DestUniqueid": "1.1"}),
                    AmiMessage("event", "NoSuchEvent", own.headers),
                    AmiMessage("response", "Success", own.headers),
                ]
            )
        )
        stream.insert(data.draw(st.integers(0, len(stream))), changed)
    assert reduced(stream, reducer) == reduced(messages(name))
