"""A queue as it is this moment: who waits, what agents do, the last quarter of an hour, today."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.accounts import service as accounts
from api.agents import service as agents
from api.kit import clock
from api.queues import service
from api.queues.formulas import Figure, Limits
from api.queues.period import Period
from api.queues.repository import LiveRepository
from telephony.agents.model import State

LAST = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class AgentNow:
    """What an agent does, since when, and why; `name` is None where only the extension is known."""

    agent: str
    name: str | None
    state: State
    reason: str | None
    since: datetime
    call_ref: str | None


@dataclass(frozen=True, slots=True)
class LiveFigures:
    """A queue (None: all of them) at `at`. Agents are those of the whole hall: they belong to no queue."""

    queue: str | None
    at: datetime
    waiting: int
    longest_wait_seconds: float
    talking: int
    agents: tuple[AgentNow, ...]
    last_15_minutes: Mapping[str, Figure]
    today: Mapping[str, Figure]

    @property
    def agents_by_state(self) -> dict[State, int]:
        """How many agents are in each state."""
        return dict(Counter(each.state for each in self.agents))

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the API prints."""
        return {
            "queue": self.queue or service.ALL,
            "at": self.at.isoformat(timespec="microseconds"),
            "waiting": self.waiting,
            "longest_wait_seconds": self.longest_wait_seconds,
            "talking": self.talking,
            "agents_by_state": self.agents_by_state,
            "agents": [
                {
                    "agent": each.agent,
                    "name": each.name,
                    "state": each.state,
                    "reason": each.reason,
                    "since": each.since.isoformat(timespec="microseconds"),
                    "call_ref": each.call_ref,
                }
                for each in self.agents
            ],
            "last_15_minutes": {name: figure.to_json() for name, figure in self.last_15_minutes.items()},
            "today": {name: figure.to_json() for name, figure in self.today.items()},
        }


async def live_figures(
    session: AsyncSession,
    queue: str | None,
    now: datetime,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    timezone: str = "Asia/Shanghai",
) -> LiveFigures:
    """Return a queue's figures at `now`; today began at midnight in `timezone`.

    A caller waits in the queue joined last, be it for the desk that the call came to or for one that it overflowed to;
    all callers' waits count from the first ring.
    """
    repository = LiveRepository(session)
    waiting, offered_first = await repository.waiting(queue)
    midnight, _end = clock.day_bounds(now, timezone)

    async def since(start: datetime) -> Mapping[str, Figure]:
        found = await service.report(session, queue, Period(start, now), now, limits, timezone=timezone)
        return found.whole.figures

    return LiveFigures(
        queue,
        now,
        waiting,
        max(0.0, (now - offered_first).total_seconds()) if offered_first else 0.0,
        await repository.talking(queue),
        await agents_now(session),
        await since(now - LAST),
        await since(min(midnight, now - timedelta(microseconds=1))),
    )


async def agents_now(session: AsyncSession) -> tuple[AgentNow, ...]:
    """Return what every agent does now, by extension; an agent at several nodes once, where there is most to do."""
    names = await accounts.agent_names(session)
    found: dict[str, AgentNow] = {}
    for spell in await agents.current_spells(session):
        each = AgentNow(
            spell.agent, names.get(spell.agent), spell.state, spell.reason, spell.started_at, spell.call_ref
        )
        other = found.get(spell.agent)
        if other is None or _BUSIEST.index(each.state) < _BUSIEST.index(other.state):
            found[spell.agent] = each
    return tuple(found[agent] for agent in sorted(found))


_BUSIEST: tuple[State, ...] = ("talking", "ringing", "wrap_up", "idle", "paused", "offline")
