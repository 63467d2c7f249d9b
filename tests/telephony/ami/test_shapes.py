"""What is read by a learnt shape is what splitting line by line gives, for whatever comes after the learning."""

from hypothesis import given
from hypothesis import strategies as st

from telephony.ami import protocol
from telephony.ami.protocol import AmiMessage, Malformed, parse

KEYS = st.sampled_from(["Event", "Uniqueid", "Cause-txt", "Channel", "X", "Privilege", "a:", "", "Ünï"])
VALUES = st.text(st.sampled_from("ab: \r\n\0é\x85\u2028"), max_size=8)
LINES = st.lists(st.builds("{}: {}".format, KEYS, VALUES) | VALUES, max_size=6)


def unlearnt(block: bytes) -> list[AmiMessage | Malformed]:
    """Parse as if nothing of the kind had ever come."""
    learnt = dict(protocol._SHAPES)
    protocol._SHAPES.clear()
    try:
        return parse(block)
    finally:
        protocol._SHAPES.clear()
        protocol._SHAPES.update(learnt)


@given(learnt=st.lists(LINES, max_size=4), lines=LINES)
def test_shapes_change_nothing(learnt: list[list[str]], lines: list[str]) -> None:
    head = "Event: Shape\r\n"
    for before in [*learnt, lines]:
        parse((head + "\r\n".join(before)).encode())
    block = (head + "\r\n".join(lines)).encode()
    assert parse(block) == unlearnt(block)


def test_what_is_learnt_is_bounded() -> None:
    for number in range(3 * protocol.MAX_SHAPES):
        parse(f"Event: Invented{number}\r\nUniqueid: 1.1".encode())
        parse(f"Event: Same\r\nInvented{number}: 1".encode())
    parse(b"Event: Long\r\nUniqueid: " + b"x" * protocol.MAX_SHAPE_CHARACTERS)
    assert len(protocol._SHAPES) <= protocol.MAX_SHAPES
    assert len(protocol._SHAPES.get(b"Event: Same", ())) <= protocol.MAX_SHAPES_EACH
    assert b"Event: Long" not in protocol._SHAPES
    protocol._SHAPES.clear()
