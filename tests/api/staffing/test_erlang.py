"""Erlang B, C and A: published tables, an independent solution, a simulation, and what must hold for any queue."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.staffing.erlang import ImpossibleQueue, Load, Targets, agents_needed, erlang_b, erlang_c, performance
from tests.api.staffing.queue_simulation import simulate

# T. S. Rappaport, Wireless Communications (2002), table 3.4: erlangs that so many channels carry at a blocking of
# 1 %, 0.5 %, 0.2 % and 0.1 %, to three digits.
CAPACITY = {
    2: ("0.153", "0.105", "0.065", "0.046"),
    4: ("0.869", "0.701", "0.535", "0.439"),
    5: ("1.36", "1.13", "0.900", "0.762"),
    10: ("4.46", "3.96", "3.43", "3.09"),
    20: ("12.0", "11.1", "10.1", "9.41"),
    24: ("15.3", "14.2", "13.0", "12.2"),
    70: ("56.1", "53.7", "51.0", "49.2"),
    100: ("84.1", "80.9", "77.4", "75.2"),
}
BLOCKING = (0.01, 0.005, 0.002, 0.001)

loads = st.builds(
    Load,
    calls_per_second=st.floats(1e-4, 3),
    handling_seconds=st.floats(5, 900),
    patience_seconds=st.floats(1, 3600),
)


def _last_digit(printed: str) -> float:
    return float(10 ** -len(printed.partition(".")[2]))


@pytest.mark.parametrize("channels", CAPACITY)
def test_erlang_b_is_the_published_table(channels: int) -> None:
    for printed, blocking in zip(CAPACITY[channels], BLOCKING, strict=True):
        # Some entries are rounded, some cut off: a unit of the last digit that is printed.
        least, most = float(printed) - _last_digit(printed), float(printed) + _last_digit(printed)
        assert erlang_b(channels, least) <= blocking <= erlang_b(channels, most), (channels, blocking)


def test_erlang_c_is_what_others_published() -> None:
    # Koole, Call Center Optimization (2013): 1 call a minute of 5 minutes, 8 agents, 20 s: 86.3 %.
    koole = performance(Load(1 / 60, 300), 8, within_seconds=20)
    assert (round(koole.waiting, 3), round(koole.service_level, 3)) == (0.167, 0.863)
    # The worked example of the R package ErlangC 0.1.0: 100 calls in 30 minutes, 180 s each, 14 agents, 20 s.
    reached = performance(Load(100 / 1800, 180), 14, within_seconds=20)
    assert reached.waiting == pytest.approx(0.1741319335950498, rel=1e-12)
    assert reached.service_level == pytest.approx(0.8883500191794669, rel=1e-12)
    assert reached.asa_seconds == pytest.approx(7.83593701177724, rel=1e-12)
    assert reached.occupancy == pytest.approx(10 / 14)
    assert agents_needed(Load(100 / 1800, 180), Targets(service_level=0.8, within_seconds=20)) == 14
    # The classic sizing example, 360 calls in half an hour, 4 minutes each, 55 agents.
    assert erlang_c(55, 48) == pytest.approx(0.2387, abs=5e-5)
    assert performance(Load(0.2, 240), 55).asa_seconds == pytest.approx(8.184, abs=5e-4)


def test_erlang_a_is_the_example_of_mandelbaum_and_zeltyn() -> None:
    # The Palm/Erlang-A queue (2005), section 1: 50 agents, 48 calls a minute of 1 minute each, patience 2 minutes.
    patient, impatient = performance(Load(0.8, 60), 50), performance(Load(0.8, 60, 120), 50)
    assert round(patient.wait_seconds, 1) == 20.8
    assert patient.occupancy == pytest.approx(0.96)
    assert round(impatient.abandoned, 3) == 0.031
    assert round(impatient.wait_seconds, 1) == 3.7
    assert round(impatient.occupancy, 2) == 0.93
    assert round(impatient.wait_seconds * 0.8) == 3, "callers in queue, by Little's law"


@pytest.mark.parametrize(("agents", "load"), [(13, Load(1 / 18, 180, 300)), (3, Load(0.05, 100, 20))])
def test_erlang_a_is_the_stationary_distribution_solved_state_by_state(agents: int, load: Load) -> None:
    assert load.patience_seconds is not None
    weights = [1.0]
    for state in range(1, agents + 400):
        leaving = min(state, agents) / load.handling_seconds + max(0, state - agents) / load.patience_seconds
        weights.append(weights[-1] * load.calls_per_second / leaving)
    chances = [weight / sum(weights) for weight in weights]
    queued = sum(chance * max(0, state - agents) for state, chance in enumerate(chances))
    reached = performance(load, agents)
    assert reached.waiting == pytest.approx(sum(chances[agents:]), rel=1e-12)
    assert reached.abandoned == pytest.approx(queued / load.patience_seconds / load.calls_per_second, rel=1e-12)
    assert reached.wait_seconds == pytest.approx(queued / load.calls_per_second, rel=1e-12)
    assert reached.occupancy == pytest.approx(
        sum(chance * min(state, agents) for state, chance in enumerate(chances)) / agents, rel=1e-12
    )


@pytest.mark.parametrize(
    ("agents", "load"),
    [(20, Load(0.08, 240, 120)), (18, Load(0.1, 240, 60)), (11, Load(0.04, 240, 400)), (25, Load(0.08, 240))],
    ids=["busy", "overloaded", "patient callers", "nobody hangs up"],
)
def test_what_is_computed_is_what_a_simulation_meets(agents: int, load: Load) -> None:
    met = simulate(load, agents, within=15, short=5)
    reached = performance(load, agents, within_seconds=15, short_abandon_seconds=5)
    for name in ("waiting", "answered_within", "service_level", "abandoned", "asa_seconds", "wait_seconds"):
        estimate = getattr(met, name)
        assert estimate.holds(getattr(reached, name)), (name, estimate, reached)
        assert estimate.margin < 0.25 * max(estimate.mean, 0.05), f"{name} says nothing: {estimate}"


def test_without_abandons_and_with_none_waiting_are_the_ends_of_erlang_a() -> None:
    assert performance(Load(0.8, 60, 1e7), 55).waiting == pytest.approx(erlang_c(55, 48), rel=1e-4)
    assert performance(Load(0.008, 6000, 0.1), 50).abandoned == pytest.approx(erlang_b(50, 48), rel=2e-3)


@pytest.mark.parametrize("erlangs", [500, 5_000, 19_999])
def test_thousands_of_erlangs_are_no_trouble(erlangs: float) -> None:
    load = Load(erlangs / 240, 240, 180)
    agents = agents_needed(load, Targets(0.8, 15, 5, 0.05))
    # Large centres need hardly more agents than erlangs, and may need fewer: some hang up.
    assert 0.94 * erlangs < agents < 1.05 * erlangs
    overloaded = performance(load, round(erlangs / 2))
    # Fluid limit: half of them cannot be served.
    assert overloaded.abandoned == pytest.approx(0.5, rel=1e-3)
    assert overloaded.occupancy == pytest.approx(1)
    assert overloaded.service_level == pytest.approx(0, abs=1e-9)


@given(loads, st.integers(1, 400), st.floats(0, 120), st.floats(0, 20))
def test_shares_are_shares_and_one_agent_more_is_never_worse(
    load: Load, agents: int, within: float, short: float
) -> None:
    less, more = (performance(load, number, within, short) for number in (agents, agents + 1))
    for reached in (less, more):
        for name in ("waiting", "answered_within", "service_level", "abandoned", "occupancy"):
            assert -1e-9 <= getattr(reached, name) <= 1 + 1e-9, (name, reached)
        assert reached.service_level >= reached.answered_within - 1e-9
        assert reached.answered_within <= 1 - reached.abandoned + 1e-9
    for name in ("waiting", "abandoned", "asa_seconds", "wait_seconds", "occupancy"):
        assert getattr(more, name) <= getattr(less, name) * (1 + 1e-9) + 1e-9, name
    for name in ("answered_within", "service_level"):
        assert getattr(more, name) >= getattr(less, name) - 1e-9, name


@given(loads, st.floats(0.01, 0.99), st.floats(0.01, 0.5), st.floats(0.3, 1))
@settings(max_examples=60)
def test_the_number_of_agents_is_the_smallest_that_meets_the_targets(
    load: Load, level: float, abandoned: float, occupancy: float
) -> None:
    targets = Targets(level, 15, 5, abandoned, occupancy)
    agents = agents_needed(load, targets)
    assert targets.met(performance(load, agents, 15, 5))
    assert agents == 1 or not targets.met(performance(load, agents - 1, 15, 5))


def test_without_a_call_nobody_is_needed() -> None:
    assert agents_needed(Load(0, 240, 120), Targets(0.8)) == 0
    assert performance(Load(0, 240, 120), 3).service_level == 1


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda: Load(-1, 240), "calls_per_second must be a number from 0"),
        (lambda: Load(math.nan, 240), "calls_per_second"),
        (lambda: Load(1, 0), "handling_seconds must be a number above 0"),
        (lambda: Load(1, 240, 0.01), "None where nobody hangs up"),
        (lambda: Load(1000, 240), "at most 20000 erlangs"),
        (lambda: Targets(service_level=1.0), "service_level must be between 0 and 1"),
        (lambda: Targets(occupancy=0), "occupancy must be above 0"),
        (lambda: Targets(within_seconds=-1), "within_seconds must be a number from 0"),
        (lambda: performance(Load(1, 240, 60), 0), "agents must be a whole number from 1"),
        (lambda: performance(Load(1, 240), 240), "cannot work off 240 erlangs"),
        (lambda: performance(Load(80, 240, 1e6), 100), "Give a shorter patience or more agents"),
        (lambda: erlang_b(5, -1), "erlangs must be from 0"),
    ],
)
def test_nonsense_is_refused_with_what_to_give_instead(wrong: object, said: str) -> None:
    assert callable(wrong)
    with pytest.raises(ImpossibleQueue, match=said):
        wrong()
