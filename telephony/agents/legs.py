"""An agent's phone in calls: its channels, and when each rang, was answered and ended."""

from collections.abc import Iterator
from dataclasses import dataclass

from telephony.ami.protocol import AmiMessage
from telephony.calls.events import call_ref, moment
from telephony.calls.facts import Microseconds
from telephony.calls.talks import extension_of

LEG_EVENTS = frozenset({"Newchannel", "Hangup", "DialBegin", "DialEnd", "BridgeEnter", "UserEvent"})
# AST_STATE_DOWN and AST_STATE_UP (channelstate.h): a channel that Asterisk makes to ring a phone begins as DOWN.
_DOWN, _UP = "0", "6"
# By which a third party comes into a talk: the phone that it leads to has a channel of its own.
_INNER = "Local/"
_RUNG_BY = frozenset({"AppQueue", "AppDial"})


@dataclass(frozen=True, slots=True)
class Sign:
    """What one event says of a phone's channel; None and False where it says nothing."""

    uniqueid: str
    agent: str
    at: Microseconds
    started: bool = False
    dialled: bool = False
    answered: bool = False
    ended: bool = False
    call_ref: str | None = None


@dataclass(slots=True)
class Leg:
    """All that is known of one channel of an agent's phone: the earliest word on each counts.

    `dialled`: the phone was rung; otherwise the agent began the call. `lost`: when it was found gone.
    """

    uniqueid: str
    agent: str
    started: Microseconds | None = None
    dialled: bool = False
    answered: Microseconds | None = None
    ended: Microseconds | None = None
    lost: Microseconds | None = None
    call_ref: str | None = None

    def note(self, sign: Sign, *, fills: bool = False) -> bool:
        """Add what an event says; tells whether it was news.

        With `fills` its moments count only where none are known: Asterisk's records stamp them a little otherwise.
        """
        before = self.started, self.dialled, self.answered, self.ended, self.call_ref
        if sign.started and not (fills and self.started is not None):
            self.started = _earliest(self.started, sign.at)
        if sign.answered and not (fills and self.answered is not None):
            self.answered = _earliest(self.answered, sign.at)
        if sign.ended and not (fills and self.ended is not None):
            self.ended = _earliest(self.ended, sign.at)
        self.dialled |= sign.dialled
        if sign.call_ref is not None:
            self.call_ref = min(sign.call_ref, self.call_ref or sign.call_ref)
        return before != (self.started, self.dialled, self.answered, self.ended, self.call_ref)

    @property
    def over(self) -> Microseconds | None:
        """When it ended, or was found gone; None while it lasts."""
        return self.lost if self.ended is None else self.ended

    def lasts_at(self, at: Microseconds) -> bool:
        """Whether the phone is engaged by it at that moment."""
        return (self.started is None or self.started <= at) and (self.over is None or at < self.over)

    def talks_at(self, at: Microseconds) -> bool:
        """Whether the agent speaks in it, given that it lasts; else the phone rings."""
        return not self.dialled or (self.answered is not None and self.answered <= at)

    def times(self) -> Iterator[Microseconds]:
        """Give the moments at which it changes what the agent does."""
        yield from (at for at in (self.started, self.answered, self.over) if at is not None)


def _earliest(one: Microseconds | None, other: Microseconds) -> Microseconds:
    return other if one is None else min(one, other)


def sign(message: AmiMessage) -> Sign | None:
    """Read what an event says of a telephone's channel; None when it says nothing."""
    at = moment(message)
    if at is None or message.kind != "event" or message.name not in LEG_EVENTS:
        return None
    dials = message.name in {"DialBegin", "DialEnd"}
    uniqueid, channel = (message.get(f"{'Dest' if dials else ''}{key}") for key in ("Uniqueid", "Channel"))
    agent = "" if channel.startswith(_INNER) else extension_of(channel)
    if not uniqueid or not agent:
        return None
    served = message.name == "UserEvent" and message.get("UserEvent") == "HotlineSegment"
    if message.name == "UserEvent" and not served:
        return None
    ref = (message.get("CallRef") if served else "") or call_ref(message)
    heard = message.name == "BridgeEnter" and message.get("BridgeTechnology") != "holding_bridge"
    return Sign(
        uniqueid,
        agent,
        at,
        started=message.name == "Newchannel",
        dialled=dials or (message.name == "Newchannel" and message.get("ChannelState") == _DOWN),
        answered=served or heard or (message.name == "DialEnd" and message.get("DialStatus") == "ANSWER"),
        ended=message.name == "Hangup",
        # Its own Uniqueid says only that it belongs to no other call.
        call_ref=ref if ref and ref != uniqueid else None,
    )


def listed(message: AmiMessage, at: Microseconds) -> Sign | None:
    """Read a line of CoreShowChannels, asked for at `at`: the channel is there, since when is not said."""
    uniqueid, channel = message.get("Uniqueid"), message.get("Channel")
    agent = "" if channel.startswith(_INNER) else extension_of(channel)
    if message.name != "CoreShowChannel" or not uniqueid or not agent:
        return None
    ref = call_ref(message)
    return Sign(
        uniqueid,
        agent,
        at,
        started=True,
        dialled=message.get("Application") in _RUNG_BY,
        answered=message.get("ChannelState") == _UP,
        call_ref=ref if ref != uniqueid else None,
    )
