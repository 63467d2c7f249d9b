from datetime import timedelta

from api.live.shedding import Load, shed
from tests.api.samples import NOON


def _load(number: int, lag: float, before: float | None) -> Load:
    return Load(f"r{number}", NOON + timedelta(seconds=number), lag, before)


def test_nothing_is_left_while_the_worker_keeps_up() -> None:
    assert shed([_load(number, 0.4, 0.3) for number in range(40)], 10.0) == ()
    assert shed([], 10.0) == ()


def test_the_calls_begun_last_are_left_first_a_tenth_at_a_time() -> None:
    loads = [_load(number, 12.0, 11.0) for number in range(25)]
    assert shed(loads, 10.0) == ("r24", "r23", "r22")
    assert shed(loads[:1], 10.0) == ("r0",)


def test_one_call_that_falls_behind_is_enough() -> None:
    assert shed([_load(1, 10.5, 9.0), _load(2, 0.1, 0.1)], 10.0) == ("r2",)


def test_a_call_that_catches_up_from_far_behind_is_no_overload() -> None:
    joined_late = _load(1, 3000.0, None)
    assert shed([joined_late, _load(2, 0.2, 0.2)], 10.0) == ()
    assert shed([_load(1, 2900.0, 3000.0), _load(2, 0.2, 0.2)], 10.0) == ()
    assert shed([_load(1, 3000.0, 3000.0), _load(2, 0.2, 0.2)], 10.0) == ("r2",), "it does not get better"
