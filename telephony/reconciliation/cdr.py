"""Stored calls against CDR: which agents answered, for how long, and when it was over; whole seconds."""

from collections.abc import Iterator
from datetime import datetime

from telephony.calls.model import Call, Segment
from telephony.reconciliation.difference import Difference, shown
from telephony.records.cdr import CdrCall, Leg

# Every moment is cut to its second, and a length is the difference of two.
TOLERANCE_SECONDS = 2.0


def against_cdr(stored: Call, told: CdrCall) -> Iterator[Difference]:
    """Compare one ended call with Asterisk's call detail records."""
    answered = told.answered
    if bool(answered) != (stored.outcome == "answered"):
        says = ", ".join(f"ANSWERED {leg.agent}" for leg in answered) or "NO ANSWER"
        yield _difference(stored, "outcome", stored.outcome, says)
        return
    yield from _moments(stored, told)
    # Hold and transfer split a record, never the channel: a channel is a segment.
    channels = {leg.agent_channel: leg.agent for leg in answered}
    ours, theirs = sorted(segment.agent for segment in stored.segments), sorted(channels.values())
    if len(ours) != len(theirs):
        yield _difference(stored, "segments", str(len(ours)), str(len(theirs)))
    if set(ours) != set(theirs):
        yield _difference(stored, "segments.agent", ", ".join(ours), ", ".join(theirs))
        return
    for agent in sorted(set(ours)):
        yield from _talk(
            stored,
            [segment for segment in stored.segments if segment.agent == agent],
            [leg for leg in answered if leg.agent == agent],
        )


def _moments(stored: Call, told: CdrCall) -> Iterator[Difference]:
    if _apart(stored.offered_at, told.started_at) > TOLERANCE_SECONDS:
        yield _difference(stored, "offered_at", shown(stored.offered_at), shown(told.started_at))
    # Who waits on after an agent did not answer, and then hangs up, leaves no record of it: the end may be later.
    last = max(told.legs, key=lambda leg: leg.ended_at)
    if stored.ended_at is not None:
        late = (told.ended_at - stored.ended_at).total_seconds()
        if late > TOLERANCE_SECONDS or (last.answered and last.agent and -late > TOLERANCE_SECONDS):
            yield _difference(stored, "ended_at", shown(stored.ended_at), shown(told.ended_at))


def _apart(one: datetime, other: datetime) -> float:
    return abs((one - other).total_seconds())


def _talk(stored: Call, segments: list[Segment], legs: list[Leg]) -> Iterator[Difference]:
    """Compare how long one agent talked. Each record of it may be cut by a second.

    On a carrier's line that we answered before an agent did, the record counts the ringing as well: longer than it
    was is no difference there.
    """
    ours = sum(segment.talk_seconds or 0.0 for segment in segments)
    theirs = float(sum(leg.talk_seconds for leg in legs))
    slack = TOLERANCE_SECONDS + len(legs) - 1
    first = min(segment.started_at for segment in segments)
    early = any(leg.answered_at and (first - leg.answered_at).total_seconds() > TOLERANCE_SECONDS for leg in legs)
    if ours - theirs > slack or (theirs - ours > slack and not early):
        yield _difference(stored, "segments.talk_seconds", shown(ours), shown(theirs))


def _difference(stored: Call, field: str, ours: str | None, theirs: str | None) -> Difference:
    return Difference(stored.call_ref, field, "cdr", ours, theirs, "told_otherwise", stored.offered_at)
