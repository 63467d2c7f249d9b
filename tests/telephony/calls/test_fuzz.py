"""Parser and reducers together on bytes gone wrong: nothing throws, nothing grows without bound."""

import os
import random
import re
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest

from telephony.agents.reducer import MOST_PHONES, SpellReducer
from telephony.agents.timeline import MOST_LEGS, MOST_QUEUES, MOST_TOLD
from telephony.ami.protocol import AmiMessage, Framer, Malformed, parse
from telephony.calls.reducer import FORGOTTEN_KEPT, MOST_CHANNELS, MOST_TOGETHER, Reducer
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

TIMESTAMP = re.compile(rb"Timestamp: (1[0-9]{9})\.[0-9]{6}")
SECOND = re.compile(rb"(?<![0-9])(1[0-9]{9})(?=[.0-9])")
BRIDGE = re.compile(rb"(?<=BridgeUniqueid: )[^\r]*")
GRACE_SECONDS = 30
# So many messages of one round of the same calls; the next round's calls are others, a while later.
ROUND, ROUND_SECONDS = 1_000, 1_000
# Beyond every clock that a hostile message sets: nothing is ever forgotten.
FOREVER_SECONDS = 1e12
# What the calls of some thousand rounds may take: a part of their hangups is always lost.
MOST_GROWTH_BYTES = 512 * 1024 * 1024


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


def another_moment(dice: random.Random, message: bytes) -> bytes:
    """The same news, told of another moment within two minutes."""
    return TIMESTAMP.sub(
        lambda found: b"Timestamp: %d.%06d" % (int(found[1]) + dice.randrange(-60, 60), dice.randrange(1_000_000)),
        message,
    )


def in_round(number: int, message: bytes) -> bytes:
    """The same message as if other calls had it, later."""
    moved = SECOND.sub(lambda found: b"%d" % (int(found[1]) + number * ROUND_SECONDS), message)
    return BRIDGE.sub(lambda found: b"%s-%d" % (found[0], number), moved)


def stream(dice: random.Random, count: int, *, fresh: bool) -> Iterator[bytes]:
    """So many mutated messages: of ever fresh calls, or of the same few all the time."""
    for number, message in enumerate(islice(mutated(dice, blocks()), count)):
        told = another_moment(dice, message) if dice.random() < 1 / 2 else message
        yield in_round(number // ROUND, told) if fresh else told


def shake(count: int, seed: int, *, fresh: bool) -> int:
    """Send so many messages through framing, parsing and both reducers; give how often a call changed."""
    dice = random.Random(seed)  # noqa: S311
    grace = GRACE_SECONDS if fresh else FOREVER_SECONDS
    framer, calls, spells = Framer(), Reducer(grace_seconds=grace), SpellReducer(grace_seconds=grace)
    changes = 0
    for message in stream(dice, count, fresh=fresh):
        for block in framer.feed(message):
            for found in [block] if isinstance(block, Malformed) else parse(block):
                if isinstance(found, AmiMessage):
                    for call in calls.apply(found):
                        call.to_json()
                        changes += 1
                    for revision in spells.apply(found):
                        assert revision.spells == () or revision.spells[0].started_at >= revision.since
    assert len(framer._buffer) <= framer._max_bytes
    assert_bounded(calls, spells)
    return changes


def assert_bounded(calls: Reducer, spells: SpellReducer) -> None:
    assert len(calls._channels) <= MOST_CHANNELS
    assert len(calls._forgotten) <= FORGOTTEN_KEPT
    assert max(map(len, (*calls._bridges.values(), *calls._rang.values()))) <= MOST_TOGETHER
    assert len(spells._records) <= MOST_PHONES
    for record in spells._records.values():
        assert len(record.legs) <= 2 * MOST_LEGS
        assert len(record.standings) <= MOST_QUEUES
        assert all(len(told) <= MOST_TOLD for told in record.standings.values())


def resident_bytes() -> int:
    """What this process holds in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


FORMS = pytest.mark.parametrize("fresh", [True, False], ids=["ever fresh calls", "the same few calls"])


@FORMS
def test_mutated_messages_never_throw(fresh: bool) -> None:
    assert shake(20_000, 20261125, fresh=fresh) > 100, "what is mutated still makes calls"


@pytest.mark.soak
@pytest.mark.timeout(3600)
@FORMS
def test_a_million_mutated_messages_never_throw_and_memory_stays_bounded(fresh: bool) -> None:
    before, began = resident_bytes(), time.process_time()
    # Calls of which nothing is ever forgotten are looked at whole for each news of them: these are fewer.
    count = 1_000_000 if fresh else 200_000
    changes = shake(count, 1, fresh=fresh)
    grown, took = resident_bytes() - before, time.process_time() - began
    print(  # noqa: T201 - what was measured
        f"{count} messages, {changes} changes of calls, {took:.0f} s of CPU, {grown / 2**20:.0f} MiB more"
    )
    assert grown < MOST_GROWTH_BYTES
