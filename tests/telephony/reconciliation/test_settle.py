"""Ended calls by CEL's clock, on what a real Asterisk told by both ways."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from telephony.calls.model import Call
from telephony.reconciliation.compare import SETTLED_AFTER
from telephony.reconciliation.settle import settlement
from tests.telephony.reconciliation.store import NIGHT, Site, site_of, stored_calls

LATE = timedelta(seconds=0.7)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return site_of(tmp_path, "answered_by_queue", "abandoned_after_8s")


def late(call: Call) -> Call:
    """A call as the manager port of a busy machine tells it: its end is stamped late."""
    assert call.ended_at is not None
    talk = None if call.talk_seconds is None else call.talk_seconds + LATE.total_seconds()
    return replace(call, ended_at=call.ended_at + LATE, talk_seconds=talk)


def test_a_late_stamp_gives_way_to_the_moment_itself(site: Site) -> None:
    told = site.read().cel
    stored = [*stored_calls("answered_by_queue"), *stored_calls("abandoned_after_8s")]
    assert settlement(stored, told, NIGHT).corrected == ()
    found = settlement([late(call) for call in stored], told, NIGHT)
    assert (found.calls, found.open_since) == (2, None)
    for right, corrected in zip(stored, found.corrected, strict=True):
        exact = told[right.call_ref]
        assert (corrected.ended_at, corrected.talk_seconds) == (exact.ended_at, exact.talk_seconds)
        assert (corrected.waits, corrected.segments) == (exact.waits, exact.segments)
    assert settlement(found.corrected, told, NIGHT).corrected == ()


def test_what_differs_in_more_than_its_times_is_left_for_the_comparison_to_tell(site: Site) -> None:
    [call] = stored_calls("answered_by_queue")
    wrong = replace(late(call), outcome="abandoned")
    assert settlement([wrong], site.read().cel, NIGHT).corrected == ()
    assert ("cel", "outcome") in site.found([wrong])


@pytest.mark.parametrize(
    "change",
    [
        lambda call: replace(call, ended_at=None),
        lambda call: replace(call, ended_at=NIGHT - SETTLED_AFTER + timedelta(seconds=1)),
    ],
    ids=["runs", "ended a moment ago"],
)
def test_who_is_not_over_is_looked_at_the_next_time(site: Site, change: Callable[[Call], Call]) -> None:
    [call] = stored_calls("answered_by_queue")
    found = settlement([change(call)], site.read().cel, NIGHT)
    assert (found.calls, found.corrected, found.open_since) == (0, (), call.offered_at)


def test_what_cel_does_not_tell_or_does_not_tell_to_the_end_stays(site: Site) -> None:
    [call] = stored_calls("answered_by_queue")
    wrong = late(call)
    assert settlement([wrong], {}, NIGHT).corrected == ()
    cut_off = replace(site.read().cel[call.call_ref], ended_at=None)
    assert settlement([wrong], {call.call_ref: cut_off}, NIGHT).corrected == ()
