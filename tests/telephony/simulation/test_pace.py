import pytest

from telephony.simulation.demand import BUSIEST_HOUR, HOUR, day
from telephony.simulation.pace import even, steady


def test_a_steady_pace_multiplies_the_wall_clock() -> None:
    pace = steady(1_000_000, 60)
    assert pace.simulated(0) == 1_000_000
    assert pace.simulated(2.5) == 1_000_000 + 150_000_000


def test_an_even_pace_gives_every_hour_the_load_of_the_busiest_one() -> None:
    arrivals = day(14_000, 1.9, 0, seed=1)
    pace = even(0, arrivals, busiest_speed=60, fastest=10_000)
    speeds = [leg.speed for leg in pace.legs]
    assert min(speeds) == speeds[BUSIEST_HOUR] == 60
    # 15,260 calls at the 2,660 a minute of the busiest hour at 60 times real time.
    assert pace.simulated(15_260 / 2_660 * 60) == pytest.approx(24 * HOUR, rel=1e-3)


def test_an_even_pace_has_a_limit() -> None:
    pace = even(0, day(14_000, 1.9, 0, seed=1), busiest_speed=60, fastest=300)
    assert max(leg.speed for leg in pace.legs) == 300


def test_time_never_runs_backwards_between_legs() -> None:
    pace = even(0, day(14_000, 1.9, 0, seed=1), busiest_speed=60, fastest=600)
    moments = [pace.simulated(second / 10) for second in range(4_000)]
    assert moments == sorted(moments)
