"""How long an agent is kept from the next call."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from telephony.routing.holds import HoldRules, extended, missed, tells_supervisor, wrap_up

RULES = HoldRules(
    wrap_up_limit=timedelta(seconds=90),
    extension=timedelta(seconds=60),
    most_extensions=2,
    missed_pauses=(timedelta(seconds=30), timedelta(seconds=120)),
    tell_after=2,
)
NOW = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def test_a_wrap_up_ends_at_its_limit_and_can_be_extended_so_often() -> None:
    hold = wrap_up("8001", "1.1", NOW, RULES)
    assert not hold.over(NOW + timedelta(seconds=89))
    assert hold.over(NOW + timedelta(seconds=90))
    longer = extended(hold, RULES)
    assert longer is not None
    assert longer.until == NOW + timedelta(seconds=150)
    longest = extended(longer, RULES)
    assert longest is not None
    assert extended(longest, RULES) is None


def test_who_misses_again_is_paused_for_longer_and_the_supervisor_is_told() -> None:
    pauses = [missed("8001", misses, NOW, RULES) for misses in (1, 2, 3)]
    assert [(hold.until - NOW).total_seconds() for hold in pauses] == [30, 120, 120]
    assert [tells_supervisor(hold, RULES) for hold in pauses] == [False, True, True]
    assert extended(pauses[0], RULES) is None


@given(st.integers(0, 50), st.integers(1, 1000), st.timedeltas(timedelta(), timedelta(days=2)))
def test_every_hold_ends_by_itself(extensions: int, misses: int, later: timedelta) -> None:
    hold = wrap_up("8001", "1.1", NOW, RULES)
    for _ in range(extensions):
        hold = extended(hold, RULES) or hold
    longest = RULES.wrap_up_limit + RULES.most_extensions * RULES.extension
    assert hold.over(NOW + later) == (later >= hold.until - NOW)
    assert hold.until <= NOW + longest
    assert missed("8001", misses, NOW, RULES).over(NOW + max(RULES.missed_pauses))
