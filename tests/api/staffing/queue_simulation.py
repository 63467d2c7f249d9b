"""A queue with patience, call by call: what the formulas are checked against. Knows nothing of them."""

import heapq
import math
import random
from collections import deque
from dataclasses import dataclass

import numpy as np

from api.staffing.erlang import Load

BATCHES = 20
# Student's t for 19 degrees of freedom, 99.9 %: many figures are compared.
_T = 3.883


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean and half the width of its 99.9 % confidence interval, by batch means."""

    mean: float
    margin: float

    def holds(self, value: float) -> bool:
        return abs(value - self.mean) <= self.margin


@dataclass(frozen=True, slots=True)
class Simulated:
    waiting: Estimate
    answered_within: Estimate
    service_level: Estimate
    abandoned: Estimate
    asa_seconds: Estimate
    wait_seconds: Estimate


@dataclass(slots=True)
class _Caller:
    came: float
    gives_up: float
    waits: float = 0.0
    answered: bool = False


def simulate(
    load: Load, agents: int, within: float, short: float, *, calls: int = 250_000, seed: int = 12345
) -> Simulated:
    """Let `calls` callers come, the first tenth of them to warm up."""
    dice = random.Random(seed)  # noqa: S311 - a simulation
    free, now, busy_until = agents, 0.0, list[float]()
    waiting, callers = deque[_Caller](), list[_Caller]()

    def begin(caller: _Caller, at: float) -> None:
        caller.waits, caller.answered = at - caller.came, True
        heapq.heappush(busy_until, at + dice.expovariate(1 / load.handling_seconds))

    def agents_become_free(until: float) -> None:
        nonlocal free
        while busy_until and busy_until[0] <= until:
            at = heapq.heappop(busy_until)
            while waiting and waiting[0].gives_up <= at:
                waiting.popleft()
            if waiting:
                begin(waiting.popleft(), at)
            else:
                free += 1

    for _ in range(calls):
        now += dice.expovariate(load.calls_per_second)
        agents_become_free(now)
        patience = dice.expovariate(1 / load.patience_seconds) if load.patience_seconds else math.inf
        caller = _Caller(now, now + patience, waits=patience)
        callers.append(caller)
        if free:
            free -= 1
            begin(caller, now)
        else:
            waiting.append(caller)
    agents_become_free(math.inf)
    return _figures(callers[calls // 10 :], within, short)


def _figures(callers: list[_Caller], within: float, short: float) -> Simulated:
    waits = np.array([caller.waits for caller in callers])
    answered = np.array([caller.answered for caller in callers])
    ones = np.ones(len(callers))
    in_time = answered & (waits <= within)
    return Simulated(
        waiting=_ratio(waits > 0, ones),
        answered_within=_ratio(in_time, ones),
        service_level=_ratio(in_time, answered | (waits > short)),
        abandoned=_ratio(~answered, ones),
        asa_seconds=_ratio(waits * answered, answered),
        wait_seconds=_ratio(waits, ones),
    )


def _ratio(above: np.ndarray, below: np.ndarray) -> Estimate:
    sums = [(float(a.sum()), float(b.sum())) for a, b in zip(_batches(above), _batches(below), strict=True)]
    means = np.array([a / b for a, b in sums])
    mean = sum(a for a, _ in sums) / sum(b for _, b in sums)
    return Estimate(mean, _T * float(means.std(ddof=1)) / math.sqrt(BATCHES))


def _batches(values: np.ndarray) -> list[np.ndarray]:
    return np.array_split(values, BATCHES)
