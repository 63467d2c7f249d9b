"""The router killed with -9 at random points of recorded calls: no call is missing, none is there twice."""

import asyncio
import random
import re
from functools import partial
from pathlib import Path

import pytest

from tests.api.router.hall import Hall, events_of, open_hall, told_by
from tests.telephony.calls.captures import FOLDER

# Every call of these is known by its Uniqueid's second, which is moved so that each round has calls of its own.
NAMES = ("answered_by_queue", "blind_transfer", "abandoned_after_8s", "ring_no_answer_then_second", "two_concurrent")
SECOND = re.compile(rb"(?<![0-9])(1[0-9]{9})(?=[.0-9])")
ROUND_SECONDS = 1000


def moved(recorded: bytes, seconds: int) -> bytes:
    """Give what was recorded as if it had happened so much later."""
    return SECOND.sub(lambda found: b"%d" % (int(found[1]) + seconds), recorded)


def stored(hall: Hall, wanted: list[tuple[str, ...]]) -> bool:
    return sorted(call[:4] for call in hall.stored()) == wanted


async def the_router_is_killed(hall: Hall, folder: Path, kills: int) -> None:
    dice = random.Random(12345)  # noqa: S311 - no secret
    records = hall.data / "asterisk/log/cel-custom/cel.csv"
    records.parent.mkdir(parents=True, exist_ok=True)
    expected = []
    for number in range(kills):
        name = NAMES[number % len(NAMES)]
        capture = folder / f"{number}.ami"
        capture.write_bytes(moved((FOLDER / f"{name}.ami").read_bytes(), number * ROUND_SECONDS))
        events = events_of(capture)
        await hall.asterisk.tell(events[: dice.randrange(len(events) + 1)])
        # Sometimes what was told is stored already, sometimes not.
        await asyncio.sleep(dice.uniform(0, 0.2))
        hall.kill_router()
        with records.open("ab") as file:
            file.write(moved((FOLDER / f"{name}.cel.csv").read_bytes(), number * ROUND_SECONDS))
        await hall.start_router()
        expected += told_by(capture)
        # Reference, caller, outcome, agent; the times of the two records differ by milliseconds.
        wanted = sorted(call[:4] for call in expected)
        await hall.until(partial(stored, hall, wanted), f"round {number}, {name}")


@pytest.mark.parametrize("kills", [2, pytest.param(200, marks=[pytest.mark.soak, pytest.mark.timeout(3600)])])
async def test_no_call_is_missing_or_doubled(kills: int, tmp_path: Path, database_url: str) -> None:
    async with open_hall(tmp_path, database_url) as hall:
        await the_router_is_killed(hall, tmp_path, kills)
