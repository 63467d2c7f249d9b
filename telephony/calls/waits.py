"""A citizen's stays in queues, and how each ended."""

from bisect import bisect_left
from dataclasses import dataclass

from telephony.calls.facts import Channel, Kind, Microseconds, time_of
from telephony.calls.model import Wait, WaitEnd
from telephony.calls.talks import SETTLE, Talk

# app_queue's QUEUESTATUS, as the dialplan tells it: why the caller left without an agent.
_STATUS: dict[str, WaitEnd] = {"TIMEOUT": "timed_out", "WITHDRAW": "withdrawn"}


def waits(citizen: Channel, talks: list[Talk], rang: list[Microseconds]) -> tuple[Wait, ...]:
    """Give the citizen's waits in their order; `rang` are the moments at which phones began to ring for them."""
    joins = sorted((at, queue) for queue in citizen.details(Kind.QUEUED) for at in citizen.times(Kind.QUEUED, queue))
    found = []
    for number, (joined, queue) in enumerate(joins):
        following = joins[number + 1][0] if number + 1 < len(joins) else None
        left, ended = _end(citizen, talks, rang, _Stay(queue, joined, following))
        found.append(Wait(queue, time_of(joined), None if left is None else time_of(left), ended))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Stay:
    """From joining a queue on; `following` is when the caller joined the next one."""

    queue: str
    joined: Microseconds
    following: Microseconds | None

    def over(self, citizen: Channel) -> Microseconds | None:
        """Give the first sign that it is over; None while there is none."""
        left = citizen.times(Kind.UNQUEUED, self.queue)
        signs = [*left[bisect_left(left, self.joined) :][:1], self.following, citizen.ended()]
        return min((at for at in signs if at is not None and at >= self.joined), default=None)


def _end(
    citizen: Channel, talks: list[Talk], rang: list[Microseconds], stay: _Stay
) -> tuple[Microseconds | None, WaitEnd | None]:
    over = stay.over(citizen)
    # Asterisk's own records say that Queue() is over only when the talk is, so the agent's voice ends the wait.
    for talk in talks:
        # Who began to ring only after the caller had left did not answer from the queue.
        rang_at = talk.channel.began() or 0
        if stay.joined <= talk.started and (over is None or (rang_at < over and talk.started <= over + SETTLE)):
            return talk.started, "connected"
    return (None, None) if over is None else (over, _unserved(citizen, rang, stay, over))


def _unserved(citizen: Channel, rang: list[Microseconds], stay: _Stay, left: Microseconds) -> WaitEnd | None:
    for status in citizen.details(Kind.UNSERVED):
        if any(abs(at - left) <= SETTLE for at in citizen.times(Kind.UNSERVED, status)):
            return _STATUS.get(status, "unknown")
    hung_up = citizen.first(Kind.HUNG_UP_ITSELF)
    if hung_up is not None and hung_up <= left + SETTLE:
        return "abandoned"
    ended = citizen.first(Kind.ENDED)
    stayed_on_the_line = ended is not None and ended > left + SETTLE
    if stay.following is not None or stayed_on_the_line or any(at > left for at in rang):
        # Our dialplan tells of every other way out; without it (no OFFERED) nobody can say.
        return "redirected" if citizen.has(Kind.OFFERED) else "unknown"
    return None if citizen.ended() is None else "unknown"
