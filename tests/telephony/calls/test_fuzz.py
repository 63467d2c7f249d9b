"""Parser and reducers together on bytes gone wrong: nothing throws, nothing grows without bound."""

import random
import resource
from collections.abc import Iterator

import pytest

from telephony.agents.reducer import MOST_PHONES, SpellReducer
from telephony.ami.protocol import AmiMessage, Framer, Malformed, parse
from telephony.calls.reducer import FORGOTTEN_KEPT, MOST_CHANNELS, Reducer
from tests.telephony.calls.captures import FOLDER, NAMES

HOSTILE = (
    b"",
    b"0",
    b"-1",
    b"1e400",
    b"99999999999.000000",
    b"00000000001.000001",
    b"\x00",
    b"\xff\xfe\xc3",
    "😀".encode() * 1000,
    "\u2028Event: Hangup\x85Uniqueid: 1.1\x0b".encode(),
    b"'; DROP TABLE calls; --",
    b"<script>alert(1)</script>",
    b"=HYPERLINK(1)",
    b"PJSIP/",
    b"PJSIP/8001",
    b"PJSIP/8001-0000000f",
    b"CALLREF=",
    b"CALLREF=1795438632.6",
    b"1795438632.6",
    "١٢٣".encode(),
)


def blocks() -> list[bytes]:
    """Every message of every capture, as bytes."""
    framer = Framer()
    found = [block for name in NAMES for block in framer.feed((FOLDER / f"{name}.ami").read_bytes())]
    return [block for block in found if isinstance(block, bytes)]


def mutated(dice: random.Random, originals: list[bytes]) -> Iterator[bytes]:
    """Messages with lines dropped, doubled, swapped, cut, flipped and given hostile values."""
    while True:
        lines = dice.choice(originals).split(b"\r\n")
        for _ in range(dice.randint(0, 3)):
            at = dice.randrange(len(lines))
            match dice.randrange(8):
                case 0:
                    del lines[at]
                case 1:
                    lines.insert(at, dice.choice(lines))
                case 2:
                    lines[at] = lines[at].partition(b": ")[0] + b": " + dice.choice(HOSTILE)
                case 3:
                    lines[at] = dice.choice(dice.choice(originals).split(b"\r\n"))
                case 4:
                    lines[at] = lines[at][: dice.randrange(len(lines[at]) + 1)]
                case 5 if lines[at]:
                    flipped = bytearray(lines[at])
                    flipped[dice.randrange(len(flipped))] ^= 1 << dice.randrange(8)
                    lines[at] = bytes(flipped)
                case 6:
                    lines[at] = lines[at].replace(b"17954", b"17955", 1)
                case _:
                    dice.shuffle(lines)
            lines = lines or [b""]
        yield b"\r\n".join(lines) + (b"\r\n\r\n" if dice.random() > 0.01 else b"\r\n")


def shake(count: int, seed: int) -> tuple[Reducer, SpellReducer]:
    """Send so many mutated messages through framing, parsing and both reducers."""
    dice = random.Random(seed)  # noqa: S311
    framer, calls, spells = Framer(), Reducer(grace_seconds=30), SpellReducer(grace_seconds=30)
    stream = mutated(dice, blocks())
    for _ in range(count):
        for block in framer.feed(next(stream)):
            for message in [block] if isinstance(block, Malformed) else parse(block):
                if isinstance(message, AmiMessage):
                    for call in calls.apply(message):
                        call.to_json()
                    for revision in spells.apply(message):
                        assert revision.spells == () or revision.spells[0].started_at >= revision.since
    assert len(calls._channels) <= MOST_CHANNELS
    assert len(calls._forgotten) <= FORGOTTEN_KEPT
    assert len(spells._records) <= MOST_PHONES
    assert len(framer._buffer) <= framer._max_bytes
    return calls, spells


def test_mutated_messages_never_throw() -> None:
    shake(20_000, 20261125)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_million_mutated_messages_never_throw_and_memory_stays_bounded() -> None:
    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    shake(1_000_000, 1)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 1024 * 1024
