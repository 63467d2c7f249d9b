"""Facts → a call. Pure: what a call is follows from what is known, never from the order in which it became known."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import cast

from telephony.calls.facts import Channel, Kind, Microseconds, overlap, presence, total
from telephony.calls.model import Call, Outcome, Segment, Via

# domain.md: a caller who hangs up within 5 s is counted apart.
SHORT_ABANDON_SECONDS = 5.0
# Channels of people; what Asterisk makes for itself (CBAnn, Recorder, Snoop, …) is nobody's part of a call.
_TELEPHONE = re.compile(r"(?:PJSIP|SIP|IAX2|DAHDI|Local)/(?P<name>[^@]+?)(?:@.*)?-[0-9a-f]+(?:;[12])?")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rules:
    """What the reducer is told about this hotline."""

    # The queue that a call belongs to when it reached an agent without queueing (sticky).
    queue: str = "hotline"
    short_abandon_seconds: float = SHORT_ABANDON_SECONDS
    # The Asterisk that calls run on whose Uniqueids bear no systemname.
    node: str = "main"


@dataclass(frozen=True, slots=True)
class _Talk:
    """One agent's spans with the citizen."""

    channel: Channel
    spans: tuple[tuple[Microseconds, Microseconds | None], ...]

    @property
    def started(self) -> Microseconds:
        return min(start for start, _ in self.spans)

    @property
    def ended(self) -> Microseconds | None:
        ends = [end for _, end in self.spans]
        return None if None in ends else max(cast("list[Microseconds]", ends))


def derive(
    citizen: Channel, channels: Mapping[str, Channel], bridges: Mapping[str, Iterable[str]], rules: Rules
) -> Call | None:
    """Make the call that runs on the citizen's channel; None while it is not known when it was offered.

    `bridges` names who was ever in each bridge.
    """
    offered = citizen.began()
    if offered is None:
        return None
    talks = sorted(_talks(citizen, channels, bridges), key=lambda talk: (talk.started, talk.channel.uniqueid))
    answered = talks[0].started if talks else None
    ended = citizen.ended()
    until = answered if answered is not None else ended
    wait_seconds = None if until is None else _seconds(until - offered)
    spans = [(start, ended if end is None else end) for talk in talks for start, end in talk.spans]
    talk_seconds = None if ended is None else _seconds(total(cast("list[tuple[int, int]]", spans)))
    segments = tuple(_segment(talk) for talk in talks)
    return Call(
        call_ref=citizen.uniqueid,
        node=rules.node,
        caller=_first(citizen.details(Kind.NUMBERED)),
        queue=_first(citizen.details(Kind.QUEUED)) or rules.queue,
        outcome=_outcome(citizen, answered, ended, wait_seconds, rules),
        via=_via(citizen, talks),
        offered_at=_moment(offered),
        answered_at=None if answered is None else _moment(answered),
        ended_at=None if ended is None else _moment(ended),
        wait_seconds=wait_seconds,
        talk_seconds=talk_seconds,
        agent=segments[0].agent if segments else None,
        segments=segments,
        sip_call_id=_first([detail for detail in citizen.details(Kind.OFFERED) if detail]),
    )


def _talks(citizen: Channel, channels: Mapping[str, Channel], bridges: Mapping[str, Iterable[str]]) -> list[_Talk]:
    spans: dict[str, list[tuple[Microseconds, Microseconds | None]]] = {}
    for bridge in citizen.bridges():
        ours = presence(citizen, bridge)
        for uniqueid in bridges.get(bridge, ()):
            other = channels.get(uniqueid)
            if other is not None and other is not citizen and not other.is_call and _extension(other):
                spans.setdefault(uniqueid, []).extend(overlap(ours, presence(other, bridge)))
    if not citizen.bridges():
        spans = _reported_talks(citizen, channels)
    return [_Talk(channels[uniqueid], tuple(sorted(parts))) for uniqueid, parts in spans.items() if parts]


def _reported_talks(
    citizen: Channel, channels: Mapping[str, Channel]
) -> dict[str, list[tuple[Microseconds, Microseconds | None]]]:
    """Go by app_queue's own words, for a stream without bridge events."""
    spans = {}
    for uniqueid in citizen.details(Kind.CONNECTED):
        agent = channels.get(uniqueid)
        if agent is not None and _extension(agent):
            [start, *_] = citizen.times(Kind.CONNECTED, uniqueid)
            ends = [*citizen.times(Kind.COMPLETED, uniqueid)[-1:], agent.ended(), citizen.ended()]
            spans[uniqueid] = [(start, min((end for end in ends if end is not None and end > start), default=None))]
    return spans


def _segment(talk: _Talk) -> Segment:
    ended = talk.ended
    closed = [(start, end) for start, end in talk.spans if end is not None]
    return Segment(
        agent=_first(talk.channel.details(Kind.AGENT)) or _extension(talk.channel),
        started_at=_moment(talk.started),
        ended_at=None if ended is None else _moment(ended),
        talk_seconds=None if ended is None else _seconds(total(closed)),
        recording_id=_first(talk.channel.details(Kind.RECORDED)),
    )


def _outcome(
    citizen: Channel, answered: Microseconds | None, ended: Microseconds | None, wait: float | None, rules: Rules
) -> Outcome:
    if ended is None:
        return "in_progress"
    if answered is not None:
        return "answered"
    if not citizen.has(Kind.HUNG_UP_ITSELF) or citizen.has(Kind.UNANSWERED):
        return "failed"
    return "short_abandoned" if wait is not None and wait <= rules.short_abandon_seconds else "abandoned"


def _via(citizen: Channel, talks: list[_Talk]) -> Via | None:
    """Give the last way tried before the answer; without our own events, judge by where the caller was then."""
    answered = talks[0].started if talks else None
    tried = sorted((at, via) for via in citizen.details(Kind.TRIED) for at in citizen.times(Kind.TRIED, via))
    before = [via for at, via in tried if answered is None or at <= answered]
    if before:
        return cast("Via", before[-1])
    queued = citizen.first(Kind.QUEUED)
    if answered is None:
        return None if queued is None else "queue"
    if queued is None or queued > answered:
        return "sticky" if citizen.has(Kind.STARTED) else None
    connected = talks[0].channel.uniqueid in citizen.details(Kind.CONNECTED)
    unqueued = citizen.first(Kind.UNQUEUED)
    return "queue" if connected or unqueued is None or unqueued >= answered else "overflow"


def _extension(channel: Channel) -> str:
    """Give the extension that a channel's name tells (`PJSIP/8001-0000002a` → `8001`); empty if it is no telephone."""
    for name in channel.details(Kind.NAMED):
        if match := _TELEPHONE.fullmatch(name) or _TELEPHONE.fullmatch(f"{name}-0"):
            return match["name"]
    return ""


def _first(details: list[str]) -> str | None:
    return details[0] if details else None


def _moment(at: Microseconds) -> datetime:
    return _EPOCH + timedelta(microseconds=at)


def _seconds(length: Microseconds) -> float:
    return length / 1_000_000
