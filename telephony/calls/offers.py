"""The phones that rang for a citizen, and what became of each."""

from collections.abc import Mapping

from telephony.calls.facts import Channel, Kind, Microseconds, time_of
from telephony.calls.model import Offer, OfferResult, Wait
from telephony.calls.talks import SETTLE, Talk, extension


def rung(citizen: Channel, channels: Mapping[str, Channel], talks: list[Talk]) -> list[Channel]:
    """Give the agents' channels that rang for the citizen, in their order.

    Those that the citizen's own channel dialled, and those that served the call: not a colleague who was only asked,
    nor a third party.
    """
    found = {uniqueid: channels[uniqueid] for uniqueid in citizen.details(Kind.RANG) if uniqueid in channels}
    served = [talk.channel for talk in talks if talk.channel.has(Kind.RECORDED) and talk.began != "conference"]
    found |= {channel.uniqueid: channel for channel in served}
    telephones = [
        channel
        for channel in found.values()
        if channel is not citizen and not channel.is_call and extension(channel) and channel.began() is not None
    ]
    return sorted(telephones, key=lambda channel: (channel.began() or 0, channel.uniqueid))


def offers(citizen: Channel, channels: list[Channel], talks: list[Talk], waits: tuple[Wait, ...]) -> tuple[Offer, ...]:
    """Give what became of each channel that rang (`rung`)."""
    return tuple(_offer(citizen, channel, talks, waits) for channel in channels)


def _offer(citizen: Channel, channel: Channel, talks: list[Talk], waits: tuple[Wait, ...]) -> Offer:
    rang = channel.began() or 0
    own = next((talk for talk in talks if talk.channel is channel), None)
    answers = [channel.first(Kind.RECORDED), channel.first(Kind.ANSWERED), own.started if own else None]
    answered = next((at for at in answers if at is not None), None)
    agent = own.agent if own else next(iter(channel.details(Kind.AGENT)), "") or extension(channel)
    if answered is not None:
        return Offer(agent, time_of(rang), time_of(max(rang, answered)), "answered")
    stopped = channel.ended()
    if stopped is None:
        return Offer(agent, time_of(rang))
    return Offer(agent, time_of(rang), time_of(max(rang, stopped)), _unanswered(citizen, stopped, talks, waits))


def _unanswered(citizen: Channel, stopped: Microseconds, talks: list[Talk], waits: tuple[Wait, ...]) -> OfferResult:
    """Tell a phone that rang in vain from one that had no reason left to ring: the records name no reason."""
    reasons = [citizen.ended(), *(talk.started for talk in talks)]
    if any(at is not None and abs(at - stopped) <= SETTLE for at in reasons):
        return "cancelled"
    gone = [wait.left_at for wait in waits if wait.ended in {"abandoned", "redirected", "withdrawn"}]
    settle_seconds = SETTLE / 1_000_000
    near = any(left and abs((left - time_of(stopped)).total_seconds()) <= settle_seconds for left in gone)
    return "cancelled" if near else "missed"
