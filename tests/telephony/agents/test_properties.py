"""Recorded streams, repeated, cut, disordered and mixed with others' events, give the same spells."""

from itertools import pairwise

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from telephony.agents.model import AgentSpell, Revision
from telephony.agents.reducer import SpellReducer
from telephony.ami.protocol import AmiMessage
from telephony.calls.events import moment
from telephony.calls.facts import Source, time_of
from telephony.calls.talks import SETTLE
from telephony.records.cel import translate
from tests.telephony.agents.test_spells import resynced
from tests.telephony.calls.captures import FOLDER, NAMES, messages
from tests.telephony.calls.stream import event

# See tests/telephony/records: two clocks stamp the same moment.
CLOCKS_SECONDS = 0.05
quickly = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
captures = st.sampled_from(NAMES)


def reduced(name: str, stream: list[AmiMessage] | tuple[AmiMessage, ...]) -> list[AgentSpell]:
    reducer = resynced(name)
    for message in stream:
        reducer.apply(message)
    return reducer.spells()


@quickly
@given(name=captures, data=st.data())
def test_cut_anywhere_and_continued_from_before_the_cut(name: str, data: st.DataObject) -> None:
    stream = messages(name)
    cut = data.draw(st.integers(0, len(stream)))
    back_to = data.draw(st.integers(0, cut))
    assert reduced(name, [*stream[:cut], *stream[back_to:]]) == reduced(name, stream)


@quickly
@given(name=captures, data=st.data())
def test_order_within_a_moment_does_not_matter(name: str, data: st.DataObject) -> None:
    stream = messages(name)
    window = data.draw(st.integers(2, 25))
    parts = [stream[at : at + window] for at in range(0, len(stream), window)]
    shuffled = [message for part in parts for message in data.draw(st.permutations(part))]
    assert reduced(name, shuffled) == reduced(name, stream)


def answers(reducer: SpellReducer, seen: list[AmiMessage]) -> tuple[list[AmiMessage], list[AmiMessage]]:
    """What QueueStatus and CoreShowChannels would say now."""
    standings = {message.get("StateInterface"): message for message in seen if message.name.startswith("QueueMember")}
    members = [AmiMessage("event", "QueueMember", message.headers) for message in standings.values()]
    channels = [
        AmiMessage(
            "event",
            "CoreShowChannel",
            {
                "Channel": f"PJSIP/{leg.agent}-0000000a",
                "ChannelState": "6" if leg.answered or not leg.dialled else "5",
                "Uniqueid": leg.uniqueid,
                "Linkedid": leg.call_ref or leg.uniqueid,
                "Application": "AppQueue" if leg.dialled else "Dial",
            },
        )
        for record in reducer._records.values()
        for leg in record.legs.values()
        if leg.over is None
    ]
    return members, channels


@quickly
@given(name=captures, data=st.data())
def test_a_router_that_dies_and_returns_goes_on_after_a_resync(name: str, data: st.DataObject) -> None:
    stream = list(messages(name))
    cut = data.draw(st.integers(13, len(stream)))
    first = resynced(name)
    for message in stream[:cut]:
        first.apply(message)
    now = max((at for message in stream[:cut] if (at := moment(message)) is not None), default=0)
    assume(now)
    # A phone that hung up this moment may still be called engaged by its queue.
    ends = [leg.over for record in first._records.values() for leg in record.legs.values() if leg.over]
    assume(not any(now - end < SETTLE for end in ends))
    # For a third of a millisecond a phone's channel bears a name of its own, before it bears its call's: whoever died
    # in it leaves two spells of one ringing.
    stored_refs = {spell.call_ref for spell in first.spells() if spell.ended_at is None}
    assume(stored_refs <= {None, *(spell.call_ref for spell in reduced(name, stream))})
    stored = [spell for spell in first.spells() if spell.ended_at is None]
    second = SpellReducer()
    second.restore(stored)
    second.resync(*answers(first, stream[:cut]), time_of(now))
    for message in stream[cut:]:
        second.apply(message)
    later = {spell.agent: spell.started_at for spell in stored}
    expected = [spell for spell in reduced(name, stream) if spell.started_at >= later[spell.agent]]
    assert second.spells() == expected


