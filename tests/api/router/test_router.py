"""The router on a recorded stream: what Asterisk sent over the wire becomes stored calls and spells."""

import asyncio
from datetime import UTC, datetime, timedelta

from api.agents.service import current_spells, spells_between
from api.calls.service import find
from api.kit.database import Database
from api.kit.settings import Settings
from api.router.router import Router
from telephony.agents.reducer import WANTED_EVENTS as SPELL_EVENTS
from telephony.ami.connection import AmiConnection
from telephony.calls.reducer import WANTED_EVENTS
from tests.telephony.ami.peer import Peer, Script, listening
from tests.telephony.calls.captures import FOLDER

CAPTURE = (FOLDER / "wrap_up.ami").read_bytes()
CALL_REF = "1795624205.219"


def asterisk(stream: bytes, played: asyncio.Event) -> Script:
    """An Asterisk with three members and no channel, which sends the stream once it was asked twice for both."""
    members = [block for block in CAPTURE.split(b"\r\n\r\n") if block.startswith(b"Event: QueueMember\r\n")]

    async def script(peer: Peer) -> None:
        await peer.accept_login()
        await peer.say("Event: FullyBooted", "Status: Fully Booted")
        asked = 0
        while True:
            action = await peer.action()
            own = f"ActionID: {action['ActionID']}"
            await peer.say("Response: Success", own, "EventList: start")
            if action["Action"] == "QueueStatus":
                asked += 1
                for member in members:
                    lines = member.decode().split("\r\n")
                    await peer.say(*[own if line.startswith("ActionID") else line for line in lines])
                await peer.say("Event: QueueStatusComplete", own, "EventList: Complete")
            elif action["Action"] == "CoreShowChannels":
                await peer.say("Event: CoreShowChannelsComplete", own, "EventList: Complete")
            if asked == 2 and not played.is_set():
                peer.writer.write(stream)
                played.set()

    return script


async def route(settings: Settings, database: Database, stream: bytes) -> None:
    """Run a router until it has stored what the stream tells."""
    played = asyncio.Event()
    async with listening(asterisk(stream, played)) as port:
        wanted = WANTED_EVENTS | SPELL_EVENTS
        async with AmiConnection("127.0.0.1", port, "zhitong", "secret", wanted=wanted) as connection:
            router = Router(settings, database, connection)
            running = asyncio.create_task(router.run())
            async with asyncio.timeout(20):
                await played.wait()
                await asyncio.sleep(0.5)
            running.cancel()
            await router.store.flush()


async def test_calls_and_spells_of_a_recorded_stream_are_stored(settings: Settings, database: Database) -> None:
    stream = CAPTURE[CAPTURE.index(b"Event: Newchannel") :]
    # The capture lies before the resync, so the open spells of the resync come after it in time.
    await route(settings, database, stream)
    async with database.session() as session:
        call = await find(session, CALL_REF)
        assert call is not None
        assert [wait.ended for wait in call.waits] == ["connected"]
        assert [(offer.agent, offer.result) for offer in call.offers] == [("8001", "answered")]
        assert (call.hung_up_by, call.dialled, call.hold_seconds) == ("citizen", "12345", 0.0)
        now = datetime.now(UTC)
        begun = call.offered_at - timedelta(seconds=10)
        spells = await spells_between(session, begun, now, "8001")
        told = [(spell.state, spell.reason) for spell in spells]
        cycle = [("ringing", None), ("talking", None), ("wrap_up", "wrap-up"), ("idle", None)]
        assert told == cycle * 2
        assert {spell.agent: spell.state for spell in await current_spells(session)} == {
            "8001": "idle",
            "8002": "offline",
            "8003": "offline",
        }
        before = await spells_between(session, begun, now)
    # A router that starts anew and is told the same has nothing to add.
    await route(settings, database, stream)
    async with database.session() as session:
        assert await spells_between(session, begun, now) == before
