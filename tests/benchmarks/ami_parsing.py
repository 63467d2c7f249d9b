# ruff: noqa: T201 - it prints a table
"""What reading one AMI event costs, against a bare split of the same bytes."""

import argparse
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from telephony.ami.protocol import AmiMessage, Framer, parse
from telephony.calls.reducer import WANTED_EVENTS, Reducer

CAPTURES = Path(__file__).parents[1] / "fixtures/ami"
READ_BYTES = 64 * 1024
ROUNDS = 5


def bare_split(stream: bytes) -> int:
    """Split into messages and lines and lines into pairs, no more: the floor."""
    blocks = stream.decode().split("\r\n\r\n")
    for block in blocks:
        for line in block.split("\r\n"):
            line.split(": ", 1)
    return len(blocks)


def framed_and_parsed(stream: bytes, wanted: frozenset[str] | None) -> Iterator[AmiMessage]:
    """Read as the client does, in pieces of a socket read."""
    framer = Framer()
    for start in range(0, len(stream), READ_BYTES):
        for block in framer.feed(stream[start : start + READ_BYTES]):
            if isinstance(block, bytes):
                yield from (message for message in parse(block, wanted) if isinstance(message, AmiMessage))


def drained(messages: Iterable[AmiMessage]) -> None:
    """Take messages and keep none, as the client hands them on."""
    for _ in messages:
        pass


def reduced(messages: list[AmiMessage]) -> None:
    """Take messages to calls."""
    reducer = Reducer()
    for message in messages:
        reducer.apply(message)


def microseconds_each(work: Callable[[], object], events: int) -> float:
    """Give the best of several rounds, in CPU microseconds per event."""
    best = float("inf")
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        best = min(best, time.process_time() - started)
    return best / events * 1_000_000


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="about how many events to read")
    wanted_events = parser.parse_args().events
    capture = b"".join(path.read_bytes() for path in sorted(CAPTURES.glob("*.ami")))
    once = capture.count(b"\r\n\r\n")
    stream = capture * max(1, wanted_events // once)
    events = stream.count(b"\r\n\r\n")
    floor = microseconds_each(lambda: bare_split(stream), events)
    every = microseconds_each(lambda: drained(framed_and_parsed(stream, None)), events)
    filtered = microseconds_each(lambda: drained(framed_and_parsed(stream, WANTED_EVENTS)), events)
    messages = list(framed_and_parsed(capture, WANTED_EVENTS))
    reducing = microseconds_each(lambda: reduced(messages), once)
    print(f"AMI parsing, {events} events of {len(stream) / events:.0f} bytes, CPU µs each")
    print(f"  bare split        {floor:6.2f}")
    print(f"  all events        {every:6.2f}  {every / floor:.2f} of the split")
    print(f"  what calls need   {filtered:6.2f}  {filtered / floor:.2f} of the split")
    print(f"  reducer, beside   {reducing:6.2f}  spread over all events of the stream")


if __name__ == "__main__":
    main()
