"""Ended calls by CEL's clock: the manager port stamps an event when it comes to send it, CEL when it happened. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from telephony.calls.model import Call
from telephony.reconciliation.cel import against_cel, as_cel_tells
from telephony.reconciliation.compare import SETTLED_AFTER


@dataclass(frozen=True, slots=True)
class Settlement:
    """What CEL says otherwise of ended calls, as they are to be stored, and since when calls are still open."""

    calls: int
    corrected: tuple[Call, ...]
    open_since: datetime | None


def settlement(stored: Iterable[Call], told: Mapping[str, Call], now: datetime) -> Settlement:
    """Correct the ended calls of which CEL tells to the end; who ended a moment ago is looked at the next time.

    `told` is what CEL tells, by call_ref. A call that is not stored is none of this: the comparison tells of it.
    """
    calls, corrected, still_open = 0, [], []
    for call in stored:
        if call.ended_at is None or call.ended_at > now - SETTLED_AFTER:
            still_open.append(call.offered_at)
            continue
        calls += 1
        tells = told.get(call.call_ref)
        if tells is not None and tells.ended_at is not None and any(against_cel(call, tells)):
            corrected.append(as_cel_tells(tells, call))
    return Settlement(calls, tuple(corrected), min(still_open, default=None))
