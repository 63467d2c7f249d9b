"""Looks at a running simulation: how late calls are stored, what the board answers, what everything costs."""

import asyncio
import os
import time
from dataclasses import dataclass, field

import httpx
from sqlalchemy import select

from api.calls.models import CallRow
from api.kit.database import Database
from api.kit.settings import Settings
from api.simulation.usage import Usage, family
from api.supervisor import read_states
from telephony.simulation.player import Playing

LOOK_SECONDS = 0.25
BOARD_SECONDS = 1.0
USAGE_SECONDS = 1.0
# What a wall display and a supervisor's page ask for.
BOARD = ("/api/v1/queues/hotline/live", "/api/v1/calls")
_PARTS = ("router", "postgres", "api")


@dataclass(slots=True)
class Watch:
    """What was seen. `lags`: seconds from a call's last event to its end being stored, seen every LOOK_SECONDS."""

    settings: Settings
    database: Database
    playing: Playing
    lags: list[float] = field(default_factory=list)
    board_seconds: list[float] = field(default_factory=list)
    board_failures: int = 0
    usage: dict[str, Usage] = field(default_factory=lambda: {name: Usage() for name in (*_PARTS, "peer")})
    _stored: set[str] = field(default_factory=set)

    @property
    def unstored(self) -> list[str]:
        """The calls whose end was told and is not stored yet."""
        return [ref for ref in list(self.playing.ended) if ref not in self._stored]

    async def look(self) -> None:
        """See which of the calls that ended are stored as ended; until cancelled."""
        while True:
            await self.look_once()
            await asyncio.sleep(LOOK_SECONDS)

    async def look_once(self) -> None:
        """See it once."""
        if not (waiting := self.unstored):
            return
        async with self.database.session() as session:
            query = select(CallRow.call_ref).where(CallRow.call_ref.in_(waiting), CallRow.ended_at.is_not(None))
            found = list(await session.scalars(query))
        now = time.monotonic()
        self.lags += [now - self.playing.ended[ref] for ref in found]
        self._stored.update(found)

    async def read_board(self, token: str) -> None:
        """Read the board every second, as a wall display does; until cancelled."""
        base = f"http://{self.settings.http.host}:{self.settings.http.port}"
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(base_url=base, headers=headers, trust_env=False, timeout=30) as client:
            while True:
                began = time.monotonic()
                try:
                    for path in BOARD:
                        (await client.get(path)).raise_for_status()
                    self.board_seconds.append(time.monotonic() - began)
                except httpx.HTTPError:
                    self.board_failures += 1
                await asyncio.sleep(max(0.0, BOARD_SECONDS - (time.monotonic() - began)))

    async def measure(self) -> None:
        """Note CPU and memory every second; until cancelled."""
        while True:
            await asyncio.to_thread(self.measure_once)
            await asyncio.sleep(USAGE_SECONDS)

    def measure_once(self) -> None:
        """Note them once."""
        for name, state in read_states(self.settings.data_dir / "run").items():
            if name in self.usage:
                self.usage[name].note(family(state.pid))
        self.usage["peer"].note([os.getpid()])

    def start_counting(self) -> None:
        """Leave out what was spent until now."""
        self.measure_once()
        for usage in self.usage.values():
            usage.forget_what_was()
