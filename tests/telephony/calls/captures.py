"""The captures of a real Asterisk 22 in tests/fixtures/ami: an AMI stream and the CEL of the same minutes."""

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from telephony.ami.protocol import AmiMessage
from telephony.calls.facts import Source
from telephony.calls.model import Call
from telephony.calls.reducer import Reducer
from telephony.calls.replay import read_capture

FOLDER = Path(__file__).parents[2] / "fixtures/ami"
NAMES = sorted(path.stem for path in FOLDER.glob("*.ami"))


@cache
def messages(name: str) -> tuple[AmiMessage, ...]:
    """Every message of a capture."""
    return tuple(found for found in read_capture(FOLDER / f"{name}.ami") if isinstance(found, AmiMessage))


def reduced(
    stream: Iterable[AmiMessage], reducer: Reducer | None = None, source: Source = Source.AMI
) -> dict[str, Call]:
    """Give the last state of every call that the stream touches."""
    reducer = reducer or Reducer()
    calls: dict[str, Call] = {}
    for message in stream:
        calls |= {call.call_ref: call for call in reducer.apply(message, source)}
    return calls
