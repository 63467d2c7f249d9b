"""What is counted of a period: additive, exact, and enough for every metric."""

from dataclasses import dataclass, fields
from typing import Self

# Answered within so many seconds: what a target may ask for.
WAIT_STEPS = (5, 10, 15, 20, 30, 45, 60, 90, 120)
NONE_WITHIN = (0,) * len(WAIT_STEPS)


@dataclass(frozen=True, slots=True)
class CallSums:
    """The calls offered in a period; each is in exactly one of the first five counts.

    `waiting`: neither answered nor over. `queued…`: those of them that stood in a queue. `answered_within`: answered
    within WAIT_STEPS seconds, cumulative. `handled`: answered and over; talk (hold in it) and wrap-up are theirs, each
    agent's part for itself. Times are whole microseconds, so that sums are the same in whatever order they are made.

    For one agent: `answered` counts the calls that the agent answered first, `handled` those that the agent took part
    in; callers whom nobody answered belong to no agent.
    """

    waiting: int = 0
    answered: int = 0
    abandoned: int = 0
    short_abandoned: int = 0
    failed: int = 0
    queued: int = 0
    queued_waiting: int = 0
    queued_abandoned: int = 0
    queued_short_abandoned: int = 0
    answered_within: tuple[int, ...] = NONE_WITHIN
    answered_wait_microseconds: int = 0
    unanswered_wait_microseconds: int = 0
    longest_wait_microseconds: int = 0
    handled: int = 0
    talk_microseconds: int = 0
    wrap_up_microseconds: int = 0

    @property
    def offered(self) -> int:
        """All calls of the period."""
        return self.decided + self.waiting

    @property
    def decided(self) -> int:
        """Calls of which it is known whether a human answered."""
        return self.answered + self.unanswered

    @property
    def unanswered(self) -> int:
        """Calls that ended without a human."""
        return self.abandoned + self.short_abandoned + self.failed

    def within(self, seconds: int) -> int:
        """Return how many calls were answered within so many seconds, one of WAIT_STEPS. Raises ValueError."""
        return self.answered_within[WAIT_STEPS.index(seconds)]

    def __add__(self, other: Self) -> Self:
        values = {each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)}
        values["answered_within"] = tuple(map(sum, zip(self.answered_within, other.answered_within, strict=True)))
        values["longest_wait_microseconds"] = max(self.longest_wait_microseconds, other.longest_wait_microseconds)
        return type(self)(**values)


@dataclass(frozen=True, slots=True)
class AgentSums:
    """How agents spent a period, in whole microseconds; hold is part of talking."""

    talking_microseconds: int = 0
    wrap_up_microseconds: int = 0
    idle_microseconds: int = 0
    ringing_microseconds: int = 0
    paused_microseconds: int = 0

    def __add__(self, other: Self) -> Self:
        return type(self)(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))
