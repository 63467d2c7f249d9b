"""The desk of tests/api/enforcement, with a rule about callbacks."""

from datetime import datetime

import pytest

from api.callbacks.following import follow
from api.callbacks.models import CallbackRow
from api.callbacks.repository import CallbackFilter, CallbackRepository
from api.calls import service as calls
from api.commands import service as commands
from api.commands.repository import CommandRepository
from api.enforcement.load import parse_service_levels
from api.kit import clock
from api.kit.database import Database
from api.outward import service as outward
from telephony.calls.model import Call
from telephony.calls.outward import OutwardCall
from tests.api.enforcement.conftest import NOON

FILE = """
[[policy]]
name = "test"
zh = "热线"
en = "hotline"
desk = "hotline"
from = 2026-01-01

[policy.callback]
due_minutes = 30
tries = 2
spacing_minutes = 20
nuisance = ["13800009999"]
"""


class Follower:
    """The database, and the follower when it is called."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.levels = parse_service_levels(FILE)

    async def store(self, *some: Call) -> None:
        """Store calls as the router does."""
        async with self.database.session() as session:
            await calls.store_calls(session, some)

    async def follow(self, now: datetime = NOON) -> list[int]:
        """Follow once."""
        async with self.database.session() as session:
            return await follow(session, self.levels, "Asia/Shanghai", now)

    async def carry_out(self, dial_ref: str, *, failed: str | None = None) -> None:
        """Do what the router does with the last order: the agent's phone rings, or it could not be done."""
        async with self.database.session() as session:
            command = (await commands.latest(session, 1))[0]
            ending = (
                {"state": "failed", "error": failed} if failed else {"state": "done", "result": {"dial_ref": dial_ref}}
            )
            await CommandRepository(session).finish(command.command_id, finished_at=clock.now(), **ending)
            if not failed:
                await outward.carried_out(session, command, {"dial_ref": dial_ref}, clock.now())

    async def tell(self, *some: OutwardCall) -> None:
        """Store what Asterisk told of calls that agents placed."""
        async with self.database.session() as session:
            await outward.store(session, "main", some)

    async def all(self) -> list[CallbackRow]:
        """Return all callbacks, in the order in which they are due."""
        async with self.database.session() as session:
            return await CallbackRepository(session).page(CallbackFilter(), None, 500)

    async def states(self) -> dict[str, tuple[str, str | None]]:
        """Return state and reason by call."""
        return {each.call_ref: (each.state, each.reason) for each in await self.all()}


@pytest.fixture
def follower(database: Database) -> Follower:
    """A follower that has followed nothing yet."""
    return Follower(database)
