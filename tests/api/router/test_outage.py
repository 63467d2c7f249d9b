"""PostgreSQL goes away while calls run: a real router process, a real PostgreSQL, a recorded Asterisk."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest

from api.kit.migrate import upgrade
from api.kit.postgres import EmbeddedPostgres
from telephony.calls.replay import replay
from tests.telephony.ami.peer import Peer, listening
from tests.telephony.calls.captures import FOLDER

SHORT_SECONDS = 1.0
LONG_SECONDS = 60.0


@dataclass
class RecordedAsterisk:
    """Says what a capture holds, when told to; it has no channel of its own."""

    peers: list[Peer] = field(default_factory=list)

    async def __call__(self, peer: Peer) -> None:
        await peer.accept_login()
        self.peers.append(peer)
        while True:
            asked = await peer.action()
            mine = f"ActionID: {asked['ActionID']}"
            if asked["Action"] in {"CoreShowChannels", "QueueStatus"}:
                await peer.say("Response: Success", mine, "EventList: start")
                await peer.say(f"Event: {asked['Action']}Complete", mine, "EventList: Complete")
            else:
                await peer.say("Response: Success", mine)

    async def tell(self, events: list[bytes]) -> None:
        self.peers[-1].writer.write(b"".join(event + b"\r\n\r\n" for event in events))
        await self.peers[-1].writer.drain()


@dataclass
class Hall:
    """One data directory: its PostgreSQL, its router, and the Asterisk that they hear."""

    data: Path
    postgres: EmbeddedPostgres
    asterisk: RecordedAsterisk = field(default_factory=RecordedAsterisk)
    port: int = 0
    router: subprocess.Popen[bytes] | None = None

    async def start_router(self) -> None:
        heard = len(self.asterisk.peers)
        self.spawn_router()
        await self.until(lambda: len(self.asterisk.peers) > heard, "the router is logged in")
        await self.until(lambda: self.log().count('"resynced"') > heard, "the router has resynced")

    def spawn_router(self) -> None:
        environment = {**os.environ, "ZHITONG_DATA": str(self.data), "ZHITONG_AMI__PORT": str(self.port)}
        environment.pop("ZHITONG_DATABASE_URL", None)
        with (self.data / "router.log").open("ab") as out:
            self.router = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "router"], env=environment, stdout=out, stderr=out
            )

    def log(self) -> str:
        return (self.data / "router.log").read_text()

    def kill_router(self) -> None:
        assert self.router is not None
        self.router.send_signal(signal.SIGKILL)
        self.router.wait()

    def spooled(self) -> bytes:
        return b"".join(path.read_bytes() for path in sorted((self.data / "spool/router").glob("*.ami")))

    def stored(self) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.postgres.url) as connection:
            return connection.execute(
                "SELECT call_ref, caller, outcome, agent, offered_at, ended_at, wait_seconds, talk_seconds,"
                " (SELECT count(*) FROM call_segments AS s WHERE s.call_ref = c.call_ref)"
                " FROM calls AS c ORDER BY offered_at, call_ref"
            ).fetchall()

    async def until(self, look: Callable[[], object], what: str, seconds: float = 60) -> float:
        started = time.monotonic()
        while not look():
            assert time.monotonic() - started < seconds, f"{what}:\n{self.log()}"
            await asyncio.sleep(0.05)
        return time.monotonic() - started


def events_of(name: str) -> list[bytes]:
    """What a router would be told of a capture: no answers to its own login and lists."""
    blocks = (FOLDER / f"{name}.ami").read_bytes().split(b"\r\n\r\n")
    return [block for block in blocks if block.startswith(b"Event: ") and b"\r\nActionID: " not in block]


def told_by(name: str) -> list[tuple[Any, ...]]:
    return [
        (
            call.call_ref,
            call.caller,
            call.outcome,
            call.agent,
            call.offered_at,
            call.ended_at,
            call.wait_seconds,
            call.talk_seconds,
            len(call.segments),
        )
        for call in replay(FOLDER / f"{name}.ami")
    ]


@pytest.fixture
def postgres_of_its_own(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    server = EmbeddedPostgres(tmp_path)
    server.start()
    upgrade(server.url)
    yield server
    server.stop()


@asynccontextmanager
async def open_hall(data: Path, postgres: EmbeddedPostgres) -> AsyncIterator[Hall]:
    hall = Hall(data, postgres)
    async with listening(hall.asterisk) as hall.port:
        try:
            await hall.start_router()
            yield hall
        finally:
            hall.kill_router()


async def the_database_goes_away(hall: Hall, seconds: float) -> None:
    """Half of the calls' events before the outage, half within it."""
    events = events_of("two_concurrent")
    half = len(events) // 2
    await hall.asterisk.tell(events[:half])
    await hall.until(hall.stored, "calls are stored as they run")
    hall.postgres.stop()
    await hall.asterisk.tell(events[half:])
    await hall.until(lambda: b"Event: Hangup" in hall.spooled(), "what the database does not know is on disk")
    await asyncio.sleep(seconds)
    assert len(hall.asterisk.peers) == 1, "the router went on"
    hall.postgres.start()
    took = await hall.until(lambda: hall.stored() == told_by("two_concurrent"), "all is stored, once, as it was")
    await hall.until(lambda: hall.spooled() == b"", "the spool is drained")
    print(f"stored {took:.2f} s after the database came back")  # noqa: T201 - the measurement

    hall.postgres.stop()
    await hall.asterisk.tell(events_of("blind_transfer"))
    await hall.until(lambda: hall.spooled().count(b"Event: Hangup\r\n") >= 3, "the second outage is on disk too")
    hall.kill_router()
    hall.postgres.start()
    await hall.start_router()
    expected = sorted(told_by("two_concurrent") + told_by("blind_transfer"), key=lambda call: (call[4], call[0]))
    await hall.until(lambda: hall.stored() == expected, "a router that died in the outage left all that it was told")
    await hall.until(lambda: hall.spooled() == b"", "and the next one has stored it")


async def test_calls_survive_an_outage_and_a_router_killed_in_it(
    tmp_path: Path, postgres_of_its_own: EmbeddedPostgres
) -> None:
    async with open_hall(tmp_path, postgres_of_its_own) as hall:
        await the_database_goes_away(hall, SHORT_SECONDS)


@pytest.mark.soak
async def test_calls_survive_a_minute_without_a_database(tmp_path: Path, postgres_of_its_own: EmbeddedPostgres) -> None:
    async with open_hall(tmp_path, postgres_of_its_own) as hall:
        await the_database_goes_away(hall, LONG_SECONDS)
