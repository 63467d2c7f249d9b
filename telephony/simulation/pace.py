"""How fast simulated time runs. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from telephony.calls.facts import Microseconds
from telephony.simulation.demand import HOUR


@dataclass(frozen=True, slots=True)
class Leg:
    """From this moment of simulated time on, time runs so many times as fast as on the wall."""

    begins_at: Microseconds
    speed: float


@dataclass(frozen=True, slots=True)
class Pace:
    """Wall seconds since the start → simulated time, leg by leg."""

    legs: tuple[Leg, ...]

    def simulated(self, wall_seconds: float) -> Microseconds:
        """Give the simulated moment after so many seconds on the wall."""
        starts = [0.0]
        for leg, following in pairwise(self.legs):
            starts.append(starts[-1] + (following.begins_at - leg.begins_at) / 1_000_000 / leg.speed)
        index = bisect_right(starts, wall_seconds) - 1
        leg = self.legs[max(0, index)]
        return leg.begins_at + round((wall_seconds - starts[max(0, index)]) * leg.speed * 1_000_000)


def steady(begins_at: Microseconds, speed: float) -> Pace:
    """Run at one speed."""
    return Pace((Leg(begins_at, speed),))


def even(begins_at: Microseconds, arrivals: Sequence[Microseconds], busiest_speed: float, fastest: float) -> Pace:
    """Run the busiest hour at `busiest_speed` and quieter ones so much faster that all load the system alike.

    No hour runs faster than `fastest`. A city's day so takes as long as its calls need, not as its night.
    """
    if not arrivals:
        return steady(begins_at, busiest_speed)
    first = arrivals[0] - arrivals[0] % HOUR
    counts: dict[int, int] = {}
    for at in arrivals:
        counts[(at - first) // HOUR] = counts.get((at - first) // HOUR, 0) + 1
    most = max(counts.values())
    speeds = [min(fastest, busiest_speed * most / counts.get(hour, 1)) for hour in range(max(counts) + 1)]
    legs = [Leg(begins_at if hour == 0 else first + hour * HOUR, speed) for hour, speed in enumerate(speeds)]
    return Pace(tuple(legs))
