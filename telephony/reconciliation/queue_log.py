"""Stored calls against queue_log: who was connected when, who left how; whole seconds."""

from collections.abc import Iterator
from datetime import UTC, datetime

from telephony.calls.facts import uniqueid_second
from telephony.calls.model import Call, Segment
from telephony.reconciliation.difference import Difference, shown
from telephony.records.queue_log import Connected, QueueCall

# A row's time is cut to the second, and written up to a second late on a loaded machine.
TOLERANCE_SECONDS = 2.0
_UNANSWERED = frozenset({"abandoned", "short_abandoned", "failed"})


def against_queue_log(stored: Call, told: QueueCall, *, answered_elsewhere: bool) -> Iterator[Difference]:
    """Compare one ended call with app_queue's own word.

    `answered_elsewhere`: another record tells of an agent outside the queue (overflow, sticky, redirect). Then a
    caller who left the queue unconnected was answered all the same: app_queue writes ABANDON for a redirect, too.
    """
    # Whom an overflow led elsewhere waited there first, and is the own desk's call.
    led = stored.via == "overflow" or len({wait.queue for wait in stored.waits}) > 1
    joined = stored.waits[0].queue if led and stored.waits else stored.queue
    if joined != told.queue:
        yield _difference(stored, "queue", joined, told.queue)
    if stored.waits and len(stored.waits) != told.stays:
        yield _difference(stored, "waits", str(len(stored.waits)), str(told.stays))
    if told.connected and stored.outcome in _UNANSWERED:
        yield _difference(stored, "outcome", stored.outcome, f"CONNECT {told.connected[0].agent}")
    elif not told.connected and stored.outcome == "answered" and not answered_elsewhere:
        yield _difference(stored, "outcome", "answered", told.left or "no CONNECT")
    for connected in told.connected:
        yield from _connected(stored, connected)
    if told.left == "ABANDON" and told.left_at is not None and not told.connected and stored.outcome in _UNANSWERED:
        if not _near(stored.ended_at, told.left_at):
            yield _difference(stored, "ended_at", shown(stored.ended_at), shown(_moment(told.left_at)))
        yield from _wait(stored, told.left_at)


def _connected(stored: Call, connected: Connected) -> Iterator[Difference]:
    mine = [segment for segment in stored.segments if segment.agent == connected.agent]
    if not mine:
        agents = ", ".join(segment.agent for segment in stored.segments) or None
        yield _difference(stored, "segments.agent", agents, f"CONNECT {connected.agent}")
        return
    segment = min(mine, key=lambda each: abs(each.started_at.timestamp() - connected.at))
    if not _near(segment.started_at, connected.at):
        yield _difference(stored, "segments.started_at", shown(segment.started_at), shown(_moment(connected.at)))
    if segment is stored.segments[0]:
        yield from _wait(stored, connected.at)
    yield from _talk(stored, segment, connected)


def _wait(stored: Call, until: int) -> Iterator[Difference]:
    began = uniqueid_second(stored.call_ref)
    waited = None if began is None else float(until - began)
    if waited is not None and (stored.wait_seconds is None or abs(stored.wait_seconds - waited) > TOLERANCE_SECONDS):
        yield _difference(stored, "wait_seconds", shown(stored.wait_seconds), shown(waited))


def _talk(stored: Call, segment: Segment, connected: Connected) -> Iterator[Difference]:
    if connected.talk_seconds is None or segment.talk_seconds is None:
        return
    if abs(segment.talk_seconds - connected.talk_seconds) > TOLERANCE_SECONDS:
        yield _difference(
            stored, "segments.talk_seconds", shown(segment.talk_seconds), shown(float(connected.talk_seconds))
        )


def _difference(stored: Call, field: str, ours: str | None, theirs: str | None) -> Difference:
    return Difference(stored.call_ref, field, "queue_log", ours, theirs, "told_otherwise", stored.offered_at)


def _near(moment: datetime | None, second: int) -> bool:
    return moment is not None and abs(moment.timestamp() - second) <= TOLERANCE_SECONDS


def _moment(second: int) -> datetime:
    return datetime.fromtimestamp(second, UTC)
