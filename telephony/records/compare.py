"""Whether two tellings of a call are the same call, told."""

from datetime import datetime

from telephony.calls.model import Call, Segment


def same(one: Call, other: Call, tolerance_seconds: float) -> bool:
    """Whether both say the same; times and lengths may differ by the tolerance, as clocks are read at two places."""
    return not differences(one, other, tolerance_seconds)


def differences(one: Call, other: Call, tolerance_seconds: float) -> list[str]:
    """Name the fields in which two tellings differ by more than the tolerance."""
    found = [
        name
        for name in ("call_ref", "caller", "queue", "outcome", "via", "agent", "sip_call_id")
        if getattr(one, name) != getattr(other, name)
    ]
    found += [
        name
        for name in ("offered_at", "answered_at", "ended_at", "wait_seconds", "talk_seconds")
        if not _close(getattr(one, name), getattr(other, name), tolerance_seconds)
    ]
    if len(one.segments) != len(other.segments):
        return [*found, "segments"]
    for index, (ours, theirs) in enumerate(zip(one.segments, other.segments, strict=True)):
        found += [f"segments[{index}].{name}" for name in _segment_differences(ours, theirs, tolerance_seconds)]
    return found


def _segment_differences(one: Segment, other: Segment, tolerance_seconds: float) -> list[str]:
    found = [name for name in ("agent", "recording_id") if getattr(one, name) != getattr(other, name)]
    return found + [
        name
        for name in ("started_at", "ended_at", "talk_seconds")
        if not _close(getattr(one, name), getattr(other, name), tolerance_seconds)
    ]


def _close(one: datetime | float | None, other: datetime | float | None, tolerance_seconds: float) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs((one - other).total_seconds()) <= tolerance_seconds
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= tolerance_seconds
    return one is None and other is None
