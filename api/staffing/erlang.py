"""Queues of identical agents, in closed form: Erlang B, C and A. Pure.

Calls arrive at random (Poisson), handling times and patience are exponential, agents are alike, who waited longest is
served first.
- Erlang B, M/M/n/n: nobody waits. Erlang 1917; the recursion: Jagerman 1974, "Some properties of the Erlang loss
  function", Bell System Technical Journal 53.
- Erlang C, M/M/n: everybody waits for ever.
- Erlang A, M/M/n+M: a caller hangs up when their patience ends. Palm 1957; Garnett, Mandelbaum and Reiman 2002,
  "Designing a call center with impatient customers", M&SOM 4; Mandelbaum and Zeltyn 2005, "The Palm/Erlang-A queue,
  with applications to call centers"; the density of the offered wait: Baccelli and Hebuterne 1981, "On queues with
  impatient customers".
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

MOST_ERLANGS = 20_000.0
MOST_AGENTS = 100_000
LEAST_PATIENCE_SECONDS = 0.1
_MOST_STATES = 5_000_000
# exp(-40) lies below the last digit of a float beside 1.
_NEGLIGIBLE = 40.0
_NODES, _WEIGHTS = np.polynomial.legendre.leggauss(16)
# How far the exponent of the waiting time's density may move within one panel of 16 nodes: 1e-14 stays.
_PANEL = 3.0


class ImpossibleQueue(ValueError):
    """These figures describe no queue that can be computed; the message says which and what to give instead."""

    error_id = "staffing.impossible_queue"


@dataclass(frozen=True, slots=True)
class Load:
    """What comes in: calls in a second, the mean seconds that one takes, the mean patience of a waiting caller.

    `patience_seconds` None: nobody hangs up (Erlang C). Raises ImpossibleQueue.
    """

    calls_per_second: float
    handling_seconds: float
    patience_seconds: float | None = None

    def __post_init__(self) -> None:
        _check(
            math.isfinite(self.calls_per_second) and self.calls_per_second >= 0, "calls_per_second", "a number from 0"
        )
        _check(
            math.isfinite(self.handling_seconds) and self.handling_seconds > 0, "handling_seconds", "a number above 0"
        )
        patience = self.patience_seconds
        _check(
            patience is None or (math.isfinite(patience) and patience >= LEAST_PATIENCE_SECONDS),
            "patience_seconds",
            f"a number from {LEAST_PATIENCE_SECONDS:g}, or None where nobody hangs up",
        )
        _check(self.erlangs <= MOST_ERLANGS, "calls_per_second × handling_seconds", f"at most {MOST_ERLANGS:g} erlangs")

    @property
    def erlangs(self) -> float:
        """Return the offered load: how many agents would be busy if there were enough of them."""
        return self.calls_per_second * self.handling_seconds


@dataclass(frozen=True, slots=True)
class Performance:
    """What callers and agents meet, in the long run.

    `waiting`: probability that no agent is free. `answered_within`: answered in time ÷ offered. `service_level`:
    answered in time ÷ (offered − abandoned within the short threshold). `abandoned`: hung up waiting ÷ offered.
    `asa_seconds`: mean wait of the answered; `wait_seconds`: of all. `occupancy`: busy agents ÷ agents.
    """

    waiting: float
    answered_within: float
    service_level: float
    abandoned: float
    asa_seconds: float
    wait_seconds: float
    occupancy: float


@dataclass(frozen=True, slots=True)
class Targets:
    """What is to be reached; None asks nothing. Shares lie between 0 and 1. Raises ImpossibleQueue.

    `service_level` of callers answered within `within_seconds`, abandons up to `short_abandon_seconds` left out;
    at most `abandoned` hang up; agents are busy at most `occupancy` of their time.
    """

    service_level: float | None = None
    within_seconds: float = 15.0
    short_abandon_seconds: float = 0.0
    abandoned: float | None = None
    occupancy: float | None = None

    def __post_init__(self) -> None:
        for name in ("service_level", "abandoned"):
            share = getattr(self, name)
            _check(share is None or 0 < share < 1, name, "between 0 and 1, both excluded")
        _check(self.occupancy is None or 0 < self.occupancy <= 1, "occupancy", "above 0 and at most 1")
        _check_seconds(self.within_seconds, self.short_abandon_seconds)

    def met(self, reached: Performance) -> bool:
        """Say whether all that is asked for is reached."""
        return (
            (self.service_level is None or reached.service_level >= self.service_level)
            and (self.abandoned is None or reached.abandoned <= self.abandoned)
            and (self.occupancy is None or reached.occupancy <= self.occupancy)
        )


def erlang_b(agents: int, erlangs: float) -> float:
    """Return the probability that all `agents` are busy where nobody waits: B(n) = a·B(n−1) ÷ (n + a·B(n−1)).

    Raises ImpossibleQueue.
    """
    _check_agents(agents, least=0)
    _check(0 <= erlangs <= MOST_ERLANGS, "erlangs", f"from 0 to {MOST_ERLANGS:g}")
    blocked = 1.0
    for number in range(1, agents + 1):
        blocked = erlangs * blocked / (number + erlangs * blocked)
    return blocked


def erlang_c(agents: int, erlangs: float) -> float:
    """Return the probability that a caller has to wait where nobody hangs up: n·B ÷ (n − a·(1 − B)).

    Raises ImpossibleQueue, also for a load that these agents can never work off.
    """
    blocked = erlang_b(agents, erlangs)
    if erlangs >= agents:
        raise ImpossibleQueue(
            f"{agents} agents cannot work off {erlangs:g} erlangs where nobody hangs up: the queue grows for ever. "
            "Give more agents, or a patience."
        )
    return agents * blocked / (agents - erlangs * (1 - blocked))


def performance(
    load: Load, agents: int, within_seconds: float = 15.0, short_abandon_seconds: float = 0.0
) -> Performance:
    """Return what `agents` reach under a load: Erlang A, or Erlang C where nobody hangs up.

    Raises ImpossibleQueue.
    """
    _check_agents(agents, least=1)
    _check_seconds(within_seconds, short_abandon_seconds)
    if load.calls_per_second == 0:
        return Performance(0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0)
    if load.patience_seconds is None:
        return _patient(load, agents, within_seconds)
    return _impatient(load, load.patience_seconds, agents, within_seconds, short_abandon_seconds)


def agents_needed(load: Load, targets: Targets) -> int:
    """Return the fewest agents that meet all targets; 0 where no call comes.

    More agents never make any figure worse, so the number is found by halving. Raises ImpossibleQueue.
    """
    if load.calls_per_second == 0:
        return 0

    def enough(agents: int) -> bool:
        if load.patience_seconds is None and agents <= load.erlangs:
            return False
        return targets.met(performance(load, agents, targets.within_seconds, targets.short_abandon_seconds))

    # Square-root staffing (Garnett, Mandelbaum and Reiman 2002) is a few agents off.
    return _fewest(enough, max(1, math.ceil(load.erlangs + 0.5 * math.sqrt(load.erlangs))))


def _fewest(enough: Callable[[int], bool], guess: int) -> int:
    step = 1
    if enough(guess):
        high, low = guess, guess - 1
        while low > 0 and enough(low):
            high, low, step = low, max(0, low - step * 2), step * 2
    else:
        low, high = guess, guess + 1
        while not enough(high):
            low, high, step = high, high + step * 2, step * 2
    while high - low > 1:
        middle = (low + high) // 2
        if enough(middle):
            high = middle
        else:
            low = middle
    return high


def _patient(load: Load, agents: int, within_seconds: float) -> Performance:
    waiting = erlang_c(agents, load.erlangs)
    spare = (agents - load.erlangs) / load.handling_seconds
    answered = 1 - waiting * math.exp(-spare * within_seconds)
    wait = waiting / spare
    return Performance(waiting, answered, answered, 0.0, wait, wait, load.erlangs / agents)


def _impatient(load: Load, patience: float, agents: int, within_seconds: float, short_seconds: float) -> Performance:
    # x and y as in Palm's formulas: departures of busy agents, and arrivals, during one patience.
    x, y = agents * patience / load.handling_seconds, load.calls_per_second * patience
    queued, log_sum = _queue_lengths(x, y)
    waiting = _waiting(erlang_b(agents, load.erlangs), log_sum)
    # Whoever finds j callers waiting is served with probability x ÷ (x + j + 1), after j + 1 departures.
    departures = x + np.arange(1, len(queued) + 1)
    served = x / departures
    abandoned = waiting * float(np.sum(queued * (1 - served)))
    answered_wait = waiting * patience * float(np.sum(queued * served * np.cumsum(1 / departures)))
    in_time, _ = _offered_wait(load, patience, agents, log_sum, within_seconds)
    _, in_short = _offered_wait(load, patience, agents, log_sum, short_seconds)
    answered = 1 - waiting + waiting * in_time
    short = waiting * in_short
    return Performance(
        waiting=waiting,
        answered_within=min(answered, 1 - abandoned),
        service_level=answered / max(1 - short, answered),
        abandoned=abandoned,
        asa_seconds=answered_wait / (1 - abandoned),
        # Little's law for those who wait: the rate of hanging up is waiting callers ÷ patience.
        wait_seconds=abandoned * patience,
        occupancy=load.erlangs * (1 - abandoned) / agents,
    )


def _queue_lengths(x: float, y: float) -> tuple[np.ndarray, float]:
    """Return how likely 0, 1, 2, … callers wait while all agents are busy, and log A(x, y).

    A(x, y) = Σ yʲ ÷ ((x+1)…(x+j)), added up in logarithms: its terms pass 10^1000 in an overloaded hour.
    """
    width = math.sqrt(2 * _NEGLIGIBLE * max(x, y)) + _NEGLIGIBLE
    if y < x:
        width = min(width, _NEGLIGIBLE / math.log(x / y))
    states = int(max(0.0, y - x) + width) + 2
    if states > _MOST_STATES:
        raise ImpossibleQueue(
            f"More than {_MOST_STATES} callers would wait: so patient are they for so few agents. "
            "Give a shorter patience or more agents."
        )
    logs = np.concatenate(([0.0], np.cumsum(math.log(y) - np.log(x + np.arange(1, states)))))
    top = float(logs.max())
    terms = np.exp(logs - top)
    total = float(terms.sum())
    return terms / total, top + math.log(total)


def _waiting(blocked: float, log_sum: float) -> float:
    """Return P(W > 0) = A·B ÷ (1 + (A − 1)·B), where A may be too large and B too small for a float."""
    if blocked == 0.0:
        return 0.0
    odds = math.log1p(-blocked) - log_sum - math.log(blocked) if blocked < 1 else -math.inf
    return 1 / (1 + math.exp(odds)) if odds < 700 else 0.0  # noqa: PLR2004 - exp(709) overflows


def _offered_wait(load: Load, patience: float, agents: int, log_sum: float, seconds: float) -> tuple[float, float]:
    """Return, of those who wait, who is answered and who hangs up within some seconds.

    Integrates the density of the time after which an agent would be free, exp(y·(1 − e^(−t/p)) − n·t/h) ÷ J.

    Whoever is still there then is answered; J is the integral to infinity, A(x, y)·h ÷ n.
    """
    if seconds == 0:
        return 0.0, 0.0
    leaving = agents / load.handling_seconds
    y = load.calls_per_second * patience
    steepest = max(leaving, load.calls_per_second, math.sqrt(load.calls_per_second / patience), 1 / patience)
    panels = max(1, math.ceil(seconds * steepest / _PANEL))  # the product may be too small for a float
    half = seconds / panels / 2
    middles = (np.arange(panels) * 2 + 1) * half
    moments = (middles[:, None] + half * _NODES).ravel()
    weights = np.tile(_WEIGHTS * half, panels)
    density = np.exp(-y * np.expm1(-moments / patience) - leaving * moments - log_sum + math.log(leaving)) * weights
    patient = np.exp(-moments / patience)
    answered = float(np.sum(density * patient))
    # Hung up by then: the agent came later than the patience ended, and it has ended.
    came = min(1.0, float(np.sum(density)))
    hung_up = 1 - math.exp(-seconds / patience) * (1 - came) - answered
    return answered, max(0.0, hung_up)


def _check(holds: bool, name: str, wanted: str) -> None:
    if not holds:
        raise ImpossibleQueue(f"{name} must be {wanted}.")


def _check_agents(agents: int, *, least: int) -> None:
    _check(least <= agents <= MOST_AGENTS, "agents", f"a whole number from {least} to {MOST_AGENTS}")


def _check_seconds(within_seconds: float, short_abandon_seconds: float) -> None:
    for name, value in (("within_seconds", within_seconds), ("short_abandon_seconds", short_abandon_seconds)):
        _check(math.isfinite(value) and value >= 0, name, "a number from 0")
