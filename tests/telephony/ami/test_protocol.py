"""Bytes to messages and back: nothing a caller or a torn stream sends may add, move or hide a header."""

import itertools
import random
import time
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.ami.errors import UnsafeAction
from telephony.ami.protocol import ActionValue, AmiMessage, Framer, Malformed, encode_action, parse

NEWCHANNEL = (
    "Event: Newchannel\r\nPrivilege: call,all\r\nTimestamp: 1795430000.123456\r\nChannel: PJSIP/trunk-00000001\r\n"
)


def messages(stream: bytes) -> list[AmiMessage]:
    return [found for found in everything(stream) if isinstance(found, AmiMessage)]


def everything(stream: bytes) -> list[AmiMessage | Malformed]:
    found: list[AmiMessage | Malformed] = []
    for block in Framer().feed(stream):
        found += [block] if isinstance(block, Malformed) else parse(block)
    return found


def test_an_event_is_read_with_its_keys_as_sent() -> None:
    [event] = messages((NEWCHANNEL + "CallerIDName: 李 雷\r\nAppData: \r\n\r\n").encode())
    assert (event.kind, event.name) == ("event", "Newchannel")
    assert event.get("Channel") == "PJSIP/trunk-00000001"
    assert event.get("channel", "absent") == "absent"
    assert event.get("CallerIDName") == "李 雷"
    assert event.get("AppData", "absent") == ""


def test_a_repeated_header_keeps_every_value() -> None:
    [event] = messages((NEWCHANNEL + "ChanVariable: CALLREF=1.1\r\nChanVariable: X=a: b\r\n\r\n").encode())
    assert event.headers["ChanVariable"] == ["CALLREF=1.1", "X=a: b"]
    assert event.all("ChanVariable") == ["CALLREF=1.1", "X=a: b"]
    assert event.get("ChanVariable") == "CALLREF=1.1"
    assert event.all("Channel") == ["PJSIP/trunk-00000001"]
    assert event.all("Absent") == []


def test_a_greeting_before_the_first_message_is_passed_over() -> None:
    [response] = messages(b"Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nMessage: hello\r\n\r\n")
    assert (response.kind, response.name, response.get("Message")) == ("response", "Success", "hello")


def test_an_event_that_carries_a_response_header_stays_one_event() -> None:
    stream = b"Event: OriginateResponse\r\nResponse: Failure\r\nChanVariable: a=1\r\nChanVariable: b=2\r\n\r\n"
    [event] = messages(stream)
    assert (event.name, event.get("Response")) == ("OriginateResponse", "Failure")


@pytest.mark.parametrize(
    "name",
    [
        'quote " and \\" and \'',
        "<script>alert(1)</script>",
        "a\u2028Uniqueid: 9.9",
        "a\x85Uniqueid: 9.9",
        "a\x0bUniqueid: 9.9",
        "a\x0cUniqueid: 9.9",
        "a\x1cUniqueid: 9.9\x1d\x1e",
        "a\nUniqueid: 9.9",
        "a\rUniqueid: 9.9",
        "Event: Hangup",
        "😀" * 1000,
        "x" * 4000,
    ],
)
def test_a_callers_name_never_becomes_a_header(name: str) -> None:
    stream = (NEWCHANNEL + f"CallerIDName: {name}\r\nUniqueid: 1.1\r\n\r\n").encode()
    [event] = messages(stream)
    assert event.get("CallerIDName") == name
    assert event.headers["Uniqueid"] == "1.1"


def test_invalid_utf8_is_marked_and_harms_nothing_else() -> None:
    [event] = messages(NEWCHANNEL.encode() + b"CallerIDName: \xff\xfe\xe6\x9d\r\nUniqueid: 1.1\r\n\r\n")
    assert event.get("CallerIDName") == "\ufffd\ufffd\ufffd"
    assert event.get("Uniqueid") == "1.1"


@given(cuts=st.lists(st.integers(0, 400), max_size=30))
def test_where_the_reads_were_split_does_not_matter(cuts: list[int]) -> None:
    stream = (NEWCHANNEL + "CallerIDName: 王小明很高兴😀\r\n\r\n").encode() * 2
    framer = Framer()
    blocks: list[bytes | Malformed] = []
    edges = [0, *sorted(cuts), len(stream)]
    for start, end in itertools.pairwise(edges):
        blocks += framer.feed(stream[start:end])
    assert blocks == stream.split(b"\r\n\r\n")[:-1]
    assert framer.rest() is None


def test_a_stream_cut_inside_an_event_says_so() -> None:
    framer = Framer()
    assert len(framer.feed((NEWCHANNEL + "\r\nEvent: Hangup\r\nChannel: PJ").encode())) == 1
    rest = framer.rest()
    assert rest is not None
    assert "ended inside a message" in rest.reason
    assert "Event: Hangup" in rest.excerpt


