"""Whether two tellings of a call are the same call, told."""

from collections.abc import Sequence
from datetime import datetime

from telephony.calls.model import Call, Offer, Segment, Wait

_CALL_WORDS = ("call_ref", "caller", "queue", "outcome", "via", "agent", "sip_call_id", "node", "dialled", "hung_up_by")
_Part = Segment | Wait | Offer
_WORDS: dict[type[_Part], tuple[str, ...]] = {
    Segment: ("agent", "recording_id", "began"),
    Wait: ("queue", "ended"),
    Offer: ("agent", "result"),
}
_TIMES: dict[type[_Part], tuple[str, ...]] = {
    Segment: ("started_at", "ended_at", "talk_seconds"),
    Wait: ("joined_at", "left_at"),
    Offer: ("rang_at", "ended_at"),
}


def same(one: Call, other: Call, tolerance_seconds: float) -> bool:
    """Whether both say the same; times and lengths may differ by the tolerance, as clocks are read at two places."""
    return not differences(one, other, tolerance_seconds)


def differences(one: Call, other: Call, tolerance_seconds: float) -> list[str]:
    """Name the fields in which two tellings differ by more than the tolerance."""
    found = [name for name in _CALL_WORDS if getattr(one, name) != getattr(other, name)]
    found += [
        name
        for name in ("offered_at", "answered_at", "ended_at", "wait_seconds", "talk_seconds")
        if not _close(getattr(one, name), getattr(other, name), tolerance_seconds)
    ]
    found += _hold(one, other, tolerance_seconds)
    for parts in ("segments", "waits", "offers"):
        found += _part_differences(parts, getattr(one, parts), getattr(other, parts), tolerance_seconds)
    return found


def _part_differences(
    parts: str, ours: Sequence[_Part], theirs: Sequence[_Part], tolerance_seconds: float
) -> list[str]:
    if len(ours) != len(theirs):
        return [parts]
    found = []
    for index, (one, other) in enumerate(zip(ours, theirs, strict=True)):
        names = [name for name in _WORDS[type(one)] if getattr(one, name) != getattr(other, name)]
        names += [
            name
            for name in _TIMES[type(one)]
            if not _close(getattr(one, name), getattr(other, name), tolerance_seconds)
        ]
        if isinstance(one, Segment) and isinstance(other, Segment):
            names += _hold(one, other, tolerance_seconds)
        found += [f"{parts}[{index}].{name}" for name in names]
    return found


def _hold(one: Call | Segment, other: Call | Segment, tolerance_seconds: float) -> list[str]:
    # Asterisk's own records do not tell of holding: who does not know does not contradict.
    if one.hold_seconds is None or other.hold_seconds is None:
        return []
    return [] if _close(one.hold_seconds, other.hold_seconds, tolerance_seconds) else ["hold_seconds"]


def _close(one: datetime | float | None, other: datetime | float | None, tolerance_seconds: float) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs((one - other).total_seconds()) <= tolerance_seconds
    if isinstance(one, float | int) and isinstance(other, float | int):
        return abs(one - other) <= tolerance_seconds
    return one is None and other is None
