"""One simulation from the empty data directory to the verdict."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

from api.accounts.service import create_token
from api.calls.repository import CallFilter, CallRepository
from api.calls.stored import call_of
from api.kit.database import Database, url_of
from api.kit.settings import Settings
from api.simulation.report import Report
from api.simulation.stage import SimulationError, account, settle, supervisor
from api.simulation.watch import Watch
from api.supervisor import read_states
from telephony.asterisk.directories import SiteDirectories
from telephony.calls.model import Call
from telephony.records.complete import TOLERANCE_SECONDS
from telephony.simulation.pace import Pace
from telephony.simulation.peer import Peer
from telephony.simulation.plan import Plan
from telephony.simulation.player import Playing, play
from telephony.simulation.verdict import judge

# Nothing new stored for so long: what is missing then is lost.
SETTLED_SECONDS = 15.0
LOGIN_SECONDS = 30.0
MOST = 1_000_000


async def simulate(
    data_dir: Path, plan: Plan, pace: Pace, say: Callable[[str], None], *, kill_router_at: float | None = None
) -> Report:
    """Play `plan` through a router, a database and the pages of its own in `data_dir`, and compare what was stored.

    `kill_router_at` (0 to 1, a share of the plan's steps) kills the router there with SIGKILL; it is started again as
    ever, and completes from Asterisk's records what it missed. Raises SimulationError, PartFailedError.
    """
    settings, environment = settle(data_dir, plan.agents)
    peer = Peer(account(settings), plan.agents)
    await peer.start(settings.ami.port)
    running = supervisor(settings, environment, say)
    database = Database(url_of(settings), pool_size=4)
    playing = Playing()
    watch = Watch(settings, database, playing)
    try:
        await running.start()
        await _until(lambda: peer.logins > 0, LOGIN_SECONDS, "the router did not log in to the simulated Asterisk")
        async with database.session() as session:
            token = await create_token(session, name="simulate", role="supervisor")
        watch.start_counting()
        began = time.monotonic()
        log_dir = SiteDirectories(settings.data_dir).log
        async with _beside(watch.look(), watch.read_board(token), watch.measure()):
            killing = None
            if kill_router_at is not None:
                killing = asyncio.create_task(_kill_router(settings, playing, round(len(plan.cues) * kill_router_at)))
            await play(plan, pace, peer, log_dir, playing)
            played = time.monotonic() - began
            if killing is not None:
                await killing
            await _settled(watch)
            took = time.monotonic() - began
        await watch.look_once()
        watch.measure_once()
        stored = await _stored(database)
    finally:
        await running.stop()
        await peer.close()
        await database.close()
    verdict = judge(plan.calls, stored, 0.0 if kill_router_at is None else TOLERANCE_SECONDS)
    return Report(
        verdict=verdict,
        simulated_seconds=(plan.ends_at - plan.begins_at) / 1_000_000,
        played_seconds=played,
        wall_seconds=took,
        events=peer.events,
        behind_seconds=playing.behind_seconds,
        logins=peer.logins,
        lags=tuple(sorted(watch.lags)),
        board_seconds=tuple(sorted(watch.board_seconds)),
        board_failures=watch.board_failures,
        cpu_seconds={name: usage.cpu_seconds for name, usage in watch.usage.items()},
        peak_bytes={name: usage.peak_bytes for name, usage in watch.usage.items()},
        outcomes=_outcomes(plan),
    )


def _outcomes(plan: Plan) -> dict[str, int]:
    found: dict[str, int] = {}
    for call in plan.calls:
        found[call.outcome] = found.get(call.outcome, 0) + 1
    return found


@contextlib.asynccontextmanager
async def _beside(*work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    """Run what looks on for the length of the block; its failure ends the block."""
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(each) for each in work]
        yield
        for task in running:
            task.cancel()


async def _until(done: Callable[[], bool], seconds: float, otherwise: str) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        if time.monotonic() > deadline:
            raise SimulationError(f"{otherwise} within {seconds:g} s; the logs lie below the data directory's log/.")
        await asyncio.sleep(0.02)


async def _settled(watch: Watch) -> None:
    """Wait until the end of every call that was told is stored, or nothing has come for SETTLED_SECONDS."""
    left, since = len(watch.unstored), time.monotonic()
    while left and time.monotonic() - since < SETTLED_SECONDS:
        await asyncio.sleep(0.05)
        if len(watch.unstored) != left:
            left, since = len(watch.unstored), time.monotonic()


async def _kill_router(settings: Settings, playing: Playing, cue: int) -> None:
    await _until(lambda: playing.told >= cue, 24 * 3600, "the plan did not come to the moment of the kill")
    os.kill(read_states(settings.data_dir / "run")["router"].pid, signal.SIGKILL)


async def _stored(database: Database) -> list[Call]:
    async with database.session() as session:
        return [call_of(row) for row in await CallRepository(session).page(CallFilter(), None, MOST)]
