"""What is known of channels: a set that only grows, so that neither repetition nor order of events matters."""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import IntEnum, auto

Microseconds = int
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Source(IntEnum):
    """Where a fact comes from, the most trusted first: two sources stamp the same moment a little differently."""

    AMI = 0
    CEL = 1
    QUEUE_LOG = 2


class Kind(IntEnum):
    """What a fact says about its channel; the word in brackets is the fact's detail."""

    SEEN = auto()
    STARTED = auto()
    ENDED = auto()
    LOST = auto()
    HUNG_UP_ITSELF = auto()
    NAMED = auto()  # (channel name)
    NUMBERED = auto()  # (caller's number)
    ENTERED = auto()  # (bridge)
    LEFT = auto()  # (bridge)
    KEYED = auto()  # it bears its own Uniqueid as CALLREF: only a citizen's channel does
    OFFERED = auto()  # (SIP Call-ID)
    DIALLED = auto()  # (the number that the citizen dialled)
    QUEUED = auto()  # (queue)
    UNQUEUED = auto()  # (queue)
    ABANDONED = auto()  # (queue), as app_queue says it: also on timeout, redirect and withdrawal
    UNSERVED = auto()  # (QUEUESTATUS): it left the queue without an agent, and why
    TRIED = auto()  # (via)
    BELONGS = auto()  # (queue): led elsewhere, it is still this queue's call
    UNANSWERED = auto()
    SERVED = auto()  # an agent's channel says that it answered this call
    CONNECTED = auto()  # (the agent's channel)
    COMPLETED = auto()  # (the agent's channel)
    RANG = auto()  # (the channel of the phone that rang for it)
    ANSWERED = auto()
    HELD = auto()  # it put its partner on hold
    RESUMED = auto()
    MUSIC = auto()  # it began to hear music on hold
    SILENCE = auto()
    TRANSFERRED = auto()  # (blind_transfer or attended_transfer): it sent its partner on
    RECORDED = auto()  # (recording id)
    AGENT = auto()  # (agent's extension)


# Asterisk's Uniqueid: [systemname-]seconds of the epoch when the channel was made, a dot, a counter.
_UNIQUEID = re.compile(r"(?:(?P<node>.+)-)?(?P<second>[0-9]{9,11})\.[0-9]+", re.ASCII)
# More facts of a kind than any channel has, so that events gone wrong cost no more than this: one call was on hold a
# hundred times, rang two thousand phones. The earliest are kept, in whatever order they come.
MOST_FACTS = 100
MOST_RUNG = 2_000
# Every event repeats these: the first time is all that counts.
_EARLIEST_ONLY = frozenset({Kind.SEEN, Kind.NUMBERED})
_OF_A_CALL = frozenset(
    {Kind.KEYED, Kind.OFFERED, Kind.QUEUED, Kind.UNQUEUED, Kind.ABANDONED, Kind.TRIED, Kind.UNANSWERED, Kind.SERVED}
    | {Kind.CONNECTED, Kind.COMPLETED, Kind.DIALLED, Kind.UNSERVED}
)


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that was so on the channel `uniqueid` at a moment, in microseconds of the Unix epoch."""

    uniqueid: str
    kind: Kind
    at: Microseconds
    detail: str = ""


def time_of(at: Microseconds) -> datetime:
    """Give a fact's moment as a time."""
    return _EPOCH + timedelta(microseconds=at)


# Of each source, in their order.
_Moments = dict[Source, list[Microseconds]]


