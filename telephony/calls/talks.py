"""Who talked with a citizen, and when: from the bridges that both were in."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from telephony.calls.facts import Channel, Kind, Microseconds, Source, Span, between, overlap, presence, total
from telephony.calls.model import Beginning

# What belongs together happens within this time: Asterisk's threads tell of one moment one after the other.
SETTLE: Microseconds = 500_000
# Channels of people; what Asterisk makes for itself (CBAnn, Recorder, Snoop, …) is nobody's part of a call.
_TELEPHONE = re.compile(r"(?:PJSIP|SIP|IAX2|DAHDI|Local)/(?P<name>[^@]+?)(?:@.*)?-[0-9a-f]+(?:;[12])?")


@dataclass(frozen=True, slots=True)
class Talk:
    """One agent's spans with the citizen, in their order."""

    channel: Channel
    spans: tuple[Span, ...]
    began: Beginning = "answered"

    @property
    def started(self) -> Microseconds:
        """When both could hear each other first."""
        return self.spans[0][0]

    @property
    def ended(self) -> Microseconds | None:
        """When they could no longer; None while they can."""
        ends = [end for _, end in self.spans]
        return None if None in ends else max(cast("list[Microseconds]", ends))

    @property
    def agent(self) -> str:
        """The agent's extension."""
        return next(iter(self.channel.details(Kind.AGENT)), "") or extension(self.channel)

    def lasts_at(self, at: Microseconds) -> bool:
        """Whether it goes on at that moment, or ends in it."""
        return self.started <= at and (self.ended is None or self.ended >= at)

    def held(self, citizen: Channel) -> list[Span] | None:
        """Give the parts in which the citizen was on hold; None when only records that do not tell of it are known."""
        if not any(self.channel.told_by(Source.AMI, kind) for kind in (Kind.ENTERED, Kind.LEFT, Kind.COMPLETED)):
            return None
        by_agent = between(self.channel, Kind.HELD, Kind.RESUMED)
        with_music = between(citizen, Kind.MUSIC, Kind.SILENCE)
        return overlap(self.spans, [*by_agent, *with_music])


def talks(citizen: Channel, channels: Mapping[str, Channel], bridges: Mapping[str, Iterable[str]]) -> list[Talk]:
    """Give the citizen's talks in their order; `bridges` names who was ever in each bridge."""
    spans: dict[str, list[Span]] = {}
    for bridge in citizen.bridges():
        ours = presence(citizen, bridge)
        for uniqueid in bridges.get(bridge, ()):
            other = channels.get(uniqueid)
            if other is not None and other is not citizen and not other.is_call and extension(other):
                spans.setdefault(uniqueid, []).extend(overlap(ours, presence(other, bridge)))
    if not citizen.bridges():
        spans = _reported(citizen, channels)
    found = [Talk(channels[uniqueid], tuple(sorted(parts, key=_order))) for uniqueid, parts in spans.items() if parts]
    return _with_beginnings(citizen, sorted(found, key=lambda talk: (talk.started, talk.channel.uniqueid)))


def _order(span: Span) -> tuple[Microseconds, bool, Microseconds]:
    start, end = span
    return start, end is None, end or 0


def _reported(citizen: Channel, channels: Mapping[str, Channel]) -> dict[str, list[Span]]:
    """Go by app_queue's own words, for a stream without bridge events."""
    spans: dict[str, list[Span]] = {}
    for uniqueid in citizen.details(Kind.CONNECTED):
        agent = channels.get(uniqueid)
        if agent is not None and extension(agent):
            start = citizen.times(Kind.CONNECTED, uniqueid)[0]
            ends = [*citizen.times(Kind.COMPLETED, uniqueid)[-1:], agent.ended(), citizen.ended()]
            spans[uniqueid] = [(start, min((end for end in ends if end is not None and end > start), default=None))]
    return spans


def _with_beginnings(citizen: Channel, ordered: list[Talk]) -> list[Talk]:
    """Tell how each talk came about: a transfer explains one talk, a talk beside another one is a conference."""
    sent_on = sorted(
        (at, kind)
        for talk in ordered
        for kind in talk.channel.details(Kind.TRANSFERRED)
        for at in talk.channel.times(Kind.TRANSFERRED, kind)
        if at >= talk.started
    )
    joins = citizen.moments(Kind.QUEUED)
    found: list[Talk] = []
    for talk in ordered:
        began: Beginning = "answered"
        explained = [(at, kind) for at, kind in sent_on if at <= talk.started + SETTLE] if found else []
        if explained:
            at, kind = explained[-1]
            sent_on = sent_on[len(explained) :]
            # Whoever was sent back into the queue was answered from there.
            if not any(at < join <= talk.started for join in joins):
                began = cast("Beginning", kind)
        elif any(other.lasts_at(talk.started) and not _about(other.ended, talk.started) for other in found):
            began = "conference"
        found.append(Talk(talk.channel, talk.spans, began))
    return found


def _about(one: Microseconds | None, other: Microseconds) -> bool:
    return one is not None and abs(one - other) <= SETTLE


def held_seconds(talks_: Iterable[Talk], citizen: Channel) -> float | None:
    """Give how long the citizen was on hold in these talks; None when one of them does not tell."""
    spans: list[tuple[Microseconds, Microseconds]] = []
    for talk in talks_:
        held = talk.held(citizen)
        if held is None:
            return None
        spans += [(start, end) for start, end in held if end is not None]
    return total(spans) / 1_000_000


def extension(channel: Channel) -> str:
    """Give the extension that a channel's name tells (`PJSIP/8001-0000002a` → `8001`); empty if it is no telephone."""
    for name in channel.details(Kind.NAMED):
        if found := extension_of(name):
            return found
    return ""


def extension_of(name: str) -> str:
    """Give the extension in the name of a channel or of a queue member's interface; empty if it is no telephone."""
    match = _TELEPHONE.fullmatch(name) or _TELEPHONE.fullmatch(f"{name}-0")
    return match["name"] if match else ""
