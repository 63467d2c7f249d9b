"""Which calls are left to be transcribed after their end when a worker falls behind. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

# Of the calls at hand, so many are left at once: fewer help too late, more help too much.
_SHARE = 10


@dataclass(frozen=True, slots=True)
class Load:
    """One call being transcribed: since when it runs, and its lag now and at the look before (None: it is new)."""

    recording_id: str
    started_at: datetime
    lag_seconds: float
    lag_before_seconds: float | None


def falls_behind(load: Load, limit_seconds: float) -> bool:
    """Say whether a call is too late and gets no better; one that catches up from far behind gets better."""
    before = load.lag_before_seconds
    return load.lag_seconds > limit_seconds and before is not None and load.lag_seconds >= before


def shed(loads: Sequence[Load], limit_seconds: float) -> tuple[str, ...]:
    """Return the recordings to leave, those begun last first; empty while no call falls behind.

    Of the calls that remain the earliest begun come first: their agents have worked with the words longest.
    """
    if not any(falls_behind(load, limit_seconds) for load in loads):
        return ()
    newest = sorted(loads, key=lambda load: (load.started_at, load.recording_id), reverse=True)
    return tuple(load.recording_id for load in newest[: -(-len(newest) // _SHARE)])
