"""Calls that an agent places by an order: what one event says of one, and what came of it (pure)."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from telephony.ami.protocol import AmiMessage
from telephony.calls.events import moment
from telephony.calls.facts import time_of

Ending = Literal["reached", "no_answer", "busy", "wrong_number", "unreachable", "cancelled", "agent_absent", "failed"]
# The agent's channel is given this name in front of the call's own (telephony.actions.dial).
CHANNEL_PREFIX = "dial-"
# An agent who hangs up sooner has not let it ring.
RINGS_ENOUGH_SECONDS = 15.0
_DIAL_REF = re.compile(r"[0-9]{9,11}\.[0-9]{6}")
_RECORDING = re.compile(r"[0-9.]{1,20}--[0-9]{1,15}--[0-9]{15,17}")
# ITU-T Q.850: what the network says of a number that was not connected.
BY_CAUSE: dict[int, Ending] = {
    1: "wrong_number",
    22: "wrong_number",
    28: "wrong_number",
    17: "busy",
    18: "no_answer",
    19: "no_answer",
    21: "no_answer",
    20: "unreachable",
    27: "unreachable",
}
# app_dial's DIALSTATUS.
BY_STATUS: dict[str, Ending] = {"ANSWER": "reached", "BUSY": "busy", "NOANSWER": "no_answer"}
# The agent hung up first.
CANCELLED = ("CANCEL", "")


@dataclass(frozen=True, slots=True)
class OutwardCall:
    """What is known of one call; None is what is not known.

    `picked_up_at`: the agent did, and the far end began to be rung. `ended_at`: the agent's channel was over. `status`
    and `cause` are what Dial said of the far end, `talk_seconds` how long both talked.
    """

    dial_ref: str
    agent: str | None = None
    recording_id: str | None = None
    picked_up_at: datetime | None = None
    ended_at: datetime | None = None
    status: str | None = None
    cause: int | None = None
    talk_seconds: float | None = None

    def after(self, before: "OutwardCall") -> "OutwardCall":
        """Give what both say; what was known before stays."""
        return OutwardCall(
            self.dial_ref,
            before.agent or self.agent,
            before.recording_id or self.recording_id,
            before.picked_up_at or self.picked_up_at,
            before.ended_at or self.ended_at,
            self.status if before.status is None else before.status,
            self.cause if before.cause is None else before.cause,
            self.talk_seconds if before.talk_seconds is None else before.talk_seconds,
        )


def ordered_at(dial_ref: str) -> datetime:
    """Return when a call was ordered, which its name says (telephony.actions.dial)."""
    seconds, _, micros = dial_ref.partition(".")
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=int(seconds), microseconds=int(micros))


def outward(message: AmiMessage) -> tuple[OutwardCall, ...]:
    """Read what an event says of a call that an agent placed; most say nothing.

    The end is told with all that is known of the call, so an event that was missed, or a program that forgot, loses
    nothing; repetition and order do not matter.
    """
    at = moment(message)
    if at is None or message.kind != "event":
        return ()
    if message.name == "Hangup" and message.get("Uniqueid").startswith(CHANNEL_PREFIX):
        dial_ref = message.get("Uniqueid").removeprefix(CHANNEL_PREFIX)
        return (OutwardCall(dial_ref, ended_at=time_of(at)),) if _DIAL_REF.fullmatch(dial_ref) else ()
    told = message.get("UserEvent") if message.name == "UserEvent" else ""
    dial_ref, recording, agent = (message.get(key) for key in ("DialRef", "Recording", "Agent"))
    if told not in {"HotlineDialled", "HotlineDialOver"} or not _DIAL_REF.fullmatch(dial_ref):
        return ()
    recording_id = recording if _RECORDING.fullmatch(recording) else None
    if told == "HotlineDialled":
        return (OutwardCall(dial_ref, agent or None, recording_id, picked_up_at=time_of(at)),)
    cause, talked = message.get("Cause"), message.get("TalkMs")
    over = OutwardCall(
        dial_ref,
        agent or None,
        recording_id,
        ended_at=time_of(at),
        status=message.get("Status")[:20],
        cause=int(cause) if re.fullmatch(r"[0-9]{1,3}", cause) else None,
        talk_seconds=int(talked) / 1000 if re.fullmatch(r"[0-9]{1,9}", talked) else None,
    )
    return (over,)


def came_of(call: OutwardCall) -> Ending | None:
    """Say what came of a call; None while it goes on.

    Reached is who answered, nothing else. Without Dial's own word the agent never picked up, or Asterisk died with it.
    """
    if call.status is None:
        if call.ended_at is None:
            return None
        return "agent_absent" if call.picked_up_at is None else "failed"
    if call.status in BY_STATUS:
        return BY_STATUS[call.status]
    if call.status in CANCELLED:
        rang = (call.ended_at - call.picked_up_at).total_seconds() if call.ended_at and call.picked_up_at else 0.0
        return "no_answer" if rang >= RINGS_ENOUGH_SECONDS else "cancelled"
    return BY_CAUSE.get(call.cause or 0, "failed")
