"""One AMI event → the facts it states. A table of Asterisk's events, nothing remembered."""

import re
from collections.abc import Callable

from telephony.ami.protocol import AmiMessage
from telephony.calls.facts import Fact, Kind, Microseconds

# Longest caller number kept: the From user of a SIP INVITE is whatever the caller's side wrote.
MAX_NUMBER_CHARACTERS = 64
_TIMESTAMP = re.compile(r"([0-9]{1,11})\.([0-9]{6})")
_UNKNOWN_NUMBERS = frozenset({"", "<unknown>", "anonymous", "unknown"})
_VIAS = frozenset({"queue", "sticky", "overflow"})
_CALLREF = "CALLREF="

_Reader = Callable[[AmiMessage, str, str, Microseconds], list[Fact]]


def moment(message: AmiMessage) -> Microseconds | None:
    """Give the event's own time (`Timestamp`, from manager.conf's timestampevents) in microseconds, or None."""
    match = _TIMESTAMP.fullmatch(message.get("Timestamp"))
    return int(match[1]) * 1_000_000 + int(match[2]) if match else None


def call_ref(message: AmiMessage) -> str:
    """Give the key of the call that the event belongs to: the inherited variable CALLREF, else Linkedid."""
    for key in ("ChanVariable", "DestChanVariable"):
        for variable in message.all(key):
            if variable.startswith(_CALLREF) and len(variable) > len(_CALLREF):
                return variable.removeprefix(_CALLREF)
    return message.get("Linkedid") or message.get("Uniqueid")


def facts(message: AmiMessage) -> list[Fact]:
    """Read an event; events of unknown kinds, without a channel or without a time state nothing."""
    reader = _READERS.get(message.name)
    at = moment(message)
    # Transfers name their channels by their part in it.
    uniqueid = message.get("Uniqueid") or message.get("TransfererUniqueid") or message.get("OrigTransfererUniqueid")
    if reader is None or at is None or not uniqueid or message.kind != "event":
        return []
    ref = call_ref(message)
    found = reader(message, uniqueid, ref, at)
    if found:
        found += _identity(message, uniqueid, at)
    return found


def _identity(message: AmiMessage, uniqueid: str, at: Microseconds) -> list[Fact]:
    found = [Fact(uniqueid, Kind.SEEN, at)]
    if f"{_CALLREF}{uniqueid}" in message.all("ChanVariable"):
        found.append(Fact(uniqueid, Kind.KEYED, 0))
    if channel := message.get("Channel"):
        found.append(Fact(uniqueid, Kind.NAMED, 0, channel))
    number = "".join(character for character in message.get("CallerIDNum") if character.isprintable())
    if number.lower() not in _UNKNOWN_NUMBERS:
        found.append(Fact(uniqueid, Kind.NUMBERED, at, number[:MAX_NUMBER_CHARACTERS]))
    return found


def _plain(kind: Kind) -> _Reader:
    return lambda _message, uniqueid, _ref, at: [Fact(uniqueid, kind, at)]


def _bridge(kind: Kind) -> _Reader:
    def read(message: AmiMessage, uniqueid: str, _ref: str, at: Microseconds) -> list[Fact]:
        bridge = message.get("BridgeUniqueid")
        # In a holding bridge nobody hears anybody.
        if not bridge or message.get("BridgeTechnology") == "holding_bridge":
            return []
        return [Fact(uniqueid, kind, at, bridge)]

    return read


def _queue(kind: Kind) -> _Reader:
    def read(message: AmiMessage, _uniqueid: str, ref: str, at: Microseconds) -> list[Fact]:
        queue = message.get("Queue")
        return [Fact(ref, kind, at, queue)] if queue else []

    return read


def _agent(kind: Kind) -> _Reader:
    def read(message: AmiMessage, _uniqueid: str, ref: str, at: Microseconds) -> list[Fact]:
        other = message.get("DestUniqueid")
        if not other:
            return []
        name = message.get("DestChannel") or message.get("Interface")
        named = [Fact(other, Kind.NAMED, 0, name)] if name else []
        return [Fact(ref, kind, at, other), *named]

    return read


def _rings(message: AmiMessage, uniqueid: str, _ref: str, at: Microseconds) -> list[Fact]:
    other, name = message.get("DestUniqueid"), message.get("DestChannel")
    if not other:
        return []
    return [Fact(uniqueid, Kind.RANG, at, other), *([Fact(other, Kind.NAMED, 0, name)] if name else [])]


def _stops_ringing(message: AmiMessage, _uniqueid: str, _ref: str, at: Microseconds) -> list[Fact]:
    other = message.get("DestUniqueid")
    return [Fact(other, Kind.ANSWERED, at)] if other and message.get("DialStatus") == "ANSWER" else []


def _transfer(kind: str) -> _Reader:
    def read(message: AmiMessage, transferer: str, _ref: str, at: Microseconds) -> list[Fact]:
        if message.get("Result", "Success") != "Success":
            return []
        return [Fact(transferer, Kind.TRANSFERRED, at, kind)]

    return read


def _user_event(message: AmiMessage, uniqueid: str, ref: str, at: Microseconds) -> list[Fact]:
    ref = message.get("CallRef") or ref
    match message.get("UserEvent"):
        case "HotlineOffered":
            number = message.get("Dialled")[:MAX_NUMBER_CHARACTERS]
            dialled = [Fact(ref, Kind.DIALLED, at, number)] if number else []
            return [Fact(ref, Kind.OFFERED, at, message.get("SipCallId")), *dialled]
        case "HotlineVia" if (via := message.get("Via")) in _VIAS:
            desk = message.get("Desk")
            return [Fact(ref, Kind.TRIED, at, via), *([Fact(ref, Kind.BELONGS, at, desk)] if desk else [])]
        case "HotlineLeft":
            return [Fact(ref, Kind.UNSERVED, at, message.get("Status"))]
        case "HotlineUnanswered":
            return [Fact(ref, Kind.UNANSWERED, at)]
        case "HotlineSegment" if recording := message.get("Recording"):
            agent = message.get("Agent")
            known = [Fact(uniqueid, Kind.AGENT, at, agent)] if agent else []
            served = [Fact(ref, Kind.SERVED, at)] if ref != uniqueid else []
            return [Fact(uniqueid, Kind.RECORDED, at, recording), *known, *served]
    return []


_READERS: dict[str, _Reader] = {
    "Newchannel": _plain(Kind.STARTED),
    "Hangup": _plain(Kind.ENDED),
    "HangupRequest": _plain(Kind.HUNG_UP_ITSELF),
    "BridgeEnter": _bridge(Kind.ENTERED),
    "BridgeLeave": _bridge(Kind.LEFT),
    "QueueCallerJoin": _queue(Kind.QUEUED),
    "QueueCallerLeave": _queue(Kind.UNQUEUED),
    "QueueCallerAbandon": _queue(Kind.ABANDONED),
    "AgentConnect": _agent(Kind.CONNECTED),
    "AgentComplete": _agent(Kind.COMPLETED),
    "DialBegin": _rings,
    "DialEnd": _stops_ringing,
    "Hold": _plain(Kind.HELD),
    "Unhold": _plain(Kind.RESUMED),
    "MusicOnHoldStart": _plain(Kind.MUSIC),
    "MusicOnHoldStop": _plain(Kind.SILENCE),
    "BlindTransfer": _transfer("blind_transfer"),
    "AttendedTransfer": _transfer("attended_transfer"),
    "UserEvent": _user_event,
}

WANTED_EVENTS = frozenset(_READERS)
