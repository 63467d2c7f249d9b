"""The hall of agents and the callers who wait for them, as a discrete simulation: who rings whom, who gives up when.

Pure and seeded. It follows the shipped dialplan and queue: longest idle first, a missed ring pauses the agent, the
queue's time leads to the overflow or back into the queue.
"""

import heapq
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from functools import partial

from telephony.calls.facts import Microseconds

SECOND: Microseconds = 1_000_000
# Between a call's first event and the first ring, as recorded.
TO_THE_QUEUE: Microseconds = 5_000


@dataclass(frozen=True, slots=True)
class Habits:
    """How people behave; lengths are means in seconds. Talk and wrap-up make domain.md's 240 s of handling."""

    talk_seconds: float = 200.0
    wrap_up_seconds: float = 40.0
    patience_seconds: float = 150.0
    answer_seconds: tuple[float, float] = (1.0, 5.0)
    missed_share: float = 0.01
    sticky_share: float = 0.04
    transfer_share: float = 0.02
    consult_share: float = 0.02
    consult_seconds: float = 20.0
    agent_hangs_up_share: float = 0.15
    auto_pause_seconds: float = 60.0
    ring_seconds: float = 15.0
    queue_seconds: float = 60.0
    shortest_talk_seconds: float = 5.0
    # The dialplan gives up after 600 s; before that everybody's patience is over.
    longest_patience_seconds: float = 540.0


class Way(Enum):
    """How a call came to an agent."""

    QUEUE = auto()
    STICKY = auto()
    OVERFLOW = auto()


@dataclass(frozen=True, slots=True)
class Turn:
    """Something that happened to a caller: the title of a score's step, when, and by which agent."""

    title: str
    at: Microseconds
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class Story:
    """One caller's call, turn by turn."""

    way: Way
    turns: tuple[Turn, ...]

    def agents(self) -> list[str]:
        """Give whose telephones rang, in that order, each once."""
        return list(dict.fromkeys(turn.agent for turn in self.turns if turn.agent))

    def has(self, title: str) -> bool:
        """Whether there was such a turn."""
        return any(turn.title == title for turn in self.turns)


@dataclass(frozen=True, slots=True)
class Break:
    """A pause of an agent that the queue does not make by itself."""

    agent: str
    begins_at: Microseconds
    ends_at: Microseconds
    reason: str
    # A pause after a missed ring is begun by the queue; only its end is told apart.
    begun_by_queue: bool = False


class _State(Enum):
    WAITING = auto()
    RINGING = auto()
    TALKING = auto()
    GONE = auto()


@dataclass(slots=True)
class _Caller:
    turns: list[Turn]
    gives_up_at: Microseconds
    way: Way = Way.QUEUE
    state: _State = _State.WAITING
    missed: bool = False
    sent_on: bool = False
    agent: str = ""
    consulted: str = ""


_Happening = Callable[[Microseconds], None]


