"""The simulated manager port, as our own client meets it."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from telephony.ami.connection import AmiConnection, Gap
from telephony.ami.errors import ActionRefused, LoginRefused
from telephony.ami.link import Account, Link, Timing
from telephony.asterisk.process import free_port
from telephony.calls.reducer import Reducer
from telephony.calls.resync import alive
from telephony.simulation.demand import rush
from telephony.simulation.peer import ManagerAccount, Peer, rights_of
from telephony.simulation.plan import make_plan
from telephony.simulation.render import Renderer
from tests.telephony.simulation.test_scores import parsed

ROOT = Path(__file__).parents[3]
MIDNIGHT = 1_795_536_000_000_000
CONF = (ROOT / "config/asterisk/manager.conf.j2").read_text(encoding="utf-8").replace("{{ site.ami_user }}", "zhitong")
ACCOUNT = ManagerAccount("zhitong", rights_of(CONF, "zhitong"), "a-secret")
PLAN = make_plan(rush(20, 1.9, MIDNIGHT, seed=1), agents=3, seed=1)


SLICE = 60


@pytest.fixture
async def port() -> int:
    return free_port()


@pytest.fixture
async def peer(port: int) -> AsyncIterator[Peer]:
    peer = Peer(ACCOUNT, PLAN.agents)
    await peer.start(port)
    yield peer
    await peer.close()


@pytest.fixture
async def asterisk(peer: Peer, port: int) -> AsyncIterator[AmiConnection]:
    async with AmiConnection("127.0.0.1", port, "zhitong", "a-secret") as connection:
        async with asyncio.timeout(5):
            assert isinstance(await anext(connection), Gap)
            booted = await anext(connection)
        assert not isinstance(booted, Gap)
        assert booted.name == "FullyBooted"
        assert peer.logins == 1
        yield connection


async def test_the_account_is_that_of_the_shipped_configuration() -> None:
    assert ACCOUNT.rights.classes == {"system", "call", "agent", "user"}
    filtering = "[zhitong]\nread = call,agent\neventfilter(action(exclude),name(VarSet)) =\n[other]\nread = all\n"
    assert rights_of(filtering, "zhitong").excluded == {"VarSet"}


async def test_a_wrong_secret_is_refused(peer: Peer, port: int) -> None:
    link = Link(
        Account("127.0.0.1", port, "zhitong", "wrong"), Timing(), on_ready=lambda: None, on_event=print, wanted=None
    )
    with pytest.raises(LoginRefused, match="Authentication failed"):
        await link.open()
    await link.close()
    assert peer.logins == 0


async def test_what_is_told_arrives_whole_and_in_order(peer: Peer, asterisk: AmiConnection) -> None:
    await peer.tell(PLAN.cues[:SLICE])
    async with asyncio.timeout(5):
        heard = [await anext(asterisk) for _ in range(peer.events)]
    renderer = Renderer(ACCOUNT.rights)
    expected = [event for cue in PLAN.cues[:SLICE] for event in parsed(renderer.events(cue))]
    assert heard == expected


async def test_the_state_after_any_step_is_what_the_steps_left(peer: Peer, asterisk: AmiConnection) -> None:
    await peer.tell(PLAN.cues[:SLICE])
    channels = (await asterisk.action("CoreShowChannels")).events
    queue = (await asterisk.action("QueueStatus")).events
    reducer = Reducer()
    renderer = Renderer(ACCOUNT.rights)
    for event in (event for cue in PLAN.cues[:SLICE] for event in parsed(renderer.events(cue))):
        reducer.apply(event)
    running = {call.call_ref for call in reducer.in_progress()}
    assert running
    assert running <= alive(channels, queue)
    waiting = {event.get("Uniqueid") for event in queue if event.name == "QueueEntry"}
    assert waiting <= running
    assert len([event for event in queue if event.name == "QueueMember"]) == len(PLAN.agents)
    await peer.tell(PLAN.cues[SLICE:])
    assert alive((await asterisk.action("CoreShowChannels")).events) == frozenset()


async def test_orders_are_taken_and_nonsense_is_not(peer: Peer, asterisk: AmiConnection) -> None:
    await asterisk.action("QueuePause", Interface="PJSIP/8001", Paused="true", Reason="wrap-up")
    await asterisk.action("Ping")
    with pytest.raises(ActionRefused, match="unknown command: Dance"):
        await asterisk.action("Dance")
    assert peer.actions["QueuePause"] == 1


async def test_advice_is_kept_until_it_is_taken_back(asterisk: AmiConnection) -> None:
    await asterisk.action("DBPut", Family="sticky", Key="13800001111", Val="8001")
    [entry] = (await asterisk.action("DBGetTree", Family="sticky")).events
    assert (entry.get("Key"), entry.get("Val")) == ("/sticky/13800001111", "8001")
    await asterisk.action("DBDel", Family="sticky", Key="13800001111")
    assert (await asterisk.action("DBGetTree", Family="sticky")).events == ()
    with pytest.raises(ActionRefused, match="not found"):
        await asterisk.action("DBDel", Family="sticky", Key="13800001111")


async def test_the_port_lives_without_listeners(peer: Peer) -> None:
    await peer.tell(PLAN.cues)
    assert peer.events > 0
