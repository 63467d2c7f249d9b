"""What agents do, in a real Asterisk's words; and what no recording shows, hand-written."""

import itertools
from datetime import UTC, datetime, timedelta

import pytest

from telephony.agents.model import AgentSpell
from telephony.agents.reducer import SpellReducer
from telephony.ami.protocol import AmiMessage
from telephony.calls.events import moment
from telephony.calls.facts import Source
from tests.telephony.calls.captures import NAMES, messages
from tests.telephony.calls.stream import START, bridged, event, hangs_up, queued, rings

NEAR_SECONDS = 0.1
Row = tuple[str, str | None, float | None]

# capture → what 8001 does in it: (state, reason, seconds)
TABLE: dict[str, list[Row]] = {
    "answered_by_queue": [("ringing", None, 1.0), ("talking", None, 4.2), ("idle", None, None)],
    "abandoned_after_8s": [("ringing", None, 4.0), ("paused", "Auto-Pause", None)],
    "short_abandoned_after_3s": [("ringing", None, 3.1), ("idle", None, None)],
    "missed_then_unpaused": [
        ("ringing", None, 4.0),
        ("paused", "Auto-Pause", 1.0),
        ("idle", None, 1.0),
        ("ringing", None, 2.0),
        ("idle", None, None),
    ],
    "wrap_up": [
        ("ringing", None, 1.0),
        ("talking", None, 2.2),
        ("wrap_up", "wrap-up", 1.5),
        ("idle", None, 0.6),
        ("ringing", None, 1.0),
        ("talking", None, 2.2),
        ("wrap_up", "wrap-up", 1.5),
        ("idle", None, None),
    ],
    "pauses_with_reasons": [("paused", "lunch", 2.0), ("paused", "training", 1.0), ("idle", None, None)],
    "phone_lost_and_back": [
        ("idle", None, 0.1),
        ("talking", None, 0.5),  # the phone's own call to *1
        ("idle", None, 1.1),
        ("offline", "unreachable", 1.1),
        ("idle", None, 0.1),
        ("talking", None, 0.5),
        ("idle", None, 0.6),
        ("offline", "unreachable", None),
    ],
    # Consulting while the citizen holds is one talk; the second agent's begins with the consultation.
    "attended_transfer": [("ringing", None, 1.0), ("talking", None, 4.5), ("idle", None, None)],
    "hold_and_resync": [("ringing", None, 1.0), ("talking", None, 7.2), ("idle", None, None)],
}


