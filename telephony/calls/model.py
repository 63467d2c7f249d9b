"""A call as everybody else sees it: one caller's contact, from ring to hangup, with a segment per agent."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

Outcome = Literal["in_progress", "answered", "abandoned", "short_abandoned", "failed"]
Via = Literal["queue", "sticky", "overflow"]
WaitEnd = Literal["connected", "abandoned", "timed_out", "redirected", "withdrawn", "unknown"]
OfferResult = Literal["answered", "missed", "cancelled"]
Beginning = Literal["answered", "blind_transfer", "attended_transfer", "conference"]
Side = Literal["citizen", "agent", "system"]


@dataclass(frozen=True, slots=True)
class Wait:
    """One stay of the citizen in a queue; `left_at` and `ended` are None while it lasts.

    `ended` is `abandoned` only when the citizen hung up: app_queue's own word for it also covers time limits,
    redirects and withdrawals.
    """

    queue: str
    joined_at: datetime
    left_at: datetime | None = None
    ended: WaitEnd | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the API and the command line print."""
        return {
            "queue": self.queue,
            "joined_at": _iso(self.joined_at),
            "left_at": _iso(self.left_at),
            "ended": self.ended,
        }


@dataclass(frozen=True, slots=True)
class Offer:
    """One agent's phone rang for the call; `ended_at` and `result` are None while it rings.

    `missed`: it rang until its time was over, or was refused. `cancelled`: the citizen was gone, or served elsewhere.
    """

    agent: str
    rang_at: datetime
    ended_at: datetime | None = None
    result: OfferResult | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the API and the command line print."""
        return {
            "agent": self.agent,
            "rang_at": _iso(self.rang_at),
            "ended_at": _iso(self.ended_at),
            "result": self.result,
        }


@dataclass(frozen=True, slots=True)
class Segment:
    """One agent's part of a call: from the moment both could hear each other to the moment they could not.

    `ended_at` and `talk_seconds` are None while it lasts. Hold counts as talk; consultation while the citizen
    is on hold belongs to the agent who holds.
    """

    agent: str
    started_at: datetime
    ended_at: datetime | None
    talk_seconds: float | None
    recording_id: str | None = None
    recording_state: str | None = None
    began: Beginning = "answered"
    hold_seconds: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the API and the command line print."""
        return {
            "agent": self.agent,
            "started_at": _iso(self.started_at),
            "ended_at": _iso(self.ended_at),
            "talk_seconds": self.talk_seconds,
            "began": self.began,
            "hold_seconds": self.hold_seconds,
            "recording_id": self.recording_id,
            "recording_state": self.recording_state,
        }


@dataclass(frozen=True, slots=True)
class Call:
    """One citizen's call.

    `wait_seconds`: from the first ring to the first agent's voice, or to the hangup when nobody answered; None
    before either. `talk_seconds`: how long the citizen was with at least one agent, each second counted once
    (segments of a three-party call overlap); None before the end. `agent`: who answered first.
    `hold_seconds`: how much of that on hold, None before the end and where nobody could know. `queue`: the desk, which
    is the first queue joined, or the own one of whom an overflow led elsewhere. `dialled`: the number that the citizen
    dialled. `hung_up_by` is None before the end, and when nobody saw it. `node`: the Asterisk that took the call.
    What telephony cannot know (`recording_state`, `transcript_state`, `ticket_id`) is None until `api` fills it.
    """

    call_ref: str
    caller: str | None
    queue: str | None
    outcome: Outcome
    via: Via | None
    offered_at: datetime
    answered_at: datetime | None
    ended_at: datetime | None
    wait_seconds: float | None
    talk_seconds: float | None
    agent: str | None
    segments: tuple[Segment, ...] = ()
    sip_call_id: str | None = None
    transcript_state: str | None = None
    ticket_id: str | None = None
    node: str = "main"
    dialled: str | None = None
    hold_seconds: float | None = None
    hung_up_by: Side | None = None
    waits: tuple[Wait, ...] = ()
    offers: tuple[Offer, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Give the shape that the API and the command line print; the SIP Call-ID stays inside."""
        return {
            "call_ref": self.call_ref,
            "caller": self.caller,
            "queue": self.queue,
            "outcome": self.outcome,
            "via": self.via,
            "offered_at": _iso(self.offered_at),
            "answered_at": _iso(self.answered_at),
            "ended_at": _iso(self.ended_at),
            "wait_seconds": self.wait_seconds,
            "talk_seconds": self.talk_seconds,
            "agent": self.agent,
            "node": self.node,
            "dialled": self.dialled,
            "hold_seconds": self.hold_seconds,
            "hung_up_by": self.hung_up_by,
            "waits": [wait.to_json() for wait in self.waits],
            "offers": [offer.to_json() for offer in self.offers],
            "segments": [segment.to_json() for segment in self.segments],
            "transcript_state": self.transcript_state,
            "ticket_id": self.ticket_id,
        }


def _iso(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat(timespec="microseconds")
