"""After a gap: which channels Asterisk still has, from its answers to QueueStatus and CoreShowChannels."""

from collections.abc import Container, Iterable
from dataclasses import replace
from datetime import datetime

from telephony.ami.protocol import AmiMessage
from telephony.calls.model import Call, Offer, Segment, Wait


def alive(channels: Iterable[AmiMessage], queue: Iterable[AmiMessage] = ()) -> frozenset[str]:
    """Give the Uniqueid of every channel that is up or waits in a queue.

    `channels` are the events of CoreShowChannels, `queue` those of QueueStatus (its QueueEntry events).
    """
    listed = {event.get("Uniqueid") for event in channels if event.name == "CoreShowChannel"}
    waiting = {event.get("Uniqueid") for event in queue if event.name == "QueueEntry"}
    return frozenset((listed | waiting) - {""})


def end_unaccounted(known: Iterable[Call], alive_channels: Container[str]) -> list[Call]:
    """End the stored calls in progress of which neither Asterisk nor its records know anything any more.

    `known` are the calls that no reducer remembers. Each ends with the last moment that is stored of it.
    """
    return [_ended(call) for call in known if call.outcome == "in_progress" and call.call_ref not in alive_channels]


def _ended(call: Call) -> Call:
    moments = [moment for segment in call.segments for moment in (segment.started_at, segment.ended_at) if moment]
    moments += [moment for wait in call.waits for moment in (wait.joined_at, wait.left_at) if moment]
    moments += [moment for offer in call.offers for moment in (offer.rang_at, offer.ended_at) if moment]
    ended_at = max([call.offered_at, *moments])
    segments = tuple(_closed(segment, ended_at) for segment in call.segments)
    wait_seconds = call.wait_seconds
    if wait_seconds is None:
        wait_seconds = (ended_at - call.offered_at).total_seconds()
    return replace(
        call,
        outcome="answered" if segments else "failed",
        ended_at=ended_at,
        wait_seconds=wait_seconds,
        talk_seconds=sum(segment.talk_seconds or 0.0 for segment in segments),
        segments=segments,
        waits=tuple(_left(wait, ended_at) for wait in call.waits),
        offers=tuple(_unanswered(offer, ended_at) for offer in call.offers),
    )


def _left(wait: Wait, ended_at: datetime) -> Wait:
    if wait.left_at is not None:
        return wait
    return replace(wait, left_at=max(ended_at, wait.joined_at), ended="unknown")


def _unanswered(offer: Offer, ended_at: datetime) -> Offer:
    if offer.ended_at is not None:
        return offer
    return replace(offer, ended_at=max(ended_at, offer.rang_at), result="cancelled")


def _closed(segment: Segment, ended_at: datetime) -> Segment:
    if segment.ended_at is not None:
        return segment
    return replace(segment, ended_at=ended_at, talk_seconds=(ended_at - segment.started_at).total_seconds())
