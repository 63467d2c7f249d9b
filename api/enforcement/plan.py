"""Which orders an act in force comes to, and which take it back (pure)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from api.enforcement.policy import Rung

# Before everybody whom the dialplan or advice raised: priorities go to 99.
RAISED = 90
# Callers are led elsewhere for so long at a time, and for longer only while somebody renews it: a note that a dead
# router left behind ends by itself.
OVERFLOW_SECONDS = 180
RENEW_AFTER = timedelta(seconds=60)

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
    """How things are: who has waited longest at each desk, who is on a break, each member's usual penalty.

    `nodes`: the queues of each node that a router serves now.
    """

    longest_waiting: Mapping[str, Waiting] = field(default_factory=dict)
    breaks: tuple[Break, ...] = ()
    penalties: Penalties = field(default_factory=dict)
    nodes: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def nodes_of(self, desk: str) -> list[str]:
        """Return the nodes that have a desk's queue."""
        return sorted(node for node, queues in self.nodes.items() if desk in queues)


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
        "overflow": _overflow,
    }.get(act.rung.act)
    if wanted is None:
        return ()
    return tuple(each for each in wanted(act, situation, now) if _owed(act, each, now))


def _owed(act: InForce, order: Order, now: datetime) -> bool:
    ordered = act.ordered.get((order.subject, order.verb))
    return ordered is None or (order.verb == "overflow" and now - ordered >= RENEW_AFTER)


def undoing(act: InForce, situation: Situation, others: Iterable[InForce]) -> tuple[Order, ...]:
    """Return what takes an act back, on each node where it was done; what one of the `others` still asks for stays."""
    same = [each for each in others if each.desk == act.desk and each.rung.act == act.rung.act]
    if act.rung.act == "overflow" and not same:
        return tuple(
            Order(subject, "end_overflow", {"queue": act.desk}, _place(subject)[1])
            for subject, verb in act.ordered
            if verb == "overflow"
        )
    if act.rung.act != "call_reserve":
        return ()
    called = ((*_place(subject), subject) for subject, verb in act.ordered if verb == "set_penalty")
    return tuple(
        _penalty(subject, act.desk, min(_asked(same, member), default=situation.penalties[act.desk, member]))
        for member, _, subject in called
        if (act.desk, member) in situation.penalties
    )


def _asked(others: Iterable[InForce], member: str) -> list[int]:
    return [each.rung.penalty or 0 for each in others if member in each.rung.members]


def _place(subject: str) -> tuple[str, str | None]:
    """Read `8004 east`: whom or what an order concerns, and the node that it was given to (None: the main one)."""
    name, _, node = subject.partition(" ")
    return name, node or None


def _penalty(subject: str, desk: str, penalty: int) -> Order:
    member, node = _place(subject)
    return Order(subject, "set_penalty", {"extension": member, "value": penalty, "queue": desk}, node)


def _reserve(act: InForce, situation: Situation, _now: datetime) -> Iterable[Order]:
    for node in situation.nodes_of(act.desk):
        for member in act.rung.members:
            # A member whose usual penalty is lower already is no reserve, and nobody is called back later than usual.
            if situation.penalties.get((act.desk, member), 0) > (act.rung.penalty or 0):
                yield _penalty(f"{member} {node}", act.desk, act.rung.penalty or 0)


def _overflow(act: InForce, situation: Situation, _now: datetime) -> Iterable[Order]:
    for node in situation.nodes_of(act.desk):
        led = {"queue": act.desk, "to": act.rung.to, "seconds": OVERFLOW_SECONDS}
        yield Order(f"{act.desk} {node}", "overflow", led, node)


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
