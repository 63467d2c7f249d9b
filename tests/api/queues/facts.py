"""Calls and spells to count, and an independent way of counting them: call by call, in Python."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from api.queues.sums import WAIT_STEPS, AgentSums, CallSums
from telephony.agents.model import AgentSpell, Revision, State
from telephony.calls.model import Call, Outcome, Segment, Wait

NINE = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)  # 9:00 in the city
MICROSECOND = timedelta(microseconds=1)


def at(seconds: float) -> datetime:
    """A moment so long after nine."""
    return NINE + timedelta(seconds=seconds)


def call(
    ref: str,
    offered: float,
    outcome: Outcome = "answered",
    *,
    wait: float = 10.0,
    talk: float = 60.0,
    agents: Sequence[str] = ("8001",),
    queue: str = "hotline",
    queued: bool = True,
    over: bool = True,
) -> Call:
    """A call; `agents` talk to it one after the other, `talk` seconds each; `over=False`: the last one still does."""
    answered = outcome == "answered"
    began = offered + wait
    segments = tuple(
        Segment(agent, at(began + number * talk), at(began + (number + 1) * talk), talk)
        for number, agent in enumerate(agents if answered else ())
    )
    if answered and not over:
        last = segments[-1]
        segments = (*segments[:-1], Segment(last.agent, last.started_at, None, None))
    waiting = outcome == "in_progress"
    ended = None if waiting or not over else at(began + talk * len(segments))
    left = None if waiting else at(began)
    return Call(
        ref,
        "13800000000",
        queue,
        "in_progress" if not over else outcome,
        "queue" if queued else "sticky",
        at(offered),
        at(began) if answered else None,
        ended,
        None if waiting else wait,
        talk * len(segments) if ended and answered else None,
        segments[0].agent if answered else None,
        segments,
        waits=(Wait(queue, at(offered), left, "connected" if answered else "abandoned" if left else None),)
        if queued
        else (),
    )


def spells(agent: str, *states: tuple[State, float], call_refs: Sequence[str | None] = ()) -> Revision:
    """What an agent did from the given seconds on, the last lasting; `call_refs`: of the talks, in order."""
    refs = iter(call_refs)
    ends = [at(seconds) for _, seconds in states[1:]]
    made = tuple(
        AgentSpell(agent, "main", state, None, next(refs, None) if state == "talking" else None, at(seconds), end)
        for (state, seconds), end in zip(states, [*ends, None], strict=True)
    )
    return Revision(agent, "main", made[0].started_at, made)


def moved(one: Call, by: timedelta) -> Call:
    """The same call at another time."""
    return replace(
        one,
        offered_at=one.offered_at + by,
        answered_at=one.answered_at and one.answered_at + by,
        ended_at=one.ended_at and one.ended_at + by,
        segments=tuple(
            replace(part, started_at=part.started_at + by, ended_at=part.ended_at and part.ended_at + by)
            for part in one.segments
        ),
        waits=tuple(
            replace(part, joined_at=part.joined_at + by, left_at=part.left_at and part.left_at + by)
            for part in one.waits
        ),
    )


def moved_revision(told: Revision, by: timedelta) -> Revision:
    """The same spells at another time."""
    made = tuple(
        replace(spell, started_at=spell.started_at + by, ended_at=spell.ended_at and spell.ended_at + by)
        for spell in told.spells
    )
    return Revision(told.agent, told.node, told.since + by, made)


def counted(
    calls: Iterable[Call], told: Iterable[AgentSpell], since: datetime, until: datetime, agent: str | None = None
) -> CallSums:
    """Count the calls offered in [since, until), or one agent's part in them."""
    told = list(told)
    found = CallSums()
    for one in calls:
        if since <= one.offered_at < until:
            found += _sums(one, _wrap_ups(one, told), agent)
    return found


def _sums(one: Call, wrap_ups: dict[str, int], agent: str | None) -> CallSums:
    answered = one.answered_at is not None
    handled = answered and one.ended_at is not None
    wait = round((one.wait_seconds or 0) * 1e6)
    parts = [part for part in one.segments if agent is None or part.agent == agent]
    mine = agent is None or one.agent == agent
    wraps = {who: length for who, length in wrap_ups.items() if agent is None or who == agent}
    return CallSums(
        waiting=int(one.outcome == "in_progress" and not answered and agent is None),
        answered=int(answered and mine),
        abandoned=int(one.outcome == "abandoned" and agent is None),
        short_abandoned=int(one.outcome == "short_abandoned" and agent is None),
        failed=int(one.outcome == "failed" and agent is None),
        queued=int(bool(one.waits) and agent is None),
        queued_waiting=int(bool(one.waits) and one.outcome == "in_progress" and not answered and agent is None),
        queued_abandoned=int(bool(one.waits) and one.outcome == "abandoned" and agent is None),
        queued_short_abandoned=int(bool(one.waits) and one.outcome == "short_abandoned" and agent is None),
        answered_within=tuple(int(answered and mine and wait <= step * 1_000_000) for step in WAIT_STEPS),
        answered_wait_microseconds=wait if answered and mine else 0,
        unanswered_wait_microseconds=wait if not answered and agent is None else 0,
        longest_wait_microseconds=wait if mine and (answered or agent is None) else 0,
        handled=int(handled and bool(parts)),
        talk_microseconds=sum(round((part.talk_seconds or 0) * 1e6) for part in parts) if handled else 0,
        wrap_up_microseconds=sum(wraps.values()) if handled else 0,
    )


def _wrap_ups(one: Call, told: Sequence[AgentSpell]) -> dict[str, int]:
    """Give each agent's wrap-up of a call: what follows their talk, before their next."""
    found: dict[str, int] = {}
    talking: dict[str, str | None] = {}
    for spell in sorted(told, key=lambda each: each.started_at):
        if spell.state == "talking":
            talking[spell.agent] = spell.call_ref
        elif spell.state == "wrap_up" and spell.ended_at and talking.get(spell.agent) == one.call_ref:
            length = (spell.ended_at - spell.started_at) // MICROSECOND
            found[spell.agent] = found.get(spell.agent, 0) + length
    return found


def spent(
    told: Iterable[AgentSpell], since: datetime, until: datetime, now: datetime, agent: str | None = None
) -> AgentSums:
    """Add up what agents did in [since, until), as known at `now`."""
    found = AgentSums()
    for spell in told:
        start, end = max(spell.started_at, since), min(spell.ended_at or now, until)
        if start < end and spell.state != "offline" and agent in {None, spell.agent}:
            found += AgentSums(**{f"{spell.state}_microseconds": (end - start) // MICROSECOND})
    return found