@dataclass(slots=True)
class _Floor:
    habits: Habits
    dice: random.Random
    idle: deque[str]
    reserve: tuple[str, str]
    waiting: deque[_Caller] = field(default_factory=deque)
    breaks: list[Break] = field(default_factory=list)
    reserve_busy: bool = False
    _due: list[tuple[Microseconds, int, _Happening]] = field(default_factory=list)
    _sequence: int = 0

    def later(self, at: Microseconds, happens: _Happening) -> None:
        self._sequence += 1
        heapq.heappush(self._due, (at, self._sequence, happens))

    def run(self) -> None:
        while self._due:
            at, _, happens = heapq.heappop(self._due)
            happens(at)
            self._ring(at)

    def arrives(self, caller: _Caller, at: Microseconds) -> None:
        self.later(at, partial(self._arrives, caller))

    def _is_idle(self, agent: str, _at: Microseconds) -> None:
        self.idle.append(agent)

    def _length(self, mean_seconds: float, spread: float = 0.6) -> Microseconds:
        """Draw a length of log-normal shape (as handling times are) with this mean."""
        return round(self.dice.lognormvariate(-(spread**2) / 2, spread) * mean_seconds * SECOND)

    def _arrives(self, caller: _Caller, at: Microseconds) -> None:
        if self.idle and self.dice.random() < self.habits.sticky_share:
            caller.way = Way.STICKY
            agent = self.idle[self.dice.randrange(len(self.idle))]
            self.idle.remove(agent)
            self._rings(at, caller, agent, "rang")
            return
        self.waiting.append(caller)
        self.later(caller.gives_up_at, partial(self._gives_up, caller))
        self.later(at + round(self.habits.queue_seconds * SECOND), partial(self._times_out, caller))

    def _ring(self, at: Microseconds) -> None:
        while self.waiting and self.idle:
            caller = self.waiting.popleft()
            if caller.state is _State.WAITING:
                self._rings(at, caller, self.idle.popleft(), "rang_second" if caller.missed else "rang")

    def _rings(self, at: Microseconds, caller: _Caller, agent: str, title: str) -> None:
        # The recorded call that was missed was so at its first ring, in its first time in the queue.
        first = caller.way is Way.QUEUE and len(caller.turns) == 1
        caller.state, caller.agent = _State.RINGING, agent
        caller.turns.append(Turn(title, at, agent))
        if first and self.dice.random() < self.habits.missed_share:
            self.later(at + round(self.habits.ring_seconds * SECOND), partial(self._misses, caller))
        else:
            after = self.dice.uniform(*self.habits.answer_seconds)
            self.later(at + round(after * SECOND), partial(self._answers, caller))

    def _misses(self, caller: _Caller, at: Microseconds) -> None:
        if caller.state is not _State.RINGING:
            return
        caller.turns.append(Turn("missed", at, caller.agent))
        caller.missed, caller.state = True, _State.WAITING
        back = at + round(self.habits.auto_pause_seconds * SECOND)
        self.breaks.append(Break(caller.agent, at, back, "Auto-Pause", begun_by_queue=True))
        self.later(back, partial(self._is_idle, caller.agent))
        # The queue tries the next agent a second later (its `retry`).
        self.later(at + SECOND, partial(self._waits_again, caller))

    def _waits_again(self, caller: _Caller, _at: Microseconds) -> None:
        if caller.state is _State.WAITING:
            self.waiting.appendleft(caller)

    def _answers(self, caller: _Caller, at: Microseconds) -> None:
        if caller.state is not _State.RINGING:
            return
        caller.state = _State.TALKING
        caller.turns.append(Turn("answered", at, caller.agent))
        talk = max(round(self.habits.shortest_talk_seconds * SECOND), self._length(self.habits.talk_seconds))
        then = self._ends
        if caller.way is Way.QUEUE and not caller.missed:
            share = self.dice.random()
            if share < self.habits.transfer_share:
                then = self._sends_on
            elif share < self.habits.transfer_share + self.habits.consult_share:
                then = self._consults
        self.later(at + talk, partial(then, caller))

    def _sends_on(self, caller: _Caller, at: Microseconds) -> None:
        if not self.idle:
            self._ends(caller, at)
            return
        caller.sent_on = True
        caller.turns.append(Turn("sent_on", at, caller.agent))
        self._wraps_up(at, caller.agent)
        caller.agent = self.idle.popleft()
        caller.turns.append(Turn("rang_second", at + 2 * TO_THE_QUEUE, caller.agent))
        after = self.dice.uniform(*self.habits.answer_seconds)
        self.later(at + round(after * SECOND), partial(self._answers_second, caller))

    def _answers_second(self, caller: _Caller, at: Microseconds) -> None:
        caller.turns.append(Turn("answered_second", at, caller.agent))
        self.later(at + self._length(self.habits.talk_seconds), partial(self._ends, caller))

    def _consults(self, caller: _Caller, at: Microseconds) -> None:
        if not self.idle:
            self._ends(caller, at)
            return
        caller.sent_on = True
        caller.turns.append(Turn("held", at, caller.agent))
        caller.consulted = self.idle.popleft()
        caller.turns.append(Turn("consulted", at + TO_THE_QUEUE, caller.consulted))
        after = at + round(self.dice.uniform(*self.habits.answer_seconds) * SECOND)
        self.later(after, partial(self._is_consulted, caller))
        self.later(after + SECOND + self._length(self.habits.consult_seconds), partial(self._connects, caller))

    def _is_consulted(self, caller: _Caller, at: Microseconds) -> None:
        caller.turns.append(Turn("answered_second", at, caller.consulted))

    def _connects(self, caller: _Caller, at: Microseconds) -> None:
        caller.turns.append(Turn("connected", at, caller.agent))
        self._wraps_up(at, caller.agent)
        caller.agent = caller.consulted
        self.later(at + self._length(self.habits.talk_seconds), partial(self._ends, caller))

    def _ends(self, caller: _Caller, at: Microseconds) -> None:
        caller.state = _State.GONE
        plain = caller.way is Way.QUEUE and not caller.missed and not caller.sent_on
        by_agent = plain and self.dice.random() < self.habits.agent_hangs_up_share
        caller.turns.append(Turn("ended_by_agent" if by_agent else "ended", at, caller.agent))
        if caller.way is Way.OVERFLOW:
            self.reserve_busy = False
        else:
            self._wraps_up(at, caller.agent)

    def _wraps_up(self, at: Microseconds, agent: str) -> None:
        begins_at = at + SECOND // 10
        ends_at = begins_at + SECOND + self._length(self.habits.wrap_up_seconds)
        self.breaks.append(Break(agent, begins_at, ends_at, "wrap-up"))
        self.later(ends_at + SECOND // 10, partial(self._is_idle, agent))

    def _gives_up(self, caller: _Caller, at: Microseconds) -> None:
        if caller.state is _State.WAITING:
            caller.turns.append(Turn("gave_up", at))
        elif caller.state is _State.RINGING and caller.way is Way.QUEUE and not caller.missed:
            caller.turns.append(Turn("gave_up_ringing", at, caller.agent))
            self.later(at + SECOND // 10, partial(self._is_idle, caller.agent))
        else:
            return
        caller.state = _State.GONE

    def _times_out(self, caller: _Caller, at: Microseconds) -> None:
        """Past the queue's time: the overflow, or the queue again; a ring that is on is let ring."""
        if caller.state is not _State.WAITING:
            return
        if self.reserve_busy or caller.missed:
            caller.turns.append(Turn("again", at))
            self.later(at + round(self.habits.queue_seconds * SECOND), partial(self._times_out, caller))
            return
        self.reserve_busy = True
        caller.way = Way.OVERFLOW
        caller.turns.append(Turn("timed_out", at))
        # Both ring, and the first one answers.
        first, second = self.reserve
        self._rings(at + 2 * TO_THE_QUEUE, caller, first, "rang_overflow")
        caller.turns.append(Turn("rang_too", at + 2 * TO_THE_QUEUE, second))


def play(
    arrivals: Sequence[Microseconds], agents: Sequence[str], reserve: tuple[str, str], habits: Habits, seed: int
) -> tuple[list[Story], list[Break]]:
    """Let `arrivals` meet the agents; give each caller's story, in the order of arrival, and the agents' breaks.

    `reserve` are agents who are on a break all the time but whose telephones are on: the overflow rings both.
    """
    dice = random.Random(seed)  # noqa: S311 - no secret
    floor = _Floor(habits, dice, deque(agents), reserve)
    callers = []
    for at in arrivals:
        patience = min(habits.longest_patience_seconds, 1.0 + dice.expovariate(1 / habits.patience_seconds))
        caller = _Caller([Turn("offered", at)], at + round(patience * SECOND))
        callers.append(caller)
        floor.arrives(caller, at + TO_THE_QUEUE)
    floor.run()
    return [Story(caller.way, tuple(caller.turns)) for caller in callers], floor.breaks
