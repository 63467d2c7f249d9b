"""Raw AMI messages → calls: pure, deterministic; repetition and order of events do not matter."""

from collections import OrderedDict
from collections.abc import Container, Iterable

from telephony.ami.protocol import AmiMessage
from telephony.calls.derive import Rules, derive
from telephony.calls.events import WANTED_EVENTS, facts, moment
from telephony.calls.facts import Channel, Fact, Kind, Microseconds, Source
from telephony.calls.model import Call

__all__ = ["WANTED_EVENTS", "Reducer"]

# A finished call is kept this long for events that come late, then forgotten.
GRACE_SECONDS = 600.0
# More than any Asterisk carries within the grace time: beyond it, whatever was silent longest is forgotten.
MOST_CHANNELS = 100_000
# Channels that were forgotten and must not come back when an event of theirs is repeated: about half a city's day.
FORGOTTEN_KEPT = 20_000
# More than ever talk together: a bridge or a phone that is said to know more costs no more.
MOST_TOGETHER = 50
_BRIDGED = frozenset({Kind.ENTERED, Kind.LEFT})


class Reducer:
    """Holds what is known of the calls in progress and of those that ended a moment ago.

    Feed it every message, in any reasonable order and as often as it comes; memory is bounded by the calls in
    progress plus those that ended within the grace time (by the events' own clock).
    """

    def __init__(self, rules: Rules | None = None, grace_seconds: float = GRACE_SECONDS) -> None:
        self._rules = rules or Rules()
        self._grace: Microseconds = round(grace_seconds * 1_000_000)
        self._channels: OrderedDict[str, Channel] = OrderedDict()
        self._bridges: dict[str, set[str]] = {}
        # Whom each phone rang for.
        self._rang: dict[str, set[str]] = {}
        self._calls: dict[str, Call] = {}
        self._forgotten: OrderedDict[str, None] = OrderedDict()
        self._clock: Microseconds = 0
        self._swept_at: Microseconds = 0
        self._applied_since = 0

    def apply(self, message: AmiMessage, source: Source = Source.AMI) -> list[Call]:
        """Take one message and give the calls that it changed (new state), none for most.

        Events of unknown kinds, without `Timestamp`, of other queues or of channels that no hotline call touches change
        nothing.
        """
        at = moment(message)
        if self._rules.queues and message.get("Queue") not in {"", *self._rules.queues}:
            return []
        changed = self._derive({fact.uniqueid for fact in facts(message) if self._note(fact, source)})
        self._applied_since += 1
        # A clock that was put back counts from where it stands now.
        if at is not None and (at > self._clock or at < self._clock - self._grace):
            self._clock = at
            # Each message pays for a look at ten channels: a clock that leaps at every one of them costs no more.
            if abs(at - self._swept_at) > self._grace // 10 and 10 * self._applied_since >= len(self._channels):
                self._forget()
        return changed

    def calls(self) -> list[Call]:
        """Give every call that is remembered, in the order they were offered."""
        return sorted(self._calls.values(), key=lambda call: (call.offered_at, call.call_ref))

    def in_progress(self) -> list[Call]:
        """Give the calls that have not ended as far as is known."""
        return [call for call in self.calls() if call.outcome == "in_progress"]

    def knows(self, call_ref: str) -> bool:
        """Whether it remembers this call."""
        return call_ref in self._calls

    def end_lost(self, alive: Container[str]) -> list[Call]:
        """End every known channel that Asterisk no longer has (`alive`: the Uniqueids it has), and give the calls.

        For use after a gap, once Asterisk's records have been applied: what they tell of the end comes first. What
        nobody saw the end of ended, as far as can be known, with the last event before the gap.
        """
        lost = [
            Fact(channel.uniqueid, Kind.LOST, self._clock)
            for channel in self._channels.values()
            if channel.ended() is None and channel.uniqueid not in alive
        ]
        for fact in lost:
            self._note(fact, Source.AMI)
        return self._derive({fact.uniqueid for fact in lost})

    def _note(self, fact: Fact, source: Source) -> bool:
        if fact.uniqueid in self._forgotten:
            return False
        channel = self._channels.get(fact.uniqueid)
        if channel is None:
            channel = self._channels[fact.uniqueid] = Channel(fact.uniqueid)
            while len(self._channels) > MOST_CHANNELS:
                silent, _ = self._channels.popitem(last=False)
                self._calls.pop(silent, None)
        self._channels.move_to_end(fact.uniqueid)
        if fact.kind in _BRIDGED:
            _join(self._bridges, fact.detail, fact.uniqueid)
        elif fact.kind is Kind.RANG:
            _join(self._rang, fact.detail, fact.uniqueid)
        return channel.note(fact, source)

    def _derive(self, uniqueids: Iterable[str]) -> list[Call]:
        changed = []
        for uniqueid in sorted(self._touched(uniqueids)):
            call = derive(self._channels[uniqueid], self._channels, self._bridges, self._rules)
            if call is not None and call != self._calls.get(uniqueid):
                self._calls[uniqueid] = call
                changed.append(call)
        return changed

    def _touched(self, uniqueids: Iterable[str]) -> set[str]:
        """Give the calls that news of these channels may change: their own, and those they talk to or ring for."""
        touched = set()
        for uniqueid in uniqueids:
            near = {uniqueid, *self._rang.get(uniqueid, ())}
            for bridge in self._channels[uniqueid].bridges():
                near |= self._bridges[bridge]
            touched |= {other for other in near if other in self._channels and self._channels[other].is_call}
        return touched

    def _forget(self) -> None:
        """Drop channels that ended longer ago than the grace time, except those of the agents of remembered calls."""
        self._swept_at, self._applied_since = self._clock, 0
        horizon = self._clock - self._grace
        keep: set[str] = set()
        for uniqueid, channel in self._channels.items():
            ended = channel.ended()
            if ended is None or ended >= horizon:
                keep.add(uniqueid)
                if channel.is_call:
                    keep.update(channel.details(Kind.RANG))
                    for bridge in channel.bridges():
                        keep |= self._bridges[bridge]
        for uniqueid in self._channels.keys() - keep:
            del self._channels[uniqueid]
            self._calls.pop(uniqueid, None)
            self._forgotten[uniqueid] = None
        while len(self._forgotten) > FORGOTTEN_KEPT:
            self._forgotten.popitem(last=False)
        self._bridges = self._remembered(self._bridges)
        self._rang = self._remembered(self._rang)

    def _remembered(self, members: dict[str, set[str]]) -> dict[str, set[str]]:
        return {key: present for key, channels in members.items() if (present := channels & self._channels.keys())}


def _join(members: dict[str, set[str]], key: str, uniqueid: str) -> None:
    present = members.setdefault(key, set())
    if len(present) < MOST_TOGETHER:
        present.add(uniqueid)
