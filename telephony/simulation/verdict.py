"""Whether what was stored is what was planned. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from telephony.calls.model import Call

_NAMES = ("caller", "queue", "outcome", "via", "agent", "sip_call_id")
_TIMES = ("offered_at", "answered_at", "ended_at", "wait_seconds", "talk_seconds")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of the planned calls.

    `lost` were planned and are not stored, `invented` are stored and were not planned (a call stored twice has two
    references, one of them invented), `differing` names the fields that are wrong. `worst_seconds` is by how much a
    time or a length was off at most, within the tolerance.
    """

    planned: int
    equal: int
    lost: tuple[str, ...]
    invented: tuple[str, ...]
    differing: dict[str, list[str]]
    worst_seconds: float

    @property
    def faultless(self) -> bool:
        """Whether none is lost, none doubled, and all are equal."""
        return not (self.lost or self.invented or self.differing)


def judge(planned: Iterable[Call], stored: Iterable[Call], tolerance_seconds: float) -> Verdict:
    """Compare calls by reference; times may differ by the tolerance, where Asterisk's records stood in for events."""
    expected = {call.call_ref: call for call in planned}
    found = {call.call_ref: call for call in stored}
    differing: dict[str, list[str]] = {}
    worst = 0.0
    for ref in expected.keys() & found.keys():
        fields, off = _differences(expected[ref], found[ref], tolerance_seconds)
        worst = max(worst, off)
        if fields:
            differing[ref] = fields
    return Verdict(
        len(expected),
        len(expected.keys() & found.keys()) - len(differing),
        tuple(sorted(expected.keys() - found.keys())),
        tuple(sorted(found.keys() - expected.keys())),
        differing,
        worst,
    )


def _differences(planned: Call, stored: Call, tolerance_seconds: float) -> tuple[list[str], float]:
    fields = [name for name in _NAMES if getattr(planned, name) != getattr(stored, name)]
    times = [(name, getattr(planned, name), getattr(stored, name)) for name in _TIMES]
    if len(planned.segments) != len(stored.segments):
        fields.append("segments")
    for number, (ours, theirs) in enumerate(zip(planned.segments, stored.segments, strict=False)):
        place = f"segments[{number}]"
        fields += [
            f"{place}.{name}" for name in ("agent", "recording_id") if getattr(ours, name) != getattr(theirs, name)
        ]
        times += [
            (f"{place}.{name}", getattr(ours, name), getattr(theirs, name))
            for name in ("started_at", "ended_at", "talk_seconds")
        ]
    apart = [(name, _apart(one, other)) for name, one, other in times]
    fields += [name for name, off in apart if off is None or off > tolerance_seconds]
    return fields, max((off for _, off in apart if off is not None and off <= tolerance_seconds), default=0.0)


def _apart(one: datetime | float | None, other: datetime | float | None) -> float | None:
    """Give how far two times or lengths are apart in seconds; None when only one of them is known.

    A call without an answer has talked 0 s; who does not know says None, which is the same.
    """
    if isinstance(one, datetime) and isinstance(other, datetime):
        return abs((one - other).total_seconds())
    if isinstance(one, datetime) or isinstance(other, datetime):
        return None
    return abs((one or 0.0) - (other or 0.0))
