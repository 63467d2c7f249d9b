"""What a try comes to."""

from datetime import UTC, datetime, timedelta

import pytest

from api.callbacks.owed import Result, after_try

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("result", "counted", "state", "wait"),
    [
        ("reached", 1, "reached", 0),
        ("no_answer", 1, "open", 1200),
        ("busy", 2, "open", 1200),
        ("no_answer", 3, "exhausted", 1200),
        ("wrong_number", 3, "exhausted", 1200),
        ("unreachable", 3, "exhausted", 1200),
        ("cancelled", 3, "open", 0),
        ("agent_absent", 2, "open", 0),
        ("failed", 2, "open", 0),
        ("failed", 3, "open", 0),
    ],
)
def test_closed_only_when_reached_or_tried_as_often_as_the_rule_says(
    result: Result, counted: int, state: str, wait: int
) -> None:
    following = after_try(result, counted, 3, 1200.0, NOON)
    assert (following.state, following.next_try_at) == (state, NOON + timedelta(seconds=wait))
