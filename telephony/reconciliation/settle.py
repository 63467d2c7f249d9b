"""Ended calls by CEL's clock: the manager port stamps an event when it comes to send it, CEL when it happened. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from telephony.calls.model import Call
from telephony.reconciliation.cel import against_cel, as_cel_tells
from telephony.reconciliation.compare import SETTLED_AFTER

_TIMES = ("_at", "_seconds")


@dataclass(frozen=True, slots=True)
class Settlement:
    """What CEL says otherwise of ended calls, as they are to be stored, and since when calls are still open."""

    calls: int
    corrected: tuple[Call, ...]
    open_since: datetime | None


def settlement(stored: Iterable[Call], told: Mapping[str, Call], now: datetime) -> Settlement:
    """Correct the times of ended calls that CEL tells to the end; who ended a moment ago is looked at the next time.

    `told` is what CEL tells, by call_ref. What differs in more than its times, or is not stored, is a fault and none of
    this: it is left for the comparison to tell of.
    """
    calls, corrected, still_open = 0, [], []
    for call in stored:
        if call.ended_at is None or call.ended_at > now - SETTLED_AFTER:
            still_open.append(call.offered_at)
            continue
        calls += 1
        tells = told.get(call.call_ref)
        if tells is None or tells.ended_at is None:
            continue
        differing = [difference.field for difference in against_cel(call, tells)]
        if differing and all(name.endswith(_TIMES) for name in differing):
            corrected.append(as_cel_tells(tells, call))
    return Settlement(calls, tuple(corrected), min(still_open, default=None))
