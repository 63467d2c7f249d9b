"""How long an agent is kept from the next call: after a call (wrap-up), and after a call that was missed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Literal

HoldKind = Literal["wrap_up", "missed"]


@dataclass(frozen=True, slots=True)
class HoldRules:
    """config/routing.toml, [wrap_up] and [missed]."""

    wrap_up_limit: timedelta
    extension: timedelta
    most_extensions: int
    # How long the first, second, … missed call in a row pauses; the last one goes on counting.
    missed_pauses: tuple[timedelta, ...]
    # From so many missed calls in a row on, the supervisor is told.
    tell_after: int


@dataclass(frozen=True, slots=True)
class Hold:
    """An agent is kept from calls from `since` to `until`; `count` is extensions of a wrap-up, misses in a row else."""

    agent: str
    kind: HoldKind
    since: datetime
    until: datetime
    call_ref: str | None = None
    count: int = 0
    settled: bool = False

    def over(self, now: datetime) -> bool:
        """Whether it must be ended now: its time has passed, or what it waited for is done."""
        return self.settled or now >= self.until


def wrap_up(agent: str, call_ref: str, ended_at: datetime, rules: HoldRules) -> Hold:
    """Keep the agent from the next call while the draft of this one is finished."""
    return Hold(agent, "wrap_up", ended_at, ended_at + rules.wrap_up_limit, call_ref)


def extended(hold: Hold, rules: HoldRules) -> Hold | None:
    """Give the wrap-up more time; None when it was extended as often as it may be, or is no wrap-up."""
    if hold.kind != "wrap_up" or hold.count >= rules.most_extensions:
        return None
    return replace(hold, until=hold.until + rules.extension, count=hold.count + 1)


def missed(agent: str, misses: int, now: datetime, rules: HoldRules) -> Hold:
    """Pause an agent who missed `misses` calls in a row (1 is the first): each time longer."""
    steps: Sequence[timedelta] = rules.missed_pauses
    return Hold(agent, "missed", now, now + steps[min(misses, len(steps)) - 1], count=misses)


def tells_supervisor(hold: Hold, rules: HoldRules) -> bool:
    """Whether the supervisor is to know of it."""
    return hold.kind == "missed" and hold.count >= rules.tell_after
