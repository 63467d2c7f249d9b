"""A desk under pressure: calls that ring and are answered, and one look at the promises after another."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert

from api.calls import service as calls
from api.enforcement.enforcing import Enforcer, enforce
from api.enforcement.load import parse_service_levels
from api.enforcement.models import ActRow
from api.enforcement.repository import ActFilter, EnforcementRepository
from api.heartbeats.models import HeartbeatRow
from api.kit.database import Database
from telephony.calls.model import Call, Wait
from tests.api import samples

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
FILE = """
[[policy]]
name = "test"
zh = "热线"
en = "hotline"
desk = "hotline"
from = 2026-01-01
until = 2026-12-01

[[policy.target]]
name = "waiting"
zh = "排队人数"
en = "callers waiting"
metric = "waiting"
window = "now"

[[policy.target.rung]]
act = "warn_wall"
zh = "排队"
en = "waiting"
begins_at = 3
ends_at = 1
hold_seconds = 5
cool_down_seconds = 30

[[policy.target.rung]]
act = "call_reserve"
zh = "后备"
en = "reserve"
begins_at = 5
ends_at = 2
hold_seconds = 5
cool_down_seconds = 30
members = ["8003", "8004"]
penalty = 1
"""
ENFORCER = Enforcer(
    parse_service_levels(FILE), "Asia/Shanghai", {("hotline", "8003"): 5, ("hotline", "8004"): 5}, "test:1"
)


def waiting(ref: str, at: datetime, caller: str = "13800000001") -> Call:
    """A call that stands in the queue since `at`."""
    one = samples.call(ref, "in_progress", caller=caller, offered_at=at)
    return replace(one, waits=(Wait("hotline", at),))


def abandoned(ref: str, at: datetime, after_seconds: float = 20, caller: str | None = "13800000001") -> Call:
    """A call whose caller hung up in the queue."""
    one = samples.call(ref, "abandoned", caller=caller, offered_at=at, wait_seconds=after_seconds)
    return replace(one, waits=(Wait("hotline", at, one.ended_at, "abandoned"),))


def answered(ref: str, at: datetime, after_seconds: float = 4, caller: str = "13800000001") -> Call:
    """A call that an agent answered out of the queue."""
    one = samples.call(ref, caller=caller, offered_at=at, wait_seconds=after_seconds)
    return replace(one, waits=(Wait("hotline", at, one.answered_at, "connected"),))


class Desk:
    """The database, and a clock that only goes when it is told."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.now = NOON
        self.enforcer = ENFORCER
        # The queues of each node whose router lives.
        self.nodes: dict[str, list[str]] = {"main": ["hotline", "enterprise"]}

    async def store(self, *some: Call) -> None:
        """Store calls as the router does."""
        async with self.database.session() as session:
            await calls.store_calls(session, some)

    async def look(self, *, times: int = 1, every: float = 5) -> None:
        """Look at the promises so often, and let time go on after each look."""
        for _ in range(times):
            await self.beat()
            async with self.database.session() as session:
                assert await EnforcementRepository(session).lock()
                await enforce(session, self.enforcer, self.now)
            self.now += timedelta(seconds=every)

    async def beat(self) -> None:
        """Let each node's router give a sign of life."""
        async with self.database.session() as session:
            for node, queues in self.nodes.items():
                key = {"process": "router", "host": node, "pid": 1}
                told = {"node": node, "queues": queues, "seen_at": func.now(), "standby": False}
                row = insert(HeartbeatRow).values(**key, **told, started_at=NOON)
                await session.execute(row.on_conflict_do_update(index_elements=list(key), set_=told))

    async def acts(self) -> list[ActRow]:
        """Return all acts, the first one first."""
        async with self.database.session() as session:
            return (await EnforcementRepository(session).page(ActFilter(), None, 100))[::-1]


@pytest.fixture
def desk(database: Database) -> Desk:
    """A quiet desk at noon."""
    return Desk(database)
