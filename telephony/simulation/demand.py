"""When a city calls: arrivals by the hour of the day. Pure and seeded: the same seed gives the same day."""

import random

from telephony.calls.facts import Microseconds

# domain.md, "Size": share of a day's calls by hour from 00:00, in thousandths.
HOUR_SHARES = (8, 5, 4, 3, 3, 5, 12, 26, 62, 96, 100, 76, 46, 48, 78, 84, 78, 60, 44, 42, 40, 36, 28, 16)
BUSIEST_HOUR = HOUR_SHARES.index(max(HOUR_SHARES))
CITY_CALLS_A_DAY = 14_000
# domain.md: storms bring ×1.9.
STORM = 1.9
HOUR: Microseconds = 3600 * 1_000_000


def calls_by_hour(calls_a_day: int, peak: float) -> list[int]:
    """Give how many calls each hour of a day brings; the busiest one `peak` times what the city's shares say."""
    counts = [round(calls_a_day * share / sum(HOUR_SHARES)) for share in HOUR_SHARES]
    counts[BUSIEST_HOUR] = round(calls_a_day * HOUR_SHARES[BUSIEST_HOUR] / sum(HOUR_SHARES) * peak)
    return counts


def day(calls_a_day: int, peak: float, midnight: Microseconds, seed: int) -> list[Microseconds]:
    """Give the arrivals of a whole day that begins at `midnight`, in order.

    Within an hour they come at random, as callers do who know nothing of each other: given their number, the arrivals
    of a Poisson process are uniform.
    """
    dice = random.Random(seed)  # noqa: S311 - no secret
    counts = calls_by_hour(calls_a_day, peak)
    return sorted(
        midnight + hour * HOUR + dice.randrange(HOUR) for hour, count in enumerate(counts) for _ in range(count)
    )


def rush(calls: int, peak: float, begins_at: Microseconds, seed: int) -> list[Microseconds]:
    """Give so many arrivals as dense as in a city's busiest hour times `peak`, in order."""
    dice = random.Random(seed)  # noqa: S311 - no secret
    an_hour = CITY_CALLS_A_DAY * HOUR_SHARES[BUSIEST_HOUR] / sum(HOUR_SHARES) * peak
    span = max(1, round(calls / an_hour * HOUR))
    return sorted(begins_at + dice.randrange(span) for _ in range(calls))
