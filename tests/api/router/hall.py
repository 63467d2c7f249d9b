"""A real router process on a data directory of its own, with a real PostgreSQL and a recorded Asterisk."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from telephony.calls.replay import replay
from tests.telephony.ami.peer import Peer, listening


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
    """One data directory: its router, the Asterisk that it hears, and the database that it writes to."""

    data: Path
    database_url: str
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
        environment["ZHITONG_DATABASE_URL"] = self.database_url
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
        with psycopg.connect(self.database_url) as connection:
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


def events_of(capture: Path) -> list[bytes]:
    """What a router would be told of a capture: no answers to its own login and lists."""
    blocks = capture.read_bytes().split(b"\r\n\r\n")
    return [block for block in blocks if block.startswith(b"Event: ") and b"\r\nActionID: " not in block]


def told_by(capture: Path) -> list[tuple[Any, ...]]:
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
        for call in replay(capture)
    ]


@asynccontextmanager
async def open_hall(data: Path, database_url: str) -> AsyncIterator[Hall]:
    hall = Hall(data, database_url)
    async with listening(hall.asterisk) as hall.port:
        try:
            await hall.start_router()
            yield hall
        finally:
            hall.kill_router()