@dataclass(slots=True)
class Channel:
    """All facts of one channel."""

    uniqueid: str
    _facts: dict[Kind, dict[str, _Moments]] = field(default_factory=dict)
    _firsts: dict[Kind, tuple[Source, Microseconds]] = field(default_factory=dict)
    _counts: dict[tuple[Kind, Source], int] = field(default_factory=dict)

    def note(self, fact: Fact, source: Source) -> bool:
        """Add a fact; tells whether it was news."""
        kind, key = fact.kind, (fact.kind, source)
        moments = self._facts.get(kind, {}).get(fact.detail, {}).get(source, [])
        if moments and kind in _EARLIEST_ONLY:
            if moments[0] <= fact.at:
                return False
            self._drop(fact.detail, moments[0], kind, source)
        place = bisect_left(moments, fact.at)
        if moments[place : place + 1] == [fact.at]:
            return False
        moments = self._facts.setdefault(kind, {}).setdefault(fact.detail, {}).setdefault(source, [])
        moments.insert(place, fact.at)
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] > (MOST_RUNG if kind is Kind.RANG else MOST_FACTS):
            details = self._facts[kind].items()
            at, detail = max((sources[source][-1], detail) for detail, sources in details if source in sources)
            self._drop(detail, at, kind, source)
            if (at, detail) == (fact.at, fact.detail):
                return False
        self._firsts[kind] = min(self._firsts.get(kind, (source, fact.at)), (source, fact.at))
        return True

    def _drop(self, detail: str, at: Microseconds, kind: Kind, source: Source) -> None:
        sources = self._facts[kind][detail]
        sources[source].remove(at)
        self._counts[kind, source] -= 1
        if not sources[source]:
            del sources[source]
        if not sources:
            del self._facts[kind][detail]

    def has(self, kind: Kind) -> bool:
        """Whether any source says so."""
        return kind in self._facts

    def details(self, kind: Kind) -> list[str]:
        """Give the details of a kind of fact, by their first moment."""
        details = self._facts.get(kind, {})
        return sorted(details, key=lambda detail: (self.times(kind, detail), detail))

    def times(self, kind: Kind, detail: str) -> Sequence[Microseconds]:
        """Give the moments of one fact from the source that knows most of them, the more trusted one if equal."""
        sources = self._facts.get(kind, {}).get(detail)
        if not sources:
            return ()
        if len(sources) == 1:
            return next(iter(sources.values()))
        return sources[min(sources, key=lambda source: (-len(sources[source]), source))]

    def first(self, kind: Kind) -> Microseconds | None:
        """Give the first moment of a kind of fact, whatever its detail, from the most trusted source that has it."""
        found = self._firsts.get(kind)
        return found[1] if found else None

    def moments(self, kind: Kind) -> list[Microseconds]:
        """Give every moment of a kind of fact, whatever its detail."""
        return sorted(at for detail in self._facts.get(kind, ()) for at in self.times(kind, detail))

    def told_by(self, source: Source, kind: Kind) -> bool:
        """Whether this source has told any such fact."""
        return any(source in sources for sources in self._facts.get(kind, {}).values())

    def ended(self) -> Microseconds | None:
        """Give when it hung up, or when it was found lost."""
        ended = self.first(Kind.ENDED)
        return self.first(Kind.LOST) if ended is None else ended

    def began(self) -> Microseconds | None:
        """Give when it was made; when nobody saw that, the second that its Uniqueid tells, or else its first event."""
        started, seen = self.first(Kind.STARTED), self.first(Kind.SEEN)
        if started is not None or seen is None:
            return started
        match = _UNIQUEID.fullmatch(self.uniqueid)
        return min(seen, int(match["second"]) * 1_000_000) if match else seen

    def node(self) -> str | None:
        """Give the name (asterisk.conf's systemname) of the Asterisk that made it; None when it bears none."""
        match = _UNIQUEID.fullmatch(self.uniqueid)
        return match["node"] if match else None

    def bridges(self) -> set[str]:
        """Give the bridges that it was ever in."""
        return {*self._facts.get(Kind.ENTERED, ()), *self._facts.get(Kind.LEFT, ())}

    @property
    def is_call(self) -> bool:
        """Whether a citizen's call to the hotline runs on it."""
        return not _OF_A_CALL.isdisjoint(self._facts)


Span = tuple[Microseconds, Microseconds | None]


def presence(channel: Channel, bridge: str) -> list[Span]:
    """Give when the channel was in the bridge, as (from, to); `to` is None while it is still there.

    Whoever leaves was there: if nobody saw it enter (events from before a gap), it counts from its beginning.
    """
    moves = [(at, True) for at in channel.times(Kind.ENTERED, bridge)]
    moves += [(at, False) for at in channel.times(Kind.LEFT, bridge)]
    ended = channel.ended()
    spans: list[Span] = []
    inside_since = None if channel.times(Kind.ENTERED, bridge) else channel.began()
    for at, enters in sorted(moves, key=lambda move: (move[0], not move[1])):
        if enters and inside_since is None:
            inside_since = at
        elif not enters and inside_since is not None:
            spans.append((inside_since, at))
            inside_since = None
    if inside_since is not None and (ended is None or ended >= inside_since):
        spans.append((inside_since, ended))
    return spans


def between(channel: Channel, begins: Kind, ends: Kind) -> list[Span]:
    """Give the spans from each fact of one kind to the next of another; `to` is None while it lasts."""
    ended = channel.ended()
    stops = sorted([*channel.moments(ends), *([] if ended is None else [ended])])
    spans: dict[Microseconds | None, Microseconds] = {}
    for at in channel.moments(begins):
        following = stops[bisect_right(stops, at) :][:1]
        spans.setdefault(following[0] if following else None, at)
    return [(start, stop) for stop, start in spans.items()]


def overlap(ours: Iterable[Span], theirs: Iterable[Span]) -> list[Span]:
    """Give the spans that both have in common."""
    spans: list[Span] = []
    theirs = sorted(theirs, key=lambda span: span[0])
    for our_start, our_end in ours:
        for their_start, their_end in theirs:
            if our_end is not None and their_start > our_end:
                break
            end = our_end if their_end is None or (our_end is not None and our_end < their_end) else their_end
            start = max(our_start, their_start)
            if end is None or end >= start:
                spans.append((start, end))
    return spans


def total(spans: Iterable[tuple[Microseconds, Microseconds]]) -> Microseconds:
    """Give the length of the spans' union: what overlaps counts once."""
    length = 0
    reached: Microseconds | None = None
    for start, end in sorted(spans):
        begin = start if reached is None else max(start, reached)
        length += max(0, end - begin)
        reached = end if reached is None else max(reached, end)
    return length


def uniqueid_second(uniqueid: str) -> int | None:
    """Give the second of the epoch in which a channel was made; None for what is no Uniqueid of Asterisk's."""
    match = _UNIQUEID.fullmatch(uniqueid)
    return int(match["second"]) if match else None