def test_an_event_broken_off_by_the_next_is_told_and_the_next_one_is_read() -> None:
    torn, whole = everything(b"Event: Hangup\r\nChannel: PJ\r\n" + NEWCHANNEL.encode() + b"\r\n")
    assert isinstance(torn, Malformed)
    assert isinstance(whole, AmiMessage)
    assert whole.name == "Newchannel"


def test_two_events_glued_in_the_middle_of_a_line_are_neither_believed() -> None:
    first = NEWCHANNEL.encode() + b"Uniqueid: 1.1\r\nChan"
    [found] = everything(first + b"Event: Hangup\r\nPrivilege: call,all\r\nUniqueid: 2.2\r\n\r\n")
    assert isinstance(found, Malformed)
    assert "run together" in found.reason


def test_a_message_without_end_is_told_once_and_does_not_grow() -> None:
    framer = Framer(max_message_bytes=10_000)
    found: list[bytes | Malformed] = []
    tracemalloc.start()
    for _ in range(2000):
        found += framer.feed(b"x" * 1000)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(found) == 1
    assert isinstance(found[0], Malformed)
    assert peak_bytes < 100_000
    assert framer.feed(b"tail\r\n\r\nEvent: A\r\n\r\n") == [b"Event: A"]


def test_reading_byte_by_byte_stays_linear() -> None:
    framer = Framer()
    started = time.process_time()
    for byte in b"y" * 200_000:
        framer.feed(bytes([byte]))
    assert time.process_time() - started < 5


@given(st.binary(max_size=300))
def test_no_bytes_make_it_throw(data: bytes) -> None:
    everything(data + b"\r\n\r\n")
    parse(data, frozenset({"Hangup"}))


def test_mutated_events_never_throw() -> None:
    dice = random.Random(7)  # noqa: S311
    original = (NEWCHANNEL + "ChanVariable: CALLREF=1.1\r\nChanVariable: A=b\r\nUniqueid: 1.1\r\n\r\n").encode() * 3
    alphabet = [b"\r\n", b"\r", b"\n", b": ", b":", b"\x00", b"\xff", b"Event: ", b"Response: ", b"", b"Timestamp: "]
    for _ in range(20_000):
        data = bytearray(original)
        for _ in range(dice.randint(1, 6)):
            at = dice.randrange(len(data))
            data[at : at + dice.randint(0, 12)] = dice.choice(alphabet)
        for found in everything(bytes(data)):
            assert isinstance(found, AmiMessage | Malformed)


def test_only_wanted_events_are_read_but_lists_are_whole() -> None:
    wanted = frozenset({"Hangup"})
    assert parse(b"Event: VarSet\r\nVariable: x", wanted) == []
    assert parse(b"Event: VarSet", wanted) == []
    assert len(parse(b"Event: Hangup\r\nUniqueid: 1", wanted)) == 1
    assert len(parse(b"Event: QueueMember\r\nActionID: 7\r\nQueue: hotline", wanted)) == 1
    assert len(parse(b"Response: Success", wanted)) == 1


def test_an_action_is_encoded_with_a_line_per_value() -> None:
    encoded = encode_action("Originate", {"Channel": "PJSIP/8001", "Variable": ["A=1", "B=二"], "Timeout": 3000})
    assert encoded.decode() == (
        "Action: Originate\r\nChannel: PJSIP/8001\r\nVariable: A=1\r\nVariable: B=二\r\nTimeout: 3000\r\n\r\n"
    )


@pytest.mark.parametrize("bad", ["a\r\nAction: Command", "a\nb", "a\rb", "a\0b"])
def test_an_action_that_would_run_another_is_refused(bad: str) -> None:
    tries: list[tuple[str, dict[str, ActionValue]]] = [
        ("Ping", {"Reason": bad}),
        ("Ping", {"Reason": ["fine", bad]}),
        ("Ping", {bad: "x"}),
        (bad, {}),
    ]
    for name, fields in tries:
        with pytest.raises(UnsafeAction) as refusal:
            encode_action(name, fields)
        assert refusal.value.error_id == "ami-unsafe-action"


def test_the_refusal_does_not_repeat_the_value() -> None:
    with pytest.raises(UnsafeAction) as refusal:
        encode_action("Login", {"Secret": "hunter2\r\n"})
    assert "hunter2" not in str(refusal.value)


def test_a_line_that_asterisk_would_discard_is_refused() -> None:
    encode_action("DBPut", {"Val": "x" * 1000})
    with pytest.raises(UnsafeAction, match="1024"):
        encode_action("DBPut", {"Val": "汉" * 1000})
