from datetime import UTC, datetime, timedelta

import pytest

from api.router.mark import GAP_MARGIN, Mark

EVENT = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MARK = Mark(round(EVENT.timestamp() * 1_000_000), offset_seconds=1000.0)


@pytest.mark.parametrize(
    ("stepped_seconds", "missed_since"),
    [
        (0.0, EVENT - GAP_MARGIN),
        # Set back an hour while Asterisk could not be heard: what it then wrote bears times from before the mark.
        (-3600.0, EVENT - GAP_MARGIN - timedelta(hours=1)),
        # Set forward: what came right after the mark still bears times right after it.
        (3600.0, EVENT - GAP_MARGIN),
    ],
)
def test_a_stepped_clock_hides_nothing_that_was_missed(stepped_seconds: float, missed_since: datetime) -> None:
    assert MARK.missed_since(MARK.offset_seconds + stepped_seconds) == missed_since
