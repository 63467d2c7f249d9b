"""Facts → a call. Pure: what a call is follows from what is known, never from the order in which it became known."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import cast

from telephony.calls.facts import Channel, Kind, Microseconds, time_of, total
from telephony.calls.model import Call, Outcome, Segment, Side, Via
from telephony.calls.offers import offers, rung
from telephony.calls.talks import SETTLE, Talk, held_seconds, talks
from telephony.calls.waits import waits

# domain.md: a caller who hangs up within 5 s is counted apart.
SHORT_ABANDON_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Rules:
    """What the reducer is told about this hotline."""

    # The queue that a call belongs to when it reached an agent without queueing (sticky).
    queue: str = "hotline"
    short_abandon_seconds: float = SHORT_ABANDON_SECONDS
    # The queues that are this hotline's; empty: every queue is.
    queues: frozenset[str] = frozenset()
    # The Asterisk that calls run on whose Uniqueids bear no systemname.
    node: str = "main"


def derive(
    citizen: Channel, channels: Mapping[str, Channel], bridges: Mapping[str, Iterable[str]], rules: Rules
) -> Call | None:
    """Make the call that runs on the citizen's channel; None while it is not known when it was offered.

    `bridges` names who was ever in each bridge.
    """
    offered = citizen.began()
    if offered is None:
        return None
    spoken = talks(citizen, channels, bridges)
    answered = spoken[0].started if spoken else None
    ended = citizen.ended()
    until = answered if answered is not None else ended
    wait_seconds = None if until is None else _seconds(until - offered)
    spans = [(start, ended if end is None else end) for talk in spoken for start, end in talk.spans]
    talk_seconds = None if ended is None else _seconds(total(cast("list[tuple[int, int]]", spans)))
    segments = tuple(_segment(talk, citizen) for talk in spoken)
    phones = rung(citizen, channels, spoken)
    stays = waits(citizen, spoken, [began for phone in phones if (began := phone.began()) is not None])
    return Call(
        call_ref=citizen.uniqueid,
        caller=_first(citizen.details(Kind.NUMBERED)),
        queue=_first(citizen.details(Kind.BELONGS)) or (stays[0].queue if stays else rules.queue),
        outcome=_outcome(citizen, answered, ended, wait_seconds, rules),
        via=_via(citizen, spoken),
        offered_at=time_of(offered),
        answered_at=None if answered is None else time_of(answered),
        ended_at=None if ended is None else time_of(ended),
        wait_seconds=wait_seconds,
        talk_seconds=talk_seconds,
        agent=segments[0].agent if segments else None,
        segments=segments,
        sip_call_id=_first([detail for detail in citizen.details(Kind.OFFERED) if detail]),
        node=citizen.node() or rules.node,
        dialled=_first(citizen.details(Kind.DIALLED)),
        hold_seconds=None if ended is None else held_seconds(spoken, citizen),
        hung_up_by=_hung_up_by(citizen, spoken),
        waits=stays,
        offers=offers(citizen, phones, spoken, stays),
    )


def _segment(talk: Talk, citizen: Channel) -> Segment:
    ended = talk.ended
    closed = [(start, end) for start, end in talk.spans if end is not None]
    return Segment(
        agent=talk.agent,
        started_at=time_of(talk.started),
        ended_at=None if ended is None else time_of(ended),
        talk_seconds=None if ended is None else _seconds(total(closed)),
        recording_id=_first(talk.channel.details(Kind.RECORDED)),
        began=talk.began,
        hold_seconds=None if ended is None else held_seconds([talk], citizen),
    )


def _hung_up_by(citizen: Channel, spoken: list[Talk]) -> Side | None:
    """Tell who ended it: whoever asked to hang up first, of those who were there at the end; else Asterisk did."""
    ended = citizen.first(Kind.ENDED)
    if ended is None:
        return None
    there = [talk.channel for talk in spoken if talk.lasts_at(ended - SETTLE)]
    asked = [
        (at, order, side)
        for order, (side, channels) in enumerate((("citizen", [citizen]), ("agent", there)))
        for channel in channels
        if (at := channel.first(Kind.HUNG_UP_ITSELF)) is not None and at <= ended + SETTLE
    ]
    return cast("Side", min(asked)[2]) if asked else "system"


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


def _via(citizen: Channel, spoken: list[Talk]) -> Via | None:
    """Give the last way tried before the answer; without our own events, judge by where the caller was then."""
    answered = spoken[0].started if spoken else None
    tried = sorted((at, via) for via in citizen.details(Kind.TRIED) for at in citizen.times(Kind.TRIED, via))
    before = [via for at, via in tried if answered is None or at <= answered]
    if before:
        return cast("Via", before[-1])
    queued = citizen.first(Kind.QUEUED)
    if answered is None:
        return None if queued is None else "queue"
    if queued is None or queued > answered:
        return "sticky" if citizen.has(Kind.STARTED) else None
    connected = spoken[0].channel.uniqueid in citizen.details(Kind.CONNECTED)
    unqueued = citizen.first(Kind.UNQUEUED)
    return "queue" if connected or unqueued is None or unqueued >= answered else "overflow"


def _first(details: list[str]) -> str | None:
    return details[0] if details else None


def _seconds(length: Microseconds) -> float:
    return length / 1_000_000
