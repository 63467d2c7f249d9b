"""Figures over time in, acts out."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.enforcement.ladder import TargetState, decide
from api.enforcement.metrics import Figure
from api.enforcement.policy import Policy, Rung, Target

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def rung(begins_at: float, ends_at: float, hold_seconds: float = 10, cool_down_seconds: float = 60) -> Rung:
    return Rung(
        act="warn_wall",
        zh="级",
        en="rung",
        begins_at=begins_at,
        ends_at=ends_at,
        hold_seconds=hold_seconds,
        cool_down_seconds=cool_down_seconds,
    )


def policy(*targets: Target) -> Policy:
    return Policy.__pydantic_validator__.validate_python(  # type: ignore[attr-defined, no-any-return]
        {"name": "p", "zh": "策略", "en": "policy", "desk": "hotline", "from": NOON.date(), "target": targets}
    )


WAITING = Target(name="waiting", zh="排队", en="waiting", metric="waiting", window="now", rung=(rung(5, 2), rung(8, 4)))
RATE = Target(
    name="rate",
    zh="接通率",
    en="rate",
    metric="connected",
    window="15min",
    at_least=20,
    rung=(rung(0.9, 0.95, hold_seconds=0, cool_down_seconds=0),),
)


def story(target: Target, figures: Sequence[tuple[float, float | None]], denominator: float | None = None) -> list[str]:
    """Play (seconds, value) and tell what was done: `+1@20` is the first rung's begin at 20 s, `-1@90` its end."""
    states: dict[str, TargetState] = {}
    told = []
    for at, value in figures:
        figure = Figure(value, value, denominator)
        decision = decide(policy(target), {target.name: figure}, states, NOON + timedelta(seconds=at))
        told += [f"+{move.rung + 1}@{at:g}" for move in decision.do]
        told += [f"-{move.rung + 1}@{at:g}" for move in decision.undo]
        states = dict(decision.states)
    return told


def every(seconds: float, value: float | None, since: float, until: float) -> list[tuple[float, float | None]]:
    return [(since + seconds * step, value) for step in range(int((until - since) / seconds))]


@pytest.mark.parametrize(
    ("what", "figures", "acts"),
    [
        ("quiet", every(5, 1, 0, 300), []),
        ("a peak shorter than it must hold", [(0, 6), (5, 6), (9, 1), (14, 6), (19, 6), (23, 1)], []),
        ("pressure holds", every(5, 6, 0, 60), ["+1@10"]),
        ("between begin and end nothing changes", [*every(5, 6, 0, 60), *every(5, 3, 60, 600)], ["+1@10"]),
        ("pressure ends", [*every(5, 6, 0, 60), *every(5, 2, 60, 200)], ["+1@10", "-1@70"]),
        ("relief that does not hold", [*every(5, 6, 0, 70), (70, 1), (75, 1), *every(5, 6, 79, 99)], ["+1@10"]),
        ("one rung at a time, up", every(5, 20, 0, 60), ["+1@10", "+2@20"]),
        (
            "and down, the harshest first",
            [*every(5, 20, 0, 60), *every(5, 0, 60, 200)],
            ["+1@10", "+2@20", "-2@80", "-1@90"],
        ),
        ("not undone within the cool-down", [*every(5, 6, 0, 15), *every(5, 0, 15, 200)], ["+1@10", "-1@70"]),
        (
            "not done again within the cool-down",
            [*every(5, 6, 0, 60), *every(5, 0, 60, 80), *every(5, 6, 80, 200)],
            ["+1@10", "-1@70", "+1@130"],
        ),
        ("nobody looked for an hour: that is no hour of pressure", [(0, 6), (3600, 1), (3605, 1)], []),
        ("a clock set back", [(0, 6), (5, 6), (-3600, 0), (-3595, 6), (-3590, 6)], ["+1@-3595"]),
        ("the same moment again", [(0, 6), *[(10, 6)] * 5], ["+1@10"]),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_figures_over_time(what: str, figures: list[tuple[float, float | None]], acts: list[str]) -> None:
    assert story(WAITING, figures) == acts, what


def test_a_rate_presses_downwards_and_only_with_enough_calls_behind_it() -> None:
    assert story(RATE, [(0, 0.96), (5, 0.9), (10, 0.93), (15, 0.95)], 20) == ["+1@5", "-1@15"]
    assert story(RATE, [(0, 0.0)], 19) == []


def test_no_calls_are_no_pressure() -> None:
    assert story(RATE, [(0, 0.5), (5, None)], 20) == ["+1@0", "-1@5"]


def test_a_target_that_nobody_could_measure_stays_as_it_is() -> None:
    began = decide(policy(WAITING), {"waiting": Figure(9)}, {}, NOON)
    later = decide(policy(WAITING), {}, began.states, NOON + timedelta(seconds=300))
    assert (later.do, later.undo, later.states) == ((), (), began.states)


steps = st.lists(st.tuples(st.floats(-30, 200), st.one_of(st.none(), st.integers(0, 12))), min_size=1, max_size=120)


@given(steps, st.integers(0, 20), st.integers(0, 90))
@settings(max_examples=150, deadline=None)
def test_no_rung_flaps_is_skipped_or_is_undone_twice(
    steps: list[tuple[float, int | None]], hold: int, cool_down: int
) -> None:
    target = Target(
        name="waiting",
        zh="排队",
        en="waiting",
        metric="waiting",
        window="now",
        rung=(rung(3, 1, hold, cool_down), rung(6, 2, hold, cool_down), rung(9, 5, hold, cool_down)),
    )
    one = policy(target)
    states: dict[str, TargetState] = {}
    in_force: list[int] = []
    # Time as the ladder may count it: forwards only, and no pause longer than a minute.
    at, counted, changed_at = NOON, 0.0, dict.fromkeys(range(3), -1e9)
    for seconds, value in steps:
        at += timedelta(seconds=seconds)
        counted += min(60.0, max(0.0, seconds))
        figures = {"waiting": Figure(value)}
        decision = decide(one, figures, states, at)
        assert decision == decide(one, figures, states, at), "deterministic"
        assert len(decision.do) + len(decision.undo) <= 1
        if seconds <= 0 and states:
            assert (decision.do, decision.undo) == ((), ())
            before = states["waiting"]
            after = decision.states["waiting"]
            assert (after.level, after.pressed_seconds, after.cooling) == (
                before.level,
                before.pressed_seconds,
                before.cooling,
            )
        for move in decision.do:
            assert move.rung == len(in_force), "the rungs in force are the gentlest ones, without a gap"
            assert value is not None
            assert value >= target.rung[move.rung].begins_at
            in_force.append(move.rung)
        for move in decision.undo:
            assert in_force.pop() == move.rung, "the last one that began, and only once"
            assert value is None or value <= target.rung[move.rung].ends_at
        for move in (*decision.do, *decision.undo):
            assert counted - changed_at[move.rung] >= cool_down - 1e-6
            changed_at[move.rung] = counted
        states = dict(decision.states)
        assert states["waiting"].level == len(in_force)
