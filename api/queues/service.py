"""Figures of any period, exact at any moment, and the calls behind each of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, literal_column
from sqlalchemy.ext.asyncio import AsyncSession

from api.calls.repository import CallFilter
from api.kit.problems import NotFound
from api.queues import sets
from api.queues.formulas import Figure, Limits, agent_figures, figures
from api.queues.metrics import METRICS
from api.queues.period import By, Period
from api.queues.repository import Key, RollupRepository, Wanted, worked_on
from api.queues.sums import AgentSums, CallSums

# Instead of a queue's name: all of them together.
ALL = "all"
Part = Literal["numerator", "denominator", "excluded"]


class QueueNotFound(NotFound):
    """No queue has this name."""

    error_id = "queue_not_found"


class MetricNotFound(NotFound):
    """No metric has this name."""

    error_id = "metric_not_found"


@dataclass(frozen=True, slots=True)
class Line:
    """A period's figures, or those of one part of it: a quarter, an hour, a day, an agent, a queue."""

    key: Key
    calls: CallSums
    figures: Mapping[str, Figure]

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the API prints."""
        return {
            "key": self.key.isoformat() if isinstance(self.key, datetime) else self.key,
            "counts": counts_json(self.calls),
            "metrics": {name: figure.to_json() for name, figure in self.figures.items()},
        }


@dataclass(frozen=True, slots=True)
class Report:
    """A period's figures as a whole and by its parts."""

    whole: Line
    parts: tuple[Line, ...]


async def report(
    session: AsyncSession,
    queue: str | None,
    period: Period,
    now: datetime,
    limits: Limits,
    *,
    by: By | None = None,
    timezone: str,
) -> Report:
    """Compute every metric of a period for a queue (None: all of them), as a whole and by its parts.

    Whole quarters come from what was counted, quarters that changed since and the period's edges from the calls.
    """
    repository = RollupRepository(session)
    marked = await repository.marked(period)

    async def sums(division: By | None) -> tuple[dict[Key, CallSums], dict[Key, AgentSums]]:
        wanted = Wanted(period, queue, division, timezone)
        return await repository.call_sums(wanted, marked), await repository.agent_sums(wanted, marked, now)

    calls, agents = await sums(None)
    counted, time = calls.get(None, CallSums()), agents.get(None, AgentSums())
    whole = Line(None, counted, figures(counted, time, limits))
    if by is None:
        return Report(whole, ())
    calls, agents = await sums(by)
    return Report(whole, tuple(_lines(calls, agents, limits, by)))


def _lines(calls: Mapping[Key, CallSums], agents: Mapping[Key, AgentSums], limits: Limits, by: By) -> list[Line]:
    formula = agent_figures if by == "agent" else figures
    # Time belongs to agents, and agents to no queue.
    keys: set[Any] = {*calls} if by == "queue" else {*calls, *agents}
    found = []
    for key in sorted(keys):
        counted = calls.get(key, CallSums())
        found.append(Line(key, counted, formula(counted, agents.get(key, AgentSums()), limits)))
    return found


def counts_json(calls: CallSums) -> dict[str, int]:
    """Return how many calls there were, by what became of them."""
    return {
        "offered": calls.offered,
        "answered": calls.answered,
        "abandoned": calls.abandoned,
        "short_abandoned": calls.short_abandoned,
        "failed": calls.failed,
        "waiting": calls.waiting,
        "queued": calls.queued,
    }


async def known_queues(session: AsyncSession, configured: Iterable[str]) -> list[str]:
    """Return the queues that are configured, in their order, then others that had calls, by name."""
    configured = list(configured)
    return [*configured, *sorted(set(await RollupRepository(session).queues()) - set(configured))]


def behind(queue: str | None, period: Period, metric: str, part: Part, limits: Limits) -> CallFilter:
    """Return which calls stand behind a part of a figure: as many as it counts, where it counts calls.

    Raises MetricNotFound.
    """
    if metric not in METRICS:
        raise MetricNotFound(f"There is no metric {metric!r}; there are {', '.join(METRICS)}.")
    if metric == "occupancy":
        # Agents' time is of no queue, and what is left out of it is time without calls.
        none: ColumnElement[bool] = literal_column("false")
        return CallFilter(among=none if part == "excluded" else worked_on(period))
    numerator, denominator = sets.parts(metric, limits.answer_seconds, limits.service_seconds)
    condition = {"numerator": numerator, "denominator": denominator, "excluded": f"(NOT {denominator})"}[part]
    among: ColumnElement[bool] = literal_column(condition)
    return CallFilter(since=period.since, until=period.until, queue=queue, among=among)
