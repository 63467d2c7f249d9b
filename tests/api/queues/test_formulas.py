"""Days counted by hand: calls in, numbers out."""

import pytest

from api.queues.formulas import Limits, agent_figures, figures
from api.queues.metrics import METRICS
from api.queues.sums import AgentSums, CallSums
from telephony.calls.model import Call
from tests.api.queues import facts
from tests.api.queues.facts import at, call

IDLE = AgentSums()

# ref, offered at, outcome, wait: a quarter of an hour at the hotline.
DAY = [
    call("1", 0, wait=4.0, talk=100.0),
    call("2", 10, wait=15.0, talk=200.0),
    call("3", 20, wait=15.000001, talk=60.0),
    call("4", 30, wait=20.0, talk=40.0),
    call("5", 40, wait=90.0, talk=30.0, agents=("8001", "8002")),
    call("6", 50, wait=3.0, talk=50.0, queued=False),
    call("7", 60, "abandoned", wait=31.0),
    call("8", 70, "abandoned", wait=5.000001),
    call("9", 80, "short_abandoned", wait=5.0),
    call("10", 90, "failed", wait=120.0),
    call("11", 100, "in_progress"),
    call("12", 110, wait=7.0, over=False),
]
SPELLS = facts.spells(
    "8001",
    ("talking", 100),
    ("wrap_up", 200),
    ("idle", 230),
    ("talking", 300),
    ("wrap_up", 310),
    ("paused", 330),
    ("wrap_up", 340),
    ("idle", 345),
    call_refs=("1", "2"),
).spells
# metric: numerator, denominator, what was left out
BY_HAND: dict[str, tuple[float, float, dict[str, float]]] = {
    "connected": (7, 11, {"waiting": 1}),
    "connected_less_short": (7, 10, {"waiting": 1, "short_abandoned": 1}),
    "answer_in_time": (4, 11, {"waiting": 1}),
    "answer_in_time_of_answered": (4, 7, {"waiting": 1, "unanswered": 4}),
    "service_level": (6, 9, {"waiting": 1, "short_abandoned": 1, "failed": 1}),
    "abandoned": (2, 10, {"waiting": 1, "not_queued": 1}),
    "short_abandoned": (1, 10, {"waiting": 1, "not_queued": 1}),
    "asa": (154.000001, 7, {"waiting": 1, "unanswered": 4}),
    "mean_wait": (315.000002, 11, {"waiting": 1}),
    "longest_wait": (120, 11, {"waiting": 1}),
    "aht": (565, 6, {"waiting": 1, "unanswered": 4, "talking": 1}),
}


def _counted(calls: list[Call]) -> CallSums:
    return facts.counted(calls, SPELLS, at(0), at(900))


@pytest.mark.parametrize("metric", BY_HAND)
def test_a_day_counted_by_hand(metric: str) -> None:
    figure = figures(_counted(DAY), IDLE, Limits())[metric]
    numerator, denominator, excluded = BY_HAND[metric]
    assert (figure.numerator, figure.denominator, figure.excluded) == (numerator, denominator, excluded)
    assert figure.value == (120 if metric == "longest_wait" else numerator / denominator)


def test_nothing_happened_so_nothing_is_said() -> None:
    found = figures(CallSums(), IDLE, Limits())
    assert found.keys() == METRICS.keys()
    assert {figure.value for figure in found.values()} == {None}


def test_occupancy_leaves_breaks_and_ringing_out() -> None:
    spent = facts.spent(
        facts.spells(
            "8001", ("idle", 0), ("ringing", 100), ("talking", 110), ("wrap_up", 210), ("paused", 230), ("offline", 530)
        ).spells,
        at(0),
        at(900),
        at(900),
    )
    figure = figures(CallSums(), spent, Limits())["occupancy"]
    assert (figure.numerator, figure.denominator, figure.value) == (120.0, 220.0, 120 / 220)
    assert figure.excluded == {"paused": 300.0, "ringing": 10.0}


def test_an_agent_answers_for_answered_calls_only() -> None:
    mine = facts.counted(DAY, SPELLS, at(0), at(900), "8002")
    assert (mine.answered, mine.handled, mine.talk_microseconds) == (0, 1, 30_000_000)
    assert agent_figures(mine, IDLE, Limits()).keys() == {"answer_in_time_of_answered", "asa", "aht", "occupancy"}
    assert agent_figures(mine, IDLE, Limits())["aht"].value == 30.0


def test_the_limits_are_those_that_are_promised() -> None:
    found = figures(_counted(DAY), IDLE, Limits(answer_seconds=5, service_seconds=90))
    assert found["answer_in_time"].numerator == 2
    assert found["service_level"].numerator == 7
    with pytest.raises(ValueError, match="within"):
        Limits(answer_seconds=16)


def test_every_metric_says_what_it_is_and_where_that_comes_from() -> None:
    assert all(each.formula and each.source and each.zh for each in METRICS.values())
