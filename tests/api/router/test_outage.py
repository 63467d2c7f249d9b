"""PostgreSQL goes away while calls run: what Asterisk tells meanwhile is stored later, once, whoever dies."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.kit.migrate import upgrade
from api.kit.postgres import EmbeddedPostgres
from tests.api.router.hall import Hall, events_of, open_hall, told_by
from tests.telephony.calls.captures import FOLDER

SHORT_SECONDS = 1.0
LONG_SECONDS = 60.0
TWO_CONCURRENT = FOLDER / "two_concurrent.ami"
BLIND_TRANSFER = FOLDER / "blind_transfer.ami"


@pytest.fixture
def postgres_of_its_own(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path)
    server.start()
    upgrade(server.url)
    yield server
    server.stop()


async def the_database_goes_away(hall: Hall, postgres: EmbeddedPostgres, seconds: float) -> None:
    """Half of the calls' events before the outage, half within it."""
    events = events_of(TWO_CONCURRENT)
    half = len(events) // 2
    await hall.asterisk.tell(events[:half])
    await hall.until(hall.stored, "calls are stored as they run")
    postgres.stop()
    await hall.asterisk.tell(events[half:])
    await hall.until(lambda: b"Event: Hangup" in hall.spooled(), "what the database does not know is on disk")
    await asyncio.sleep(seconds)
    assert len(hall.asterisk.peers) == 1, "the router went on"
    postgres.start()
    took = await hall.until(lambda: hall.stored() == told_by(TWO_CONCURRENT), "all is stored, once, as it was")
    await hall.until(lambda: hall.spooled() == b"", "the spool is drained")
    print(f"stored {took:.2f} s after the database came back")  # noqa: T201 - the measurement

    postgres.stop()
    await hall.asterisk.tell(events_of(BLIND_TRANSFER))
    hangups = sum(event.startswith(b"Event: Hangup\r\n") for event in events_of(BLIND_TRANSFER))
    await hall.until(lambda: hall.spooled().count(b"Event: Hangup\r\n") == hangups, "the second outage is on disk too")
    hall.kill_router()
    postgres.start()
    await hall.start_router()
    expected = sorted(told_by(TWO_CONCURRENT) + told_by(BLIND_TRANSFER), key=lambda call: (call[4], call[0]))
    await hall.until(lambda: hall.stored() == expected, "a router that died in the outage left all that it was told")
    await hall.until(lambda: hall.spooled() == b"", "and the next one has stored it")


async def test_calls_survive_an_outage_and_a_router_killed_in_it(
    tmp_path: Path, postgres_of_its_own: EmbeddedPostgres
) -> None:
    async with open_hall(tmp_path, postgres_of_its_own.url) as hall:
        await the_database_goes_away(hall, postgres_of_its_own, SHORT_SECONDS)


@pytest.mark.soak
async def test_calls_survive_a_minute_without_a_database(tmp_path: Path, postgres_of_its_own: EmbeddedPostgres) -> None:
    async with open_hall(tmp_path, postgres_of_its_own.url) as hall:
        await the_database_goes_away(hall, postgres_of_its_own, LONG_SECONDS)
