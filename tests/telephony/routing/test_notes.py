"""What is written down of a caller, from the facts of the last call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony.calls.model import Call, Segment
from telephony.routing.notes import Gone, Note, NoteRules, after_call, after_settling, caller_key, priority, sticky

RULES = NoteRules(
    open_ticket=timedelta(hours=72),
    cut_off=timedelta(hours=1),
    abandoned_priority=5,
    abandoned_for=timedelta(hours=4),
    vulnerable_priority=10,
    vulnerable=frozenset({"13800000010"}),
)
ENDED = datetime(2026, 11, 25, 9, 0, tzinfo=UTC)


def call(
    outcome: str = "answered", agents: tuple[str, ...] = ("8001",), *, caller: str | None = "13800001111", by: str = ""
) -> Call:
    began = ENDED - timedelta(minutes=5)
    return Call(
        call_ref="1.1",
        caller=caller,
        queue="hotline",
        outcome=outcome,  # type: ignore[arg-type]
        via="queue",
        offered_at=began,
        answered_at=began if agents else None,
        ended_at=ENDED,
        wait_seconds=3.0,
        talk_seconds=60.0 if agents else 0.0,
        agent=agents[0] if agents else None,
        segments=tuple(Segment(agent, began, ENDED, 60.0) for agent in agents),
        hung_up_by=by or None,  # type: ignore[arg-type]
    )


def with_a_third(one: Call, number: str) -> Call:
    """The call, into which a unit was called or a supervisor joined."""
    third = Segment(number, ENDED - timedelta(minutes=1), ENDED, 60.0, began="conference")
    return replace(one, segments=(*one.segments, third))


# (call, settled, how long after its end): who knows the matter
KNOWS = [
    (call(), False, timedelta(hours=71), "8001"),
    (call(), False, timedelta(hours=73), None),
    (call(), True, timedelta(minutes=1), None),
    (call(by="system"), True, timedelta(minutes=59), "8001"),
    (call(by="system"), True, timedelta(minutes=61), None),
    (call(by="citizen"), True, timedelta(minutes=1), None),
    (call(agents=("8001", "8003")), False, timedelta(minutes=1), "8003"),
    (call(agents=("east",)), False, timedelta(minutes=1), None),  # at another site
    (with_a_third(call(), "02888123456"), False, timedelta(minutes=1), "8001"),
    (call("abandoned", ()), False, timedelta(minutes=1), None),
    (call(caller=None), False, timedelta(minutes=1), None),
    (call(caller="anonymous"), False, timedelta(minutes=1), None),
]


@pytest.mark.parametrize(("ended", "settled", "later", "knows"), KNOWS)
def test_the_agent_who_knows_is_who_served_last_while_the_matter_is_open(
    ended: Call, settled: bool, later: timedelta, knows: str | None
) -> None:
    note = sticky(ended, RULES, settled=settled, now=ENDED + later)
    assert (note.value if note else None) == knows


# (call, how long after its end): the note
WAITS = [
    (call("abandoned", ()), timedelta(hours=1), f"5@{int(ENDED.timestamp()) + 4 * 3600}"),
    (call("abandoned", ()), timedelta(hours=5), None),
    (call("short_abandoned", ()), timedelta(hours=1), None),
    (call(), timedelta(hours=1), None),
    (call(caller="13800000010"), timedelta(days=9), "10"),
    (call("abandoned", (), caller="13800000010"), timedelta(hours=1), "10"),
]


@pytest.mark.parametrize(("ended", "later", "text"), WAITS)
def test_who_gave_up_waiting_is_served_sooner_and_a_flagged_number_always(
    ended: Call, later: timedelta, text: str | None
) -> None:
    note = priority(ended, RULES, now=ENDED + later)
    assert (note.text if note else None) == text


def test_a_call_that_nobody_answered_takes_no_advice_away_and_an_answered_one_does() -> None:
    soon = ENDED + timedelta(minutes=1)
    assert [type(each) for each in after_call(call("abandoned", ()), RULES, now=soon)] == [Note]
    assert after_call(call("short_abandoned", ()), RULES, now=soon) == ()
    assert after_call(call("failed", ()), RULES, now=soon) == ()
    assert after_call(call(), RULES, now=soon)[1:] == (Gone("prio", "13800001111"),)
    assert after_settling(call(), RULES, now=soon) == (Gone("sticky", "13800001111"),)


@given(st.text(max_size=40), st.booleans(), st.timedeltas(timedelta(), timedelta(days=9)))
def test_whatever_the_caller_calls_himself_a_note_is_plain_and_not_yet_over(
    caller: str, settled: bool, later: timedelta
) -> None:
    now = ENDED + later
    for note in (
        sticky(call(caller=caller), RULES, settled=settled, now=now),
        priority(call("abandoned", (), caller=caller), RULES, now=now),
    ):
        if note is not None:
            assert note.caller == caller_key(caller)
            assert note.caller.isascii()
            assert note.caller.isdigit()
            assert len(note.caller) <= 15
            assert note.until is None or note.until >= int(now.timestamp())
