"""One AMI message → what a queue says of one of its members. Nothing remembered."""

from dataclasses import dataclass

from telephony.ami.protocol import AmiMessage
from telephony.calls.talks import extension_of

# What a queue says when a member's phone is known to be free (AST_DEVICE_NOT_INUSE, devicestate.h).
FREE = 1
# IN USE, BUSY, RINGING, RINGING IN USE, ON HOLD. A phone that takes one call is BUSY as soon as it rings.
ENGAGED = frozenset({2, 3, 6, 7, 8})
RINGING = frozenset({6, 7})
# UNKNOWN, INVALID, UNAVAILABLE: no call can reach it.
OUT_OF_REACH = frozenset({0, 4, 5})
MAX_REASON_CHARACTERS = 200

# A member of one queue, whole, in every one of them.
MEMBER_EVENTS = frozenset({"QueueMemberStatus", "QueueMemberPause", "QueueMemberAdded", "QueueMemberRemoved"})
MEMBER_LISTED = "QueueMember"


@dataclass(frozen=True, slots=True)
class Standing:
    """How an agent stands in a queue: the phone's state (AST_DEVICE_…), and whether paused and why.

    `member` is False of somebody who is not in the queue any more.
    """

    agent: str
    queue: str
    status: int = FREE
    paused: bool = False
    reason: str = ""
    member: bool = True


def standing(message: AmiMessage) -> Standing | None:
    """Read an event of a queue's member, or a line of QueueStatus; None for everything else."""
    if message.kind != "event" or (message.name not in MEMBER_EVENTS and message.name != MEMBER_LISTED):
        return None
    agent = member(message)
    queue, status = message.get("Queue"), message.get("Status")
    if not agent or not queue or len(status) > 1 or not (status.isascii() and status.isdigit()):
        return None
    reason = "".join(character for character in message.get("PausedReason") if character.isprintable())
    return Standing(
        agent,
        queue,
        int(status),
        message.get("Paused") == "1",
        reason[:MAX_REASON_CHARACTERS],
        member=message.name != "QueueMemberRemoved",
    )


def member(message: AmiMessage) -> str:
    """Give the extension of the member that a queue speaks of; empty if it is no telephone."""
    # QueueStatus writes the interface as Location.
    interface = message.get("StateInterface") or message.get("Interface") or message.get("Location")
    return extension_of(interface)
