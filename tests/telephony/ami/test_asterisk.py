"""The connection against a real Asterisk: calls, freezes, kill -9, hostile actions, and what is completed after."""

import asyncio
import os
import signal
import socket
import time
import wave
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.recordings.names import parse
from telephony.ami.connection import AmiConnection, Gap, Timing
from telephony.ami.errors import ActionRefused
from telephony.ami.protocol import MAX_ACTION_LINE_BYTES, AmiMessage
from telephony.asterisk.configure import AgentSeat, AsteriskSite
from telephony.asterisk.install import AsteriskInstall
from telephony.asterisk.process import AsteriskProcess, free_port
from telephony.calls.model import Call
from telephony.calls.reducer import WANTED_EVENTS, Reducer
from telephony.calls.resync import alive
from telephony.phones import AgentPhone, place_call
from telephony.records.complete import complete, recover
from tests.telephony.ami.cable import Cable

ROOT = Path(__file__).parents[3]
SEAT = AgentSeat("8001", "8001", 1, "secret-password-8001")
TIMING = Timing(read_timeout_seconds=1.5, ping_seconds=0.4, first_retry_seconds=0.05, longest_retry_seconds=0.5)
SEEN_WITHIN_SECONDS = 10


@pytest.fixture(scope="module")
def asterisk(install: AsteriskInstall, tmp_path_factory: pytest.TempPathFactory) -> Iterator[AsteriskProcess]:
    folder = tmp_path_factory.mktemp("asterisk")
    for parent in (folder, *folder.parents[:2]):
        parent.chmod(0o755)  # Asterisk itself runs as an account without rights
    site = AsteriskSite(
        folder / "data",
        sip_port=free_port(socket.SOCK_DGRAM),
        ami_port=free_port(),
        ami_secret="s" * 32,
        rtp_start=22000,
        rtp_end=22100,
        agents=(SEAT,),
        node="north",
        templates=ROOT / "config/asterisk",
    )
    with AsteriskProcess(site, install) as process:
        yield process


@dataclass
class Listener:
    """What a router does, without a database: events into calls, and every gap noted."""

    connection: AmiConnection
    reducer: Reducer = field(default_factory=Reducer)
    calls: dict[str, Call] = field(default_factory=dict)
    gaps: list[Gap] = field(default_factory=list)

    async def listen(self) -> None:
        async for item in self.connection:
            if isinstance(item, AmiMessage):
                self.calls |= {call.call_ref: call for call in self.reducer.apply(item)}
            else:
                self.gaps.append(item)

    async def until_again(self, gaps: int) -> None:
        """Wait until there is a gap more than so many: one that a busy machine made before does not count."""
        await self.until("logged in again", gaps=gaps + 1)

    async def until(self, what: str, *, gaps: int = 0, outcome: str = "") -> None:
        deadline = time.monotonic() + SEEN_WITHIN_SECONDS
        while len(self.gaps) < gaps or (outcome and outcome not in {call.outcome for call in self.calls.values()}):
            assert time.monotonic() < deadline, what
            await asyncio.sleep(0.01)


def connection_to(site: AsteriskSite) -> AmiConnection:
    return AmiConnection(
        "127.0.0.1", site.ami_port, site.ami_user, site.ami_secret, timing=TIMING, wanted=WANTED_EVENTS
    )


@pytest.fixture
async def listener(asterisk: AsteriskProcess) -> AsyncIterator[Listener]:
    async with connection_to(asterisk.site) as connection, asyncio.TaskGroup() as group:
        listener = Listener(connection)
        group.create_task(listener.listen())
        await listener.until("logged in", gaps=1)
        yield listener
        await connection.close()


@pytest.fixture
def words(tmp_path: Path) -> Path:
    path = tmp_path / "words.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(2 * 8000))
    return path


async def test_a_real_call_is_seen_from_ring_to_hangup(
    asterisk: AsteriskProcess, install: AsteriskInstall, listener: Listener, words: Path
) -> None:
    async with AgentPhone(install, asterisk.site, SEAT, words, answer_after=0.3):
        placed = await place_call(install, asterisk.site, words, caller="13800001111")
    await listener.until("the call has ended", outcome="answered")
    [call] = listener.calls.values()
    assert (call.caller, call.agent, call.via, call.sip_call_id) == ("13800001111", "8001", "queue", placed.sip_call_id)
    assert complete(asterisk.site.directories.log, call.offered_at, [call]) == []
    assert call.call_ref.startswith("north-"), "the Uniqueids of two nodes never collide"
    assert call.segments[0].recording_id is not None
    recording = parse(call.segments[0].recording_id)
    assert recording is not None
    assert (recording.call_ref, recording.agent) == (call.call_ref, "8001")
    done = asterisk.site.directories.recordings / f"{recording.recording_id}.done"
    async with asyncio.timeout(5):
        while not done.exists():
            await asyncio.sleep(0.02)


async def test_lists_come_whole(listener: Listener) -> None:
    queue = await listener.connection.action("QueueStatus", Queue="hotline")
    assert [event.get("Name") for event in queue.events if event.name == "QueueMember"] == ["8001"]
    channels = await listener.connection.action("CoreShowChannels")
    assert alive(channels.events, queue.events) == frozenset()