def begin(name: str) -> datetime:
    """A second before the capture's first event."""
    first = next(at for message in messages(name) if (at := moment(message)) is not None)
    return datetime.fromtimestamp(first // 1_000_000 - 1, UTC)


def resynced(name: str, reducer: SpellReducer | None = None) -> SpellReducer:
    """A reducer that has heard the answers at the capture's beginning."""
    reducer = reducer or SpellReducer()
    first = next(at for at, message in enumerate(messages(name)) if message.name == "CoreShowChannelsComplete")
    reducer.resync(messages(name)[:first], [], begin(name))
    return reducer


def spells_of(name: str, agent: str = "8001") -> list[AgentSpell]:
    reducer = resynced(name)
    for message in messages(name):
        reducer.apply(message)
    return [spell for spell in reducer.spells() if spell.agent == agent]


@pytest.mark.parametrize("name", TABLE)
def test_a_capture_tells_what_the_agent_did(name: str) -> None:
    [before, *found] = spells_of(name)
    assert before.state in {"idle", "offline"}
    assert [(spell.state, spell.reason) for spell in found] == [(state, reason) for state, reason, _ in TABLE[name]]
    for spell, (_, _, seconds) in zip(found, TABLE[name], strict=True):
        assert spell.seconds == (None if seconds is None else pytest.approx(seconds, abs=NEAR_SECONDS))


@pytest.mark.parametrize("name", NAMES)
def test_an_agents_spells_follow_each_other_without_a_gap(name: str) -> None:
    for agent in ("8001", "8002", "8003"):
        found = spells_of(name, agent)
        assert found
        assert [spell.ended_at for spell in found[:-1]] == [spell.started_at for spell in found[1:]]
        assert found[-1].ended_at is None
        for spell, following in itertools.pairwise(found):
            told = [(each.state, each.reason, each.call_ref) for each in (spell, following)]
            assert told[0] != told[1]


def test_ringing_and_talking_name_the_call_off_duty_is_offline() -> None:
    assert {spell.call_ref for spell in spells_of("wrap_up") if spell.state in {"ringing", "talking"}} == {
        "1795624199.199",
        "1795624205.219",
    }
    states = [(spell.state, spell.reason) for spell in spells_of("pauses_with_reasons", "8002")]
    assert states == [("idle", None), ("offline", "off-duty"), ("idle", None)]


def stands(seconds: float, agent: str = "8001", queue: str = "hotline", **more: str) -> AmiMessage:
    """How an agent stands in a queue."""
    headers = {"StateInterface": f"PJSIP/{agent}", "Queue": queue, "Status": "1", "Paused": "0", "PausedReason": ""}
    return event("QueueMemberStatus", seconds, agent, agent, **{**headers, **more})


def paused(seconds: float, reason: str, **more: str) -> AmiMessage:
    return stands(seconds, Paused="1", PausedReason=reason, **more)


def states(*events: AmiMessage, reducer: SpellReducer | None = None) -> list[tuple[str, str | None, float]]:
    """(state, reason, from second) of 8001."""
    reducer = reducer or SpellReducer()
    for message in events:
        reducer.apply(message)
    return [
        (spell.state, spell.reason, round(spell.started_at.timestamp() - START, 3))
        for spell in reducer.spells()
        if spell.agent == "8001"
    ]


def test_a_pause_that_the_calls_end_brings_about_begins_with_that_end() -> None:
    call = [*rings(1, "8001"), *bridged(2, 9, "8001", "citizen"), event("Hangup", 10, "8001")]
    told = states(stands(0), *call, paused(10.2, "wrap-up"), stands(40))
    assert told[-2:] == [("wrap_up", "wrap-up", 10), ("idle", None, 40)]
    assert states(stands(0), *call, paused(12, "lunch"))[-2:] == [("idle", None, 10), ("paused", "lunch", 12)]


def test_who_can_still_be_called_for_one_desk_is_not_paused() -> None:
    two = [stands(0), stands(0, queue="dialect")]
    assert states(*two, paused(5, "Auto-Pause")) == [("idle", None, 0)]
    both = [paused(5, "lunch"), paused(5.001, "lunch", queue="dialect")]
    assert states(*two, *both)[-1] == ("paused", "lunch", 5.001)


def test_an_engaged_phone_without_a_known_call_is_talking() -> None:
    assert states(stands(0), stands(5, Status="2"), stands(9)) == [
        ("idle", None, 0),
        ("talking", None, 5),
        ("idle", None, 9),
    ]
    assert states(stands(0), stands(5, Status="6"))[-1] == ("ringing", None, 5)


@pytest.mark.parametrize("status", ["0", "4", "5"])
def test_an_agent_whose_phone_no_call_can_reach_is_offline(status: str) -> None:
    assert states(stands(0), paused(5, "lunch", Status=status))[-1] == ("offline", "unreachable", 5)


def test_who_leaves_the_queue_is_offline() -> None:
    removed = stands(5)
    gone = AmiMessage("event", "QueueMemberRemoved", removed.headers)
    assert states(stands(0), gone)[-1] == ("offline", None, 5)


def test_phones_that_are_no_queues_member_are_nobodys_working_time() -> None:
    reducer = SpellReducer()
    for message in [*queued(0), *rings(1, "8001"), *bridged(2, 9, "8001", "citizen"), *hangs_up(9)]:
        assert reducer.apply(message) == []
    assert reducer.spells() == []


def test_unknown_events_and_events_without_a_time_change_nothing() -> None:
    reducer = SpellReducer()
    assert reducer.apply(event("NoSuchEvent", 1)) == []
    assert reducer.apply(stands(1, Timestamp="soon")) == []
    assert reducer.apply(stands(1, Status="¾")) == []
    assert reducer.apply(stands(1, StateInterface="nobody")) == []
    assert reducer.spells() == []


def test_a_router_that_returns_goes_on_with_what_was_stored() -> None:
    first = SpellReducer()
    stored = [spell for message in (stands(0), paused(5, "lunch")) for r in first.apply(message) for spell in r.spells]
    second = SpellReducer()
    second.restore([stored[-1]])
    now = datetime.fromtimestamp(START + 60, UTC)
    listed = AmiMessage("event", "QueueMember", paused(0, "lunch").headers)
    assert second.resync([listed], [], now) == []
    [revision] = second.apply(stands(90))
    assert [(spell.state, spell.seconds) for spell in revision.spells] == [("paused", 85.0), ("idle", None)]
    # Had the pause ended meanwhile, it would have lasted until then as far as anybody knows.
    third = SpellReducer()
    third.restore([stored[-1]])
    [revision] = third.resync([AmiMessage("event", "QueueMember", stands(0).headers)], [], now)
    assert [(spell.state, spell.seconds) for spell in revision.spells] == [("paused", 55.0), ("idle", None)]
    # And who is in no queue any more is gone.
    fourth = SpellReducer()
    fourth.restore([stored[-1]])
    [revision] = fourth.resync([], [], now)
    assert revision.spells[-1].state == "offline"


def test_a_talk_that_goes_on_after_a_gap_is_one_talk() -> None:
    name = "hold_and_resync"
    stream = messages(name)
    cut = next(at for at, message in enumerate(stream) if message.name == "Hold")
    again = next(at for at in range(cut, len(stream)) if stream[at].name == "CoreShowChannelsComplete")
    members = [message for message in stream[cut:again] if message.name == "QueueMember"]
    channels = [message for message in stream[cut:again] if message.name == "CoreShowChannel"]
    assert len(members) == 3
    assert len(channels) == 2
    before = resynced(name)
    for message in stream[:cut]:
        before.apply(message)
    after = SpellReducer()
    after.restore(spell for spell in before.spells() if spell.ended_at is None)
    asked = datetime.fromtimestamp((moment(stream[cut]) or 0) / 1_000_000, UTC) + timedelta(seconds=0.1)
    after.resync(members, channels, asked)
    for message in stream[cut:]:
        after.apply(message)
    assert [spell for spell in after.spells() if spell.agent == "8001"] == spells_of(name)[-2:]


def test_a_call_that_is_gone_after_the_gap_ended_with_the_last_event_before_it() -> None:
    reducer = SpellReducer()
    for message in [stands(0), *rings(1, "8001"), *bridged(2, 9, "8001", "citizen")[:2]]:
        reducer.apply(message)
    free = AmiMessage("event", "QueueMember", stands(0).headers)
    reducer.resync([free], [], datetime.fromtimestamp(START + 500, UTC))
    assert states(reducer=reducer) == [("idle", None, 0), ("ringing", None, 1), ("idle", None, 2)]


def test_memory_is_bounded_over_a_day() -> None:
    reducer = SpellReducer(grace_seconds=60)
    reducer.apply(stands(0))
    for number in range(500):
        at, own = 10 + number * 60, {"Uniqueid": f"{START}.9{number}", "DestUniqueid": f"{START}.9{number}"}
        for name, seconds in (("Newchannel", 0), ("Hangup", 30)):
            reducer.apply(event(name, at + seconds, "8001", **own))
        reducer.apply(stands(at + 30))
    assert len(reducer.spells()) < 10
    assert len(reducer._records["8001"].legs) < 10


def test_a_clock_that_is_put_back_an_hour_stops_nobodys_day() -> None:
    reducer = SpellReducer(grace_seconds=60)
    for second in range(7000, 7200, 20):
        reducer.apply(stands(second))
    reducer.apply(paused(3600, "lunch"))
    assert states(reducer=reducer) == [("paused", "lunch", 3600)]
    reducer.apply(stands(3700))
    assert states(reducer=reducer)[-1] == ("idle", None, 3700)
    # Records tell of times past all the time: they put back no clock.
    reducer.apply(event("Newchannel", 10, "8001"), Source.CEL)
    assert states(reducer=reducer)[-1] == ("idle", None, 3700)
