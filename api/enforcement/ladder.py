"""When which rung of a policy's ladders begins and ends: hysteresis, holding times, cool-downs (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from api.enforcement.metrics import Figure
from api.enforcement.policy import Policy, Rung, Target

# Nobody looked in a longer pause (a router that was dead, a clock stepped forward): it holds for no more than this.
LONGEST_STEP_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class TargetState:
    """Where a target's ladder stands: `level` rungs are in force, the gentlest first.

    `pressed_seconds`: for how long the figure was bad enough for the next rung, None while it is not.
    `eased_seconds`: for how long it was good enough to leave the last one, None while it is not.
    `cooling`: seconds that each rung has to stay as it is. `seen_at`: when the figure was last looked at.
    """

    level: int = 0
    pressed_seconds: float | None = None
    eased_seconds: float | None = None
    cooling: tuple[float, ...] = ()
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Move:
    """One rung to begin, or to undo, and the figure that asked for it."""

    target: str
    rung: int
    figure: Figure


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to do, what is to undo, and the state that holds when both are done."""

    do: tuple[Move, ...]
    undo: tuple[Move, ...]
    states: Mapping[str, TargetState] = field(default_factory=dict)


def decide(policy: Policy, figures: Mapping[str, Figure], states: Mapping[str, TargetState], now: datetime) -> Decision:
    """Compare the figures, by target, with the ladders; at most one rung of each target begins or ends.

    A target without a figure stays as it is: nobody could look. A figure without a value, or of fewer calls than the
    target's `at_least`, is no pressure. A `now` before the last one, or at it, changes nothing but where time goes on
    from; so a clock that is set back neither acts nor undoes, and what was held before is not forgotten.
    """
    do: list[Move] = []
    undo: list[Move] = []
    after = {target.name: states.get(target.name, TargetState()) for target in policy.target}
    for target in policy.target:
        figure = figures.get(target.name)
        if figure is None:
            continue
        before = after[target.name]
        if before.seen_at is not None and now <= before.seen_at:
            after[target.name] = replace(before, seen_at=now)
            continue
        state = _look(target, figure, before, now)
        if _may_begin(target, state):
            do.append(Move(target.name, state.level, figure))
            state = _changed(target, state, figure, state.level, state.level + 1)
        elif _may_end(target, state):
            undo.append(Move(target.name, state.level - 1, figure))
            state = _changed(target, state, figure, state.level - 1, state.level - 1)
        after[target.name] = state
    return Decision(tuple(do), tuple(undo), after)


def _look(target: Target, figure: Figure, before: TargetState, now: datetime) -> TargetState:
    cooling = before.cooling or (0.0,) * len(target.rung)
    passed = 0.0 if before.seen_at is None else min(LONGEST_STEP_SECONDS, (now - before.seen_at).total_seconds())
    return TargetState(
        before.level,
        _held(before.pressed_seconds, passed, _presses(target, figure, before.level)),
        _held(before.eased_seconds, passed, _eases(target, figure, before.level)),
        tuple(max(0.0, seconds - passed) for seconds in cooling),
        now,
    )


def _held(before: float | None, passed: float, holds: bool) -> float | None:
    if not holds:
        return None
    return 0.0 if before is None else before + passed


def _judged(target: Target, figure: Figure) -> float | None:
    if figure.denominator is not None and figure.denominator < target.at_least:
        return None
    return figure.value


def _presses(target: Target, figure: Figure, level: int) -> bool:
    value = _judged(target, figure)
    return level < len(target.rung) and value is not None and target.worse(value, target.rung[level].begins_at)


def _eases(target: Target, figure: Figure, level: int) -> bool:
    value = _judged(target, figure)
    return level > 0 and (value is None or target.better(value, target.rung[level - 1].ends_at))


def _may_begin(target: Target, state: TargetState) -> bool:
    return state.level < len(target.rung) and _ready(
        target.rung[state.level], state, state.pressed_seconds, state.level
    )


def _may_end(target: Target, state: TargetState) -> bool:
    level = state.level - 1
    return level >= 0 and _ready(target.rung[level], state, state.eased_seconds, level)


def _ready(rung: Rung, state: TargetState, held: float | None, level: int) -> bool:
    return held is not None and held >= rung.hold_seconds and state.cooling[level] <= 0


def _changed(target: Target, state: TargetState, figure: Figure, rung: int, level: int) -> TargetState:
    cooling = list(state.cooling)
    cooling[rung] = target.rung[rung].cool_down_seconds
    return replace(
        state,
        level=level,
        pressed_seconds=_held(None, 0.0, _presses(target, figure, level)),
        eased_seconds=_held(None, 0.0, _eases(target, figure, level)),
        cooling=tuple(cooling),
    )
