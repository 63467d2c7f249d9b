# ruff: noqa: T201 - it prints a table
"""What reading one AMI event costs, against a bare split of the same bytes."""

import argparse
import itertools
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from telephony.ami.protocol import AmiMessage, Framer, Malformed, parse
from telephony.calls.reducer import WANTED_EVENTS, Reducer

CAPTURES = Path(__file__).parents[1] / "fixtures/ami"
READ_BYTES = 64 * 1024
ROUNDS = 9
EVERY_GOAL = 1.3
FILTERED_GOAL = 0.6


def unfiltered(capture: bytes) -> bytes:
    """Give the stream as an Asterisk without our manager.conf sends it: 224 events a call, not 69.

    The captures were recorded with VarSet excluded by Asterisk itself. Each VarSet here is a recorded Newstate of the
    same channel with a variable added, which is how Asterisk makes them; the numbers were measured on a real one.
    """
    blocks = capture.split(b"\r\n\r\n")
    states = [block for block in blocks if block.startswith(b"Event: Newstate\r\nPrivilege: call,all\r\n")]
    sets = itertools.cycle(
        block.replace(b"Event: Newstate\r\nPrivilege: call,all", b"Event: VarSet\r\nPrivilege: dialplan,all")
        + b"\r\nVariable: RTPAUDIOQOSJITTER\r\nValue: minrxjitter=000.0000;maxrxjitter=000.1250"
        for block in states
    )
    told = []
    for place, block in enumerate(blocks[:-1]):
        told += [block, *(next(sets) for _ in range(3 if place % 4 == 0 else 2))]
    return b"\r\n\r\n".join([*told, b""])


def bare_split(stream: bytes) -> None:
    """Split each read into messages, lines and pairs, keeping nothing, not even what a read cuts in two: the floor."""
    for start in range(0, len(stream), READ_BYTES):
        for block in stream[start : start + READ_BYTES].decode("utf-8", "replace").split("\r\n\r\n"):
            for line in block.split("\r\n"):
                line.split(": ", 1)


def read(stream: bytes, wanted: frozenset[str] | None) -> None:
    """Read as the client does, in pieces of a socket read, and keep nothing."""
    framer = Framer()
    for start in range(0, len(stream), READ_BYTES):
        for block in framer.feed(stream[start : start + READ_BYTES]):
            for _ in [block] if isinstance(block, Malformed) else parse(block, wanted):
                pass


def reduced(messages: list[AmiMessage]) -> None:
    """Take messages to calls."""
    reducer = Reducer()
    for message in messages:
        reducer.apply(message)


def microseconds_each(works: Sequence[Callable[[], object]], events: int) -> list[float]:
    """Give the best round of each, in CPU microseconds per event; they take turns, so that a busy moment hits all."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for place, work in enumerate(works):
            started = time.process_time()
            work()
            best[place] = min(best[place], time.process_time() - started)
    return [seconds / events * 1_000_000 for seconds in best]


def verdict(what: str, microseconds: float, floor: float, goal: float) -> bool:
    """Print a line of the table with its goal; tells whether it is met."""
    ratio = microseconds / floor
    met = ratio <= goal
    print(f"  {what:<17} {microseconds:6.2f}  {ratio:.2f} of the split, goal {goal:.2f} {'met' if met else 'MISSED'}")
    return met


def main() -> int:
    """Print the table; 1 when a goal is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=100_000, help="about how many events to read")
    wanted_events = parser.parse_args().events
    capture = b"".join(path.read_bytes() for path in sorted(CAPTURES.glob("*.ami")))
    once = capture.count(b"\r\n\r\n")
    stream = capture * max(1, wanted_events // once)
    events = stream.count(b"\r\n\r\n")
    floor, every, needed = microseconds_each(
        [lambda: bare_split(stream), lambda: read(stream, None), lambda: read(stream, WANTED_EVENTS)], events
    )
    whole = unfiltered(capture) * max(1, wanted_events // (3 * once))
    whole_floor, filtered = microseconds_each(
        [lambda: bare_split(whole), lambda: read(whole, WANTED_EVENTS)], whole.count(b"\r\n\r\n")
    )
    found = [message for block in Framer().feed(capture) if isinstance(block, bytes) for message in parse(block)]
    messages = [message for message in found if isinstance(message, AmiMessage) and message.name in WANTED_EVENTS]
    [reducing] = microseconds_each([lambda: reduced(messages)], once)
    print(f"AMI parsing, {events} events of {len(stream) / events:.0f} bytes, CPU µs each")
    print(f"  bare split        {floor:6.2f}")
    met = verdict("all events", every, floor, EVERY_GOAL)
    print(f"  what calls need   {needed:6.2f}  {needed / floor:.2f} of the split: Asterisk has filtered already")
    met &= verdict("filtered here", filtered, whole_floor, FILTERED_GOAL)
    print(f"  reducer, beside   {reducing:6.2f}  spread over all events of the stream")
    return 0 if met else 1


if __name__ == "__main__":
    sys.exit(main())
