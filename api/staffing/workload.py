"""How long a call takes and how long callers wait before they hang up, from what was measured. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from api.staffing.policy import Assumptions

_LEAST_ANSWERED, _LEAST_ABANDONED, _LEAST_TALKS = 100, 30, 100
# An hour's own mean counts as much as the day's when it has so many calls.
_HOUR_PRIOR = 50
_SHORTEST_PATIENCE, _LONGEST_PATIENCE = 1.0, 3600.0


@dataclass(frozen=True, slots=True)
class Measured:
    """Sums over some weeks. `answered` (and over), `talk_seconds` (each agent's): by hour of the day, 24 of each.

    `wait_seconds`: of all callers; `abandoned`: short ones included; `talks` and `wrap_up_seconds`: of all agents;
    `rings` and `ring_seconds`: of phones that were answered.
    """

    answered: Sequence[int]
    talk_seconds: Sequence[float]
    wait_seconds: float
    abandoned: int
    talks: int
    wrap_up_seconds: float
    rings: int
    ring_seconds: float


@dataclass(frozen=True, slots=True)
class Assumption:
    """Something that was not measured: what, the value taken for it, and why."""

    what: str
    value: float
    why: tuple[str, str]

    def to_json(self) -> dict[str, Any]:
        """Give the agreed JSON shape."""
        return {"what": self.what, "value": self.value, "why": {"zh": self.why[0], "en": self.why[1]}}


@dataclass(frozen=True, slots=True)
class Workload:
    """What a call costs. `handling_seconds`: talk, hold and wrap-up, by hour of the day.

    `assumed`: what was not measured. A phone rings `ring_seconds` before it is answered: part of the caller's wait and
    of the agent's time.
    """

    handling_seconds: tuple[float, ...]
    patience_seconds: float
    ring_seconds: float
    assumed: tuple[Assumption, ...]


def workload(measured: Measured, assumed: Assumptions) -> Workload:
    """Work out what a call costs; what was measured too seldom is assumed, and told.

    Patience is hangups ÷ seconds waited by all, answered callers counting as long as they were seen to wait: the
    estimate of greatest likelihood for exponential patience (Mandelbaum and Zeltyn 2005, section 5).
    """
    told: list[Assumption] = []

    def or_assumed(value: float, what: str, *, known: bool, seen: int, needed: int) -> float:
        if known:
            return value
        guess = float(getattr(assumed, what))
        told.append(
            Assumption(
                what, guess, (f"只有{seen}次记录，至少需要{needed}次", f"seen {seen} times, {needed} are needed")
            )
        )
        return guess

    answered, talks = sum(measured.answered), measured.talks
    talk = or_assumed(
        sum(measured.talk_seconds) / max(1, answered),
        "talk_seconds",
        known=answered >= _LEAST_ANSWERED,
        seen=answered,
        needed=_LEAST_ANSWERED,
    )
    wrap_up = or_assumed(
        measured.wrap_up_seconds / max(1, talks),
        "wrap_up_seconds",
        known=talks >= _LEAST_TALKS,
        seen=talks,
        needed=_LEAST_TALKS,
    )
    patience = or_assumed(
        min(_LONGEST_PATIENCE, max(_SHORTEST_PATIENCE, measured.wait_seconds / max(1, measured.abandoned))),
        "patience_seconds",
        known=measured.abandoned >= _LEAST_ABANDONED,
        seen=measured.abandoned,
        needed=_LEAST_ABANDONED,
    )
    ring = or_assumed(
        measured.ring_seconds / max(1, measured.rings),
        "ring_seconds",
        known=measured.rings >= _LEAST_TALKS,
        seen=measured.rings,
        needed=_LEAST_TALKS,
    )
    by_hour = (
        (seconds + _HOUR_PRIOR * talk) / (calls + _HOUR_PRIOR) if answered >= _LEAST_ANSWERED else talk
        for calls, seconds in zip(measured.answered, measured.talk_seconds, strict=True)
    )
    return Workload(tuple(seconds + wrap_up for seconds in by_hour), patience, ring, tuple(told))