@quickly
@given(name=captures, data=st.data())
def test_revisions_add_up_to_the_spells(name: str, data: st.DataObject) -> None:
    stream = data.draw(st.permutations(messages(name)[:60])) + list(messages(name)[60:])
    reducer = SpellReducer()
    told: dict[str, Revision] = {}
    for message in stream:
        for new in reducer.apply(message):
            told[new.agent] = new.after(told[new.agent]) if new.agent in told else new
    assert [spell for agent in sorted(told) for spell in told[agent].spells] == reducer.spells()


@settings(quickly, max_examples=150)
@given(name=captures, grace=st.sampled_from([0.2, 1.0, 4.0]), data=st.data())
def test_two_routers_never_leave_an_agent_two_things_to_do(name: str, grace: float, data: st.DataObject) -> None:
    """The second one hears some of it again, also from Asterisk's records, after it has begun with what was stored."""
    stream = messages(name)
    cut = data.draw(st.integers(0, len(stream)))
    back_to = data.draw(st.integers(0, cut))
    told: dict[str, Revision] = {}

    def store(revisions: list[Revision]) -> None:
        for new in revisions:
            told[new.agent] = new.after(told[new.agent]) if new.agent in told else new

    first = resynced(name, SpellReducer(grace_seconds=grace))
    for message in stream[:cut]:
        store(first.apply(message))
    second = SpellReducer(grace_seconds=grace)
    second.restore(spell for revision in told.values() for spell in revision.spells if spell.ended_at is None)
    for message in stream[back_to:cut]:
        store(second.apply(message))
    rows = (FOLDER / f"{name}.cel.csv").read_bytes().splitlines()
    for message in (message for row in rows for message in translate(row)):
        store(second.apply(message, Source.CEL))
    for message in stream[cut:]:
        store(second.apply(message))
    for revision in told.values():
        for spell, following in pairwise(revision.spells):
            assert spell.ended_at is not None
            assert spell.started_at < spell.ended_at <= following.started_at


@quickly
@given(name=captures, data=st.data())
def test_events_of_nobodys_phones_and_of_unknown_kinds_change_nothing(name: str, data: st.DataObject) -> None:
    stream = list(messages(name))
    for _ in range(data.draw(st.integers(1, 20))):
        kind = data.draw(st.sampled_from(["Newchannel", "Hangup", "BridgeEnter", "NoSuchEvent", "QueueMemberPenalty"]))
        foreign = event(kind, 0, "other", "other", Timestamp="1795438700.500000", Paused="1", Queue="canteen")
        stream.insert(data.draw(st.integers(0, len(stream))), foreign)
    assert reduced(name, stream) == reduced(name, messages(name))


def phone_states(spells: list[AgentSpell]) -> list[tuple[str, str, str | None]]:
    return [(spell.agent, spell.state, spell.call_ref) for spell in spells]


@quickly
@given(
    name=st.sampled_from(["answered_by_queue", "agent_hangs_up", "blind_transfer", "two_concurrent"]), data=st.data()
)
def test_calls_taken_in_a_gap_are_made_good_from_asterisks_records(name: str, data: st.DataObject) -> None:
    stream = list(messages(name))
    begin = data.draw(st.integers(0, len(stream)))
    reducer = resynced(name)
    for message in stream[:begin]:
        reducer.apply(message)
    rows = (FOLDER / f"{name}.cel.csv").read_bytes().splitlines()
    for message in [message for row in rows for message in translate(row)]:
        reducer.apply(message, Source.CEL)
    whole = [spell for spell in reduced(name, stream) if spell.agent == "8001"]
    found = [spell for spell in reducer.spells() if spell.agent == "8001"]
    assert phone_states(found) == phone_states(whole)
    for one, other in zip(found, whole, strict=True):
        assert abs((one.started_at - other.started_at).total_seconds()) < CLOCKS_SECONDS
