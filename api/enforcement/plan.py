"""Which orders an act in force comes to, and which take it back (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from api.enforcement.policy import Rung

# Before everybody whom the dialplan or advice raised: priorities go to 99.
RAISED = 90


# Each member's usual penalty, by desk and extension.
Penalties = Mapping[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Waiting:
    """A caller in a queue of a node's Asterisk."""

    call_ref: str
    node: str


@dataclass(frozen=True, slots=True)
class Break:
    """An agent who is paused for a reason, since a moment, at a node's Asterisk."""

    agent: str
    node: str
    reason: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Situation:
    """How things are: who has waited longest at each desk, who is on a break, each member's usual penalty."""

    longest_waiting: Mapping[str, Waiting] = field(default_factory=dict)
    breaks: tuple[Break, ...] = ()
    penalties: Penalties = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Order:
    """One thing to do to one subject: `verb` and `arguments` are a command's; `announce` needs none.

    `node` carries it out, the main one where it is None.
    """

    subject: str
    verb: str
    arguments: Mapping[str, Any]
    node: str | None = None


@dataclass(frozen=True, slots=True)
class InForce:
    """An act as the plan sees it; `ordered`: when each (subject, verb) was ordered already."""

    desk: str
    rung: Rung
    ordered: Mapping[tuple[str, str], datetime] = field(default_factory=dict)


def orders(act: InForce, situation: Situation, now: datetime) -> tuple[Order, ...]:
    """Return what an act in force still has to order: an act is a standing order for whoever comes under it later."""
    wanted = {
        "call_reserve": _reserve,
        "end_breaks": _breaks,
        "raise_priority": _priority,
    }.get(act.rung.act)
    if wanted is None:
        return ()
    return tuple(each for each in wanted(act, situation, now) if (each.subject, each.verb) not in act.ordered)


def undoing(act: InForce, situation: Situation, others: Iterable[InForce]) -> tuple[Order, ...]:
    """Return what takes an act back; what one of the `others` still asks for stays."""
    if act.rung.act != "call_reserve":
        return ()
    same = [each for each in others if each.desk == act.desk and each.rung.act == "call_reserve"]
    return tuple(
        _penalty(act.desk, member, min(_asked(same, member), default=situation.penalties[act.desk, member]))
        for member in act.rung.members
        if (member, "set_penalty") in act.ordered and (act.desk, member) in situation.penalties
    )


def _asked(others: Iterable[InForce], member: str) -> list[int]:
    return [each.rung.penalty or 0 for each in others if member in each.rung.members]


def _penalty(desk: str, member: str, penalty: int) -> Order:
    return Order(member, "set_penalty", {"extension": member, "value": penalty, "queue": desk})


def _reserve(act: InForce, situation: Situation, _now: datetime) -> Iterable[Order]:
    for member in act.rung.members:
        # A member whose usual penalty is lower already is no reserve, and nobody is called back later than usual.
        if situation.penalties.get((act.desk, member), 0) > (act.rung.penalty or 0):
            yield _penalty(act.desk, member, act.rung.penalty or 0)


def _breaks(act: InForce, situation: Situation, now: datetime) -> Iterable[Order]:
    for each in situation.breaks:
        if each.reason not in act.rung.reasons:
            continue
        subject = f"{each.agent} {each.since.isoformat(timespec='seconds')}"
        yield Order(
            subject, "announce", {"extension": each.agent, "reason": each.reason, "text": act.rung.zh}, each.node
        )
        announced = act.ordered.get((subject, "announce"))
        notice = act.rung.notice_seconds
        if notice is not None and announced is not None and now - announced >= timedelta(seconds=notice):
            yield Order(subject, "unpause", {"extension": each.agent}, each.node)


def _priority(act: InForce, situation: Situation, _now: datetime) -> Iterable[Order]:
    first = situation.longest_waiting.get(act.desk)
    if first is not None:
        yield Order(first.call_ref, "raise_priority", {"call_ref": first.call_ref, "value": RAISED}, first.node)
