"""Captures of a real Asterisk, damaged at random and read in random pieces: nothing throws, nothing grows."""

import random
import tracemalloc
from pathlib import Path

import pytest

from telephony.ami import protocol
from telephony.ami.protocol import AmiMessage, Framer, Malformed, parse

CAPTURES = [path.read_bytes() for path in sorted((Path(__file__).parents[2] / "fixtures/ami").glob("*.ami"))]
PIECES = [b"\r\n\r\n", b"\r\n", b"\r", b"\n", b": ", b":", b"\0", b"\xff", b"\xe6\x9d", b"", b"Event: ", b"Response: "]
PIECES += [b"Event: Hangup\r\nUniqueid: 1.1\r\n\r\n", b"ActionID: 7\r\n", b"\xe2\x80\xa8", b"x" * 5000]
MAX_READ_BYTES = 70_000
MOST_MEMORY_BYTES = 16 * 1024 * 1024


def damaged(capture: bytes, dice: random.Random) -> bytes:
    """About one damage in two kilobytes: bytes lost, put in, turned, or a piece of the stream repeated."""
    data = bytearray(capture)
    for _ in range(len(data) // 2000 + 1):
        at = dice.randrange(len(data))
        match dice.randrange(3):
            case 0:
                data[at : at + dice.randint(0, 40)] = dice.choice(PIECES)
            case 1:
                data[at] ^= 1 << dice.randrange(8)
            case _:
                start = dice.randrange(len(data))
                data[at:at] = data[start : start + dice.randint(1, 300)]
    return bytes(data)


def fuzz(events: int, seed: int) -> tuple[int, int]:
    """Read damaged captures until so many events were found; give how many, and how many pieces were no message."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    read = malformed = 0
    framer = Framer()
    while read < events:
        stream = damaged(dice.choice(CAPTURES), dice)
        while stream:
            size = dice.randint(1, dice.choice((3, 500, MAX_READ_BYTES)))
            for block in framer.feed(stream[:size]):
                for found in [block] if isinstance(block, Malformed) else parse(block):
                    assert isinstance(found, AmiMessage | Malformed)
                    read += 1
                    malformed += isinstance(found, Malformed)
                    if isinstance(found, AmiMessage):
                        assert all("\r\n" not in value for key in found.headers for value in found.all(key))
            stream = stream[size:]
    return read, malformed


def test_damaged_events_never_throw() -> None:
    read, malformed = fuzz(20_000, seed=1)
    assert 0 < malformed < read / 10, "most of a damaged stream is still read"


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_million_damaged_events_in_bounded_memory() -> None:
    fuzz(20_000, seed=2)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for seed in range(10):
        fuzz(100_000, seed)
    after, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak - before < MOST_MEMORY_BYTES
    assert after - before < MOST_MEMORY_BYTES // 4
    assert len(protocol._SHAPES) <= protocol.MAX_SHAPES
