"""What is known of one agent → what the agent did, moment by moment. Pure: the order of learning does not matter."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from telephony.agents.legs import Leg
from telephony.agents.model import AgentSpell, State
from telephony.agents.reasons import OFF_DUTY, UNREACHABLE, WRAP_UP
from telephony.agents.standings import ENGAGED, FREE, OUT_OF_REACH, RINGING, Standing
from telephony.calls.facts import Microseconds, time_of
from telephony.calls.talks import SETTLE

# A phone takes one call and may make a few: more are ghosts whose end nobody told.
MOST_LEGS = 50
# More than an agent lives through within the grace time, and more queues than a hotline has desks: so that a flood
# costs no more.
MOST_TOLD = 100
MOST_QUEUES = 50


@dataclass(frozen=True, slots=True)
class Doing:
    """What an agent does, and why."""

    state: State
    reason: str | None = None
    call_ref: str | None = None


@dataclass(frozen=True, slots=True)
class Stretch:
    """An agent does something from a moment on."""

    since: Microseconds
    doing: Doing


@dataclass(slots=True)
class Record:
    """All that is known of one agent.

    `floor` is what the agent did at `horizon`; what lies before is settled, and news of it comes too late.
    """

    agent: str
    standings: dict[str, dict[Microseconds, Standing]] = field(default_factory=dict)
    legs: dict[str, Leg] = field(default_factory=dict)
    floor: Stretch | None = None
    horizon: Microseconds = 0

    @property
    def is_agent(self) -> bool:
        """Whether it is known to be a queue's member: phones of others are nobody's working time."""
        return bool(self.standings) or self.floor is not None

    def note(self, one: Standing, at: Microseconds) -> bool:
        """Add how the agent stood in a queue at a moment; tells whether it was news."""
        if at < self.horizon:
            return False
        if one.queue not in self.standings and len(self.standings) >= MOST_QUEUES:
            return False
        told = self.standings.setdefault(one.queue, {})
        before = told.get(at)
        # Two words on the same microsecond: the same one wins whichever came first.
        told[at] = one if before is None else max(before, one, key=_rank)
        return told[at] != before

    def stretches(self) -> list[Stretch]:
        """Give what the agent did, from the floor on."""
        times = {at for told in self.standings.values() for at in told}
        times |= {at for leg in self.legs.values() for at in leg.times()}
        found = [self.floor] if self.floor else []
        for at in sorted(at for at in times if at >= self.horizon):
            doing = self._doing(at)
            first = found[0] if found == [self.floor] else None
            if first and (first.since == at or first.doing == replace(doing, call_ref=None)):
                # Of that very moment, or whose call it was, something is known only now.
                found = [Stretch(first.since, doing)]
            if not found or found[-1].doing != doing:
                found.append(Stretch(at, doing))
        return _without_slivers(found)

    def relieve(self) -> bool:
        """Settle early what a flood has told, so that the newer half is left; tells whether that was needed."""
        floods = [told for told in self.standings.values() if len(told) > MOST_TOLD]
        if not floods and len(self.legs) <= 2 * MOST_LEGS:
            return False
        self.settle(max((sorted(told)[len(told) // 2] for told in floods), default=self.horizon))
        return True

    def settle(self, horizon: Microseconds) -> None:
        """Forget what lies before the horizon, but for what still matters after it."""
        before = [stretch for stretch in self.stretches() if stretch.since <= horizon] if self.is_agent else []
        for queue, told in self.standings.items():
            last = max((at for at in told if at <= horizon), default=None)
            kept = {at: one for at, one in told.items() if at == last or at > horizon}
            self.standings[queue] = {at: self._alone(one, at) for at, one in kept.items()}
        kept_legs = [leg for leg in self.legs.values() if leg.over is None or leg.over >= horizon]
        self.legs = {leg.uniqueid: leg for leg in kept_legs[-MOST_LEGS:]}
        if before:
            self.floor, self.horizon = before[-1], horizon

    def put_back(self, at: Microseconds) -> None:
        """Go on from `at`, which lies before what is settled: the clock was put back, what goes on now goes on.

        Hours that come twice are told by what came last.
        """
        stretches = self.stretches() if self.is_agent else []
        self.standings = {queue: {at: told[max(told)]} for queue, told in self.standings.items()}
        self.legs = {uniqueid: leg for uniqueid, leg in self.legs.items() if leg.over is None}
        for leg in self.legs.values():
            leg.started = None if leg.started is None else min(leg.started, at)
        self.floor, self.horizon = (Stretch(at, stretches[-1].doing) if stretches else None), at

    def _alone(self, one: Standing, at: Microseconds) -> Standing:
        """Give a standing that needs no leg to be understood."""
        return replace(one, status=FREE) if one.status in ENGAGED and self._explained(at) else one

    def _doing(self, at: Microseconds) -> Doing:
        live = sorted(
            (leg for leg in self.legs.values() if leg.lasts_at(at)), key=lambda leg: (leg.started or 0, leg.uniqueid)
        )
        talking = [leg for leg in live if leg.talks_at(at)]
        if live:
            refs = [leg.call_ref for leg in talking or live if leg.call_ref]
            return Doing("talking" if talking else "ringing", call_ref=refs[0] if refs else None)
        latest = [max((t, one) for t, one in told.items() if t <= at) for told in self._told_by(at)]
        if not latest:
            return self._unheard()
        present = [(told_at, one) for told_at, one in latest if one.member]
        if not present:
            return Doing("offline")
        told_at, newest = max(present, key=lambda each: (each[0], _rank(each[1])))
        if newest.status in OUT_OF_REACH:
            return Doing("offline", UNREACHABLE)
        if newest.status in ENGAGED and not self._explained(told_at):
            return Doing("ringing" if newest.status in RINGING else "talking")
        # Who can still be called for one desk is not paused.
        return _paused(newest.reason) if all(one.paused for _, one in present) else Doing("idle")

    def _told_by(self, at: Microseconds) -> Iterable[dict[Microseconds, Standing]]:
        return (told for told in self.standings.values() if min(told) <= at)

    def _unheard(self) -> Doing:
        """No queue has said anything yet: as before, without the call."""
        if self.floor is None or self.floor.doing.state in {"ringing", "talking"}:
            return Doing("idle")
        return self.floor.doing

    def _explained(self, at: Microseconds) -> bool:
        """Whether a known call is why the phone was engaged at that moment, the next one or the one before."""
        return any(
            (leg.started is None or leg.started - SETTLE <= at) and (leg.over is None or at <= leg.over + SETTLE)
            for leg in self.legs.values()
        )


def _rank(one: Standing) -> tuple[bool, bool, str, int]:
    return one.member, one.paused, one.reason, one.status


def _paused(reason: str) -> Doing:
    if reason == WRAP_UP:
        return Doing("wrap_up", reason)
    return Doing("offline" if reason == OFF_DUTY else "paused", reason or None)


def _without_slivers(stretches: list[Stretch]) -> list[Stretch]:
    """Let a pause that a call's end brought about begin with that end: the order to pause takes its way."""
    found: list[Stretch] = []
    for stretch in stretches:
        if len(found) > 1 and found[-1].doing.state == "idle" and stretch.doing.reason is not None:
            short = stretch.since - found[-1].since < SETTLE
            if short and found[-2].doing.state in {"ringing", "talking"}:
                found[-1] = Stretch(found[-1].since, stretch.doing)
                continue
        found.append(stretch)
    return found


def spells(agent: str, node: str, stretches: list[Stretch]) -> tuple[AgentSpell, ...]:
    """Give the stretches as spells; the last one is open."""
    ends = [stretch.since for stretch in stretches[1:]]
    return tuple(
        AgentSpell(
            agent,
            node,
            stretch.doing.state,
            stretch.doing.reason,
            stretch.doing.call_ref,
            time_of(stretch.since),
            None if end is None else time_of(end),
        )
        for stretch, end in zip(stretches, [*ends, None], strict=False)
    )
