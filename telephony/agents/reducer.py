"""Raw AMI messages → what every agent does: pure, deterministic; repetition and order of events do not matter."""

from collections import OrderedDict
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from telephony.agents.legs import LEG_EVENTS, Leg, Sign, listed, sign
from telephony.agents.model import AgentSpell, Revision
from telephony.agents.standings import MEMBER_EVENTS, MEMBER_LISTED, Standing, standing
from telephony.agents.timeline import Doing, Record, Stretch, spells
from telephony.ami.protocol import AmiMessage
from telephony.calls.events import moment
from telephony.calls.facts import Microseconds, Source, time_of

__all__ = ["WANTED_EVENTS", "SpellReducer"]

WANTED_EVENTS = MEMBER_EVENTS | LEG_EVENTS
# News of longer ago than this changes nothing any more: by then it is stored and counted.
GRACE_SECONDS = 120.0
# More phones than any Asterisk has: whoever was heard of longest ago is forgotten.
MOST_PHONES = 5_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class SpellReducer:
    """Holds what is known of one Asterisk's agents in the last minutes.

    Feed it every message, in any reasonable order and as often as it comes; memory is bounded by the number of agents
    and what happened within the grace time (by the events' own clock).
    """

    def __init__(self, node: str = "main", grace_seconds: float = GRACE_SECONDS) -> None:
        self.node = node
        self._grace: Microseconds = round(grace_seconds * 1_000_000)
        self._records: OrderedDict[str, Record] = OrderedDict()
        self._told: dict[str, tuple[AgentSpell, ...]] = {}
        self._clock: Microseconds = 0
        self._swept_at: Microseconds = 0
        self._applied_since = 0

    def apply(self, message: AmiMessage, source: Source = Source.AMI) -> list[Revision]:
        """Take one message and give what it changed, nothing for most.

        What comes from Asterisk's records fills the gaps that the manager port left.

        Events of unknown kinds, without `Timestamp` or of phones that are no queue's member change nothing.
        """
        at = moment(message)
        if at is None:
            return []
        changed: set[str] = set()
        one = standing(message) if message.name in MEMBER_EVENTS else None
        if one is not None and source is Source.AMI:
            self._put_back(one.agent, at)
        if one is not None and self._record(one.agent).note(one, at):
            changed.add(one.agent)
        leg = sign(message)
        if leg is not None and source is Source.AMI:
            self._put_back(leg.agent, at)
        if leg is not None and self._note(leg, fills=source is not Source.AMI):
            changed.add(leg.agent)
        revised = self._revised(changed)
        for agent in changed:
            if self._records[agent].relieve():
                revised += self._settled(self._records[agent])
        self._applied_since += 1
        # A clock that was put back counts from where it stands now.
        if at > self._clock or at < self._clock - self._grace:
            self._clock = at
            # Each message pays for a look at one phone: a clock that leaps at every one of them costs no more.
            if abs(at - self._swept_at) > self._grace // 10 and self._applied_since >= len(self._records):
                revised += self._settle()
        return revised

    def restore(self, stored: Iterable[AgentSpell]) -> None:
        """Begin where a router before this one ended: with the open spells that it stored for this node."""
        for spell in stored:
            since = (spell.started_at - _EPOCH) // timedelta(microseconds=1)
            record = self._record(spell.agent)
            record.floor = Stretch(since, Doing(spell.state, spell.reason, spell.call_ref))
            record.horizon = since
            self._told[spell.agent] = (spell,)

    def resync(self, members: Iterable[AmiMessage], channels: Iterable[AmiMessage], now: datetime) -> list[Revision]:
        """After a gap: take Asterisk's answers to QueueStatus and CoreShowChannels, asked for at `now`.

        Whoever is in no queue any more is offline; a phone's call that is gone ended, as far as can be known, with
        the last event before the gap.
        """
        at = (now - _EPOCH) // timedelta(microseconds=1)
        standings = [one for message in members if message.name == MEMBER_LISTED and (one := standing(message))]
        in_queue = {(one.agent, one.queue) for one in standings}
        for record in list(self._records.values()):
            gone = [queue for queue in record.standings if (record.agent, queue) not in in_queue]
            standings += [Standing(record.agent, queue, member=False) for queue in gone]
            if record.is_agent and not gone and not any(agent == record.agent for agent, _ in in_queue):
                standings.append(Standing(record.agent, "", member=False))
        for one in standings:
            self._put_back(one.agent, at)
            self._record(one.agent).note(one, at)
        self._hear_of_channels([found for message in channels if (found := listed(message, at))])
        return self._revised(set(self._records))

    def spells(self) -> list[AgentSpell]:
        """Give every spell that is remembered, by agent and time."""
        return [spell for agent in sorted(self._told) for spell in self._told[agent]]

    def _hear_of_channels(self, there: list[Sign]) -> None:
        alive = {found.uniqueid for found in there}
        for found in there:
            self._note(found, fills=True)
        for record in self._records.values():
            for leg in record.legs.values():
                if leg.over is None and leg.uniqueid not in alive:
                    leg.lost = max(self._clock, leg.started or 0)

    def _record(self, agent: str) -> Record:
        record = self._records.get(agent)
        if record is None:
            record = self._records[agent] = Record(agent)
            while len(self._records) > MOST_PHONES:
                forgotten, _ = self._records.popitem(last=False)
                self._told.pop(forgotten, None)
        self._records.move_to_end(agent)
        return record

    def _put_back(self, agent: str, at: Microseconds) -> None:
        """Let an agent go on from `at`, if what is settled lies far behind it: the clock was put back."""
        record = self._records.get(agent)
        if record is not None and record.horizon > at + self._grace:
            record.put_back(at)
            self._told.pop(agent, None)

    def _note(self, found: Sign, *, fills: bool) -> bool:
        record = self._record(found.agent)
        leg = record.legs.get(found.uniqueid)
        if leg is None:
            if found.at < record.horizon:
                return False
            leg = record.legs[found.uniqueid] = Leg(found.uniqueid, found.agent)
        return leg.note(found, fills=fills)

    def _revised(self, agents: Iterable[str]) -> list[Revision]:
        found = []
        for agent in sorted(agents):
            record = self._records[agent]
            if not record.is_agent:
                continue
            before = self._told.get(agent, ())
            now = spells(agent, self.node, record.stretches())
            same = next((i for i, (old, new) in enumerate(zip(before, now, strict=False)) if old != new), None)
            if same is None:
                if len(before) == len(now):
                    continue
                same = min(len(before), len(now))
            since = min(spell.started_at for spell in (*before[same : same + 1], *now[same : same + 1]))
            self._told[agent] = now
            found.append(Revision(agent, self.node, since, now[same:]))
        return found

    def _settle(self) -> list[Revision]:
        self._swept_at, self._applied_since = self._clock, 0
        horizon = self._clock - self._grace
        revised = []
        for agent, record in list(self._records.items()):
            record.settle(max(horizon, record.horizon))
            revised += self._settled(record)
            if not record.is_agent and not record.legs:
                del self._records[agent]
        return revised

    def _settled(self, record: Record) -> list[Revision]:
        """Forget the spells before the floor. What is left may read a little differently now: that is told, too.

        Whoever stored what was told before would else keep one spell open and be given another.
        """
        told = self._told.get(record.agent, ())
        left = record.stretches() if record.is_agent else []
        if left:
            floor = time_of(left[0].since)
            self._told[record.agent] = tuple(spell for spell in told if spell.started_at >= floor)
        return self._revised([record.agent])