async def test_asterisks_refusal_carries_its_reason(listener: Listener) -> None:
    with pytest.raises(ActionRefused, match="Permission denied"):
        await listener.connection.action("Command", Command="core show channels")


async def test_the_longest_line_that_we_send_is_one_that_asterisk_reads(listener: Listener) -> None:
    room = MAX_ACTION_LINE_BYTES - len("Val: \r\n")
    await listener.connection.action("DBPut", Family="test", Key="long", Val="x" * room)


async def test_a_waiting_caller_survives_a_gap_and_an_end_within_it_is_completed(
    asterisk: AsteriskProcess, install: AsteriskInstall, words: Path
) -> None:
    async with connection_to(asterisk.site) as connection, asyncio.TaskGroup() as group:
        listener = Listener(connection)
        group.create_task(listener.listen())
        await listener.until("logged in", gaps=1)
        calling = group.create_task(place_call(install, asterisk.site, words, caller="13800001112", hangup_after=2.5))
        await listener.until("the caller waits", outcome="in_progress")
        # The call is known from its first step on, a moment before it stands in the queue.
        async with asyncio.timeout(SEEN_WITHIN_SECONDS):
            while not alive((), (queue := await connection.action("QueueStatus", Queue="hotline")).events):
                await asyncio.sleep(0.01)
        channels = await connection.action("CoreShowChannels")
        assert listener.calls.keys() == alive(channels.events) == alive((), queue.events)
        await connection.close()
        await calling
    log_dir = asterisk.site.directories.log
    [waiting] = listener.calls.values()
    [ended] = recover(listener.reducer, log_dir, waiting.offered_at, [waiting], alive=frozenset())
    assert (ended.outcome, ended.caller) == ("short_abandoned", "13800001112")
    assert ended.wait_seconds == pytest.approx(2.5, abs=0.5)


async def test_a_frozen_asterisk_is_left_and_found_again(asterisk: AsteriskProcess, listener: Listener) -> None:
    pid = asterisk.pid
    assert pid is not None
    gaps = len(listener.gaps)
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(TIMING.read_timeout_seconds + 0.5)
        assert not listener.connection.connected
    finally:
        os.kill(pid, signal.SIGCONT)
    thawed = time.monotonic()
    await listener.until_again(gaps)
    assert time.monotonic() - thawed < 4
    assert "silent" in listener.gaps[gaps].reason


async def the_port_is_cut_while_a_caller_waits(
    asterisk: AsteriskProcess, install: AsteriskInstall, words: Path, seconds: float
) -> None:
    """The caller comes before the cut and gives up within it: nobody is told, yet the call is known in the end."""
    async with (
        Cable(asterisk.site.ami_port) as cable,
        connection_to(replace(asterisk.site, ami_port=cable.port)) as connection,
        asyncio.TaskGroup() as group,
    ):
        listener = Listener(connection)
        group.create_task(listener.listen())
        await listener.until("logged in", gaps=1)
        caller = place_call(install, asterisk.site, words, caller="13800001113", hangup_after=2)
        calling = group.create_task(caller)
        await listener.until("the caller waits", outcome="in_progress")
        gaps = len(listener.gaps)
        cable.cut()
        await calling
        await asyncio.sleep(seconds)
        assert not connection.connected
        cable.mend()
        await listener.until_again(gaps)
        channels = await connection.action("CoreShowChannels")
        [waiting] = listener.calls.values()
        log_dir = asterisk.site.directories.log
        [ended] = recover(listener.reducer, log_dir, waiting.offered_at, [waiting], alive(channels.events))
        assert (ended.outcome, ended.caller) == ("short_abandoned", "13800001113")
        assert complete(log_dir, waiting.offered_at, [ended]) == []
        await connection.close()


async def test_what_happens_while_the_port_is_cut_is_known_when_it_is_mended(
    asterisk: AsteriskProcess, install: AsteriskInstall, words: Path
) -> None:
    await the_port_is_cut_while_a_caller_waits(asterisk, install, words, seconds=0.5)


@pytest.mark.soak
async def test_a_port_cut_for_two_minutes(asterisk: AsteriskProcess, install: AsteriskInstall, words: Path) -> None:
    await the_port_is_cut_while_a_caller_waits(asterisk, install, words, seconds=120)


async def test_asterisk_killed_in_a_call_comes_back_and_the_call_is_ended(
    asterisk: AsteriskProcess, install: AsteriskInstall, listener: Listener, words: Path
) -> None:
    began = datetime.now(UTC)
    async with asyncio.TaskGroup() as group:
        calling = group.create_task(place_call(install, asterisk.site, words, hangup_after=30))
        await listener.until("the caller waits", outcome="in_progress")
        assert asterisk.pid is not None
        gaps = len(listener.gaps)
        os.kill(asterisk.pid, signal.SIGKILL)
        asterisk.wait()
        calling.cancel()
    asterisk.start()
    asterisk.wait_ready()
    await listener.until_again(gaps)
    channels = await listener.connection.action("CoreShowChannels")
    known = listener.calls.values()
    [ended] = recover(listener.reducer, asterisk.site.directories.log, began, known, alive(channels.events))
    assert (ended.outcome, ended.segments) == ("failed", ())
    assert listener.reducer.in_progress() == []
