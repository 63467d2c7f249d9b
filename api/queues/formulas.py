"""The metrics of a queue: pure formulas over what was counted.

Every figure comes with its numerator, its denominator and what was left out of both; a figure without a denominator
has no value. Calls count where they were offered. A caller who still waits is left out everywhere: whether a human
answers is not known yet.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from api.queues.metrics import AGENT_METRICS, METRICS
from api.queues.sums import WAIT_STEPS, AgentSums, CallSums


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one period: `value` = numerator ÷ denominator, None where the denominator is 0.

    `excluded`: what stands in neither, by reason; calls, except for occupancy, where all are seconds. The longest wait
    is no quotient: its numerator is the value, its denominator how many callers it was the longest of.
    """

    metric: str
    numerator: float
    denominator: float
    value: float | None
    excluded: Mapping[str, float] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the API and the command line print."""
        known = METRICS[self.metric]
        return {
            "metric": self.metric,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "value": self.value,
            "unit": known.unit,
            "excluded": dict(self.excluded),
            "formula": known.formula,
            "source": known.source,
        }


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that the formulas are given; each one of WAIT_STEPS, in seconds.

    Defaults: 15 s (GB/T 33358-2016), and the Y of a service level 80/20.
    """

    answer_seconds: int = 15
    service_seconds: int = 20

    def __post_init__(self) -> None:
        for seconds in (self.answer_seconds, self.service_seconds):
            if seconds not in WAIT_STEPS:
                raise ValueError(f"answers are counted within {WAIT_STEPS} seconds, not within {seconds}")


def connected(calls: CallSums) -> Figure:
    """接通率: answered ÷ offered."""
    return _of("connected", calls.answered, calls.decided, waiting=calls.waiting)


def connected_less_short(calls: CallSums) -> Figure:
    """接通率 in the variant without short abandons: who hung up within 5 s gave nobody a chance."""
    return _of(
        "connected_less_short",
        calls.answered,
        calls.decided - calls.short_abandoned,
        waiting=calls.waiting,
        short_abandoned=calls.short_abandoned,
    )


def answer_in_time(calls: CallSums, seconds: int) -> Figure:
    """15 秒接听率: answered within `seconds` ÷ offered."""
    return _of("answer_in_time", calls.within(seconds), calls.decided, waiting=calls.waiting)


def answer_in_time_of_answered(calls: CallSums, seconds: int) -> Figure:
    """15 秒接听率 over answered, the flattering variant."""
    return _of(
        "answer_in_time_of_answered",
        calls.within(seconds),
        calls.answered,
        waiting=calls.waiting,
        unanswered=calls.unanswered,
    )


def service_level(calls: CallSums, seconds: int) -> Figure:
    """Service level X/Y: answered within Y = `seconds` ÷ (answered + abandons longer than the short threshold)."""
    return _of(
        "service_level",
        calls.within(seconds),
        calls.answered + calls.abandoned,
        waiting=calls.waiting,
        short_abandoned=calls.short_abandoned,
        failed=calls.failed,
    )


def abandoned(calls: CallSums) -> Figure:
    """放弃率: hung up in the queue ÷ queued; short abandons are apart, see short_abandoned()."""
    return _of("abandoned", calls.queued_abandoned, calls.queued - calls.queued_waiting, **_not_queued(calls))


def short_abandoned(calls: CallSums) -> Figure:
    """短时放弃: hung up in the queue within the short threshold ÷ queued."""
    return _of(
        "short_abandoned", calls.queued_short_abandoned, calls.queued - calls.queued_waiting, **_not_queued(calls)
    )


def asa(calls: CallSums) -> Figure:
    """ASA: Σ wait of answered ÷ answered, in seconds."""
    return _of(
        "asa",
        _seconds(calls.answered_wait_microseconds),
        calls.answered,
        waiting=calls.waiting,
        unanswered=calls.unanswered,
    )


def mean_wait(calls: CallSums) -> Figure:
    """Mean wait of all callers, answered or not, in seconds."""
    waits = calls.answered_wait_microseconds + calls.unanswered_wait_microseconds
    return _of("mean_wait", _seconds(waits), calls.decided, waiting=calls.waiting)


def longest_wait(calls: CallSums) -> Figure:
    """Longest wait of any caller, answered or not, in seconds."""
    longest = _seconds(calls.longest_wait_microseconds)
    return Figure(
        "longest_wait", longest, calls.decided, longest if calls.decided else None, _some(waiting=calls.waiting)
    )


def aht(calls: CallSums) -> Figure:
    """AHT: (talk + hold + wrap-up) ÷ answered, in seconds; a call that goes on has no length yet and is left out."""
    return _of(
        "aht",
        _seconds(calls.talk_microseconds + calls.wrap_up_microseconds),
        calls.handled,
        waiting=calls.waiting,
        unanswered=calls.unanswered,
        talking=max(0, calls.answered - calls.handled),
    )


def occupancy(agents: AgentSums) -> Figure:
    """Occupancy: (talk + hold + wrap-up) ÷ (those + idle), in agents' seconds; breaks are out, and so is ringing."""
    busy = agents.talking_microseconds + agents.wrap_up_microseconds
    return _of(
        "occupancy",
        _seconds(busy),
        _seconds(busy + agents.idle_microseconds),
        paused=_seconds(agents.paused_microseconds),
        ringing=_seconds(agents.ringing_microseconds),
    )


def figures(calls: CallSums, agents: AgentSums, limits: Limits) -> dict[str, Figure]:
    """Return every metric of a period, in the order of METRICS."""
    of_calls: tuple[Callable[[CallSums], Figure], ...] = (
        connected,
        connected_less_short,
        abandoned,
        short_abandoned,
        asa,
        mean_wait,
        longest_wait,
        aht,
    )
    found = [
        *(formula(calls) for formula in of_calls),
        answer_in_time(calls, limits.answer_seconds),
        answer_in_time_of_answered(calls, limits.answer_seconds),
        service_level(calls, limits.service_seconds),
        occupancy(agents),
    ]
    by_name = {figure.metric: figure for figure in found}
    return {name: by_name[name] for name in METRICS}


def agent_figures(calls: CallSums, agents: AgentSums, limits: Limits) -> dict[str, Figure]:
    """Return the metrics of one agent."""
    found = figures(calls, agents, limits)
    return {name: found[name] for name in AGENT_METRICS}


def _of(metric: str, numerator: float, denominator: float, **excluded: float) -> Figure:
    value = numerator / denominator if denominator else None
    return Figure(metric, numerator, denominator, value, _some(**excluded))


def _some(**excluded: float) -> dict[str, float]:
    return {reason: amount for reason, amount in excluded.items() if amount}


def _not_queued(calls: CallSums) -> dict[str, int]:
    return {"waiting": calls.waiting, "not_queued": calls.decided - (calls.queued - calls.queued_waiting)}


def _seconds(microseconds: int) -> float:
    return microseconds / 1_000_000
