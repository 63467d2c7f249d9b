"""Which calls each count is of, said once: for the sums, the lists behind the numbers, and the promises.

SQL conditions on a row of `calls`.
"""

from dataclasses import dataclass

WAITING = "(calls.outcome = 'in_progress' AND calls.answered_at IS NULL)"
ANSWERED = "(calls.answered_at IS NOT NULL)"
ABANDONED = "(calls.outcome = 'abandoned')"
SHORT_ABANDONED = "(calls.outcome = 'short_abandoned')"
FAILED = "(calls.outcome = 'failed')"
# OFFSET 0: looked up call by call; PostgreSQL would else read all waits ever, expecting too many calls.
QUEUED = "(EXISTS (SELECT FROM call_waits WHERE call_waits.call_ref = calls.call_ref OFFSET 0))"
HANDLED = "(calls.answered_at IS NOT NULL AND calls.ended_at IS NOT NULL)"
DECIDED = f"(NOT {WAITING})"


@dataclass(frozen=True, slots=True)
class Known:
    """The sets that depend on when one asks: what was known of calls then."""

    answered: str
    decided: str
    abandoned: str
    short_abandoned: str
    handled: str


AS_STORED = Known(ANSWERED, DECIDED, ABANDONED, SHORT_ABANDONED, HANDLED)
# Later calls answered and ended are put back: the same question about :moment always has the same answer.
_ANSWERED_THEN = "(calls.answered_at <= :moment)"
_OVER_THEN = "(calls.ended_at <= :moment)"
AT_MOMENT = Known(
    answered=_ANSWERED_THEN,
    decided=f"({_ANSWERED_THEN} OR (calls.answered_at IS NULL AND {_OVER_THEN}))",
    abandoned=f"({ABANDONED} AND {_OVER_THEN})",
    short_abandoned=f"({SHORT_ABANDONED} AND {_OVER_THEN})",
    handled=f"({_ANSWERED_THEN} AND {_OVER_THEN})",
)


def parts(metric: str, answer_seconds: float, service_seconds: float, known: Known = AS_STORED) -> tuple[str, str]:
    """Return the conditions of a metric's numerator and denominator; what is offered and in neither is left out.

    Where the numerator is a time, these are the calls whose times make it. Occupancy is agents' time: it is no set of
    offered calls, see api.queues.repository.worked_on.
    """
    answered, decided = known.answered, known.decided
    queued = f"({decided} AND {QUEUED})"

    def within(seconds: float) -> str:
        return f"({answered} AND calls.wait_seconds <= {float(seconds)!r})"

    return {
        "connected": (answered, decided),
        "connected_less_short": (answered, f"({decided} AND NOT {known.short_abandoned})"),
        "answer_in_time": (within(answer_seconds), decided),
        "answer_in_time_of_answered": (within(answer_seconds), answered),
        "service_level": (within(service_seconds), f"({answered} OR {known.abandoned})"),
        "abandoned": (f"({known.abandoned} AND {QUEUED})", queued),
        "short_abandoned": (f"({known.short_abandoned} AND {QUEUED})", queued),
        "asa": (answered, answered),
        "mean_wait": (decided, decided),
        "longest_wait": (decided, decided),
        "aht": (known.handled, known.handled),
    }[metric]
