"""Which calls each count is of, said once: the sums count these sets, the lists behind the numbers show them.

SQL conditions on a row of `calls`.
"""

from api.queues.sums import WAIT_STEPS

WAITING = "(calls.outcome = 'in_progress' AND calls.answered_at IS NULL)"
ANSWERED = "(calls.answered_at IS NOT NULL)"
ABANDONED = "(calls.outcome = 'abandoned')"
SHORT_ABANDONED = "(calls.outcome = 'short_abandoned')"
FAILED = "(calls.outcome = 'failed')"
UNANSWERED = f"({ABANDONED} OR {SHORT_ABANDONED} OR {FAILED})"
# OFFSET 0: looked up call by call; PostgreSQL would else read all waits ever, expecting too many calls.
QUEUED = "(EXISTS (SELECT FROM call_waits WHERE call_waits.call_ref = calls.call_ref OFFSET 0))"
HANDLED = "(calls.answered_at IS NOT NULL AND calls.ended_at IS NOT NULL)"
DECIDED = f"(NOT {WAITING})"


def answered_within(seconds: int) -> str:
    """Return the condition of calls answered within so many seconds, one of WAIT_STEPS."""
    if seconds not in WAIT_STEPS:
        raise ValueError(f"answers are counted within {WAIT_STEPS} seconds, not within {seconds}")
    return f"({ANSWERED} AND calls.wait_seconds <= {seconds})"


def parts(metric: str, answer_seconds: int, service_seconds: int) -> tuple[str, str]:
    """Return the conditions of a metric's numerator and denominator; what is offered and in neither is left out.

    Where the numerator is a time, these are the calls whose times make it. Occupancy is agents' time: it is no set of
    offered calls, see QueueRepository.worked_on.
    """
    in_time = answered_within(answer_seconds)
    queued = f"({DECIDED} AND {QUEUED})"
    return {
        "connected": (ANSWERED, DECIDED),
        "connected_less_short": (ANSWERED, f"({DECIDED} AND NOT {SHORT_ABANDONED})"),
        "answer_in_time": (in_time, DECIDED),
        "answer_in_time_of_answered": (in_time, ANSWERED),
        "service_level": (answered_within(service_seconds), f"({ANSWERED} OR {ABANDONED})"),
        "abandoned": (f"({ABANDONED} AND {QUEUED})", queued),
        "short_abandoned": (f"({SHORT_ABANDONED} AND {QUEUED})", queued),
        "asa": (ANSWERED, ANSWERED),
        "mean_wait": (DECIDED, DECIDED),
        "longest_wait": (DECIDED, DECIDED),
        "aht": (HANDLED, HANDLED),
    }[metric]
