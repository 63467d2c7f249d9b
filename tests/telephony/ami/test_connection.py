"""The connection that lasts, against a scripted peer on loopback: what Asterisk, or its absence, does to it."""

import asyncio
import logging
import time

import pytest

from telephony.ami.connection import AmiConnection, Gap, Timing, retry_seconds
from telephony.ami.errors import ActionRefused, ActionTimeout, AmiError, NotConnected, UnsafeAction
from telephony.ami.protocol import AmiMessage
from tests.telephony.ami.peer import GREETING, Peer, listening

FAST = Timing(read_timeout_seconds=0.6, ping_seconds=0.2, action_timeout_seconds=0.5, first_retry_seconds=0.02)
SECRET = "s3cr3t-never-shown"


def connection(port: int, timing: Timing = FAST, queue_limit: int = 1000) -> AmiConnection:
    return AmiConnection("127.0.0.1", port, "router", SECRET, timing=timing, queue_limit=queue_limit)


async def take(asterisk: AmiConnection, count: int) -> list[AmiMessage | Gap]:
    async with asyncio.timeout(5):
        return [await anext(asterisk) for _ in range(count)]


async def healthy(peer: Peer) -> None:
    await peer.accept_login()
    await peer.answer_pings()


async def test_a_gap_comes_first_then_the_events_in_order() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept_login()
        await peer.say("Event: FullyBooted", "Status: Fully Booted")
        for number in range(3):
            await peer.say("Event: Newchannel", f"Uniqueid: {number}")
        await peer.answer_pings()

    async with listening(script) as port, connection(port) as asterisk:
        gap, *events = await take(asterisk, 5)
        assert isinstance(gap, Gap)
        assert [event.name for event in events if isinstance(event, AmiMessage)] == ["FullyBooted", *["Newchannel"] * 3]
        assert [event.get("Uniqueid") for event in events[1:] if isinstance(event, AmiMessage)] == ["0", "1", "2"]


async def test_an_action_can_be_sent_as_soon_as_the_gap_is_seen() -> None:
    async with listening(healthy) as port, connection(port) as asterisk:
        await take(asterisk, 1)
        reply = await asterisk.action("QueueStatus")
        assert reply.response.get("Asked") == "QueueStatus"


async def test_a_list_is_gathered_whole_and_other_events_pass() -> None:
    async def script(peer: Peer) -> None:
        await peer.accept_login()
        asked = await peer.action()
        mine = f"ActionID: {asked['ActionID']}"
        await peer.say("Response: Success", mine, "EventList: start")
        await peer.say("Event: QueueMember", mine, "Name: 8001")
        await peer.say("Event: Hangup", "Uniqueid: 7.7")
        await peer.say("Event: QueueMember", mine, "Name: 8002")
        await peer.say("Event: QueueStatusComplete", mine, "EventList: Complete", "ListItems: 2")
        await peer.answer_pings()

    calm = Timing(ping_seconds=4, read_timeout_seconds=5)
    async with listening(script) as port, connection(port, calm) as asterisk:
        await take(asterisk, 1)
        reply = await asterisk.action("QueueStatus", Queue="hotline")
        assert [event.get("Name") for event in reply.events] == ["8001", "8002"]
        [hangup] = await take(asterisk, 1)
        assert isinstance(hangup, AmiMessage)
        assert hangup.name == "Hangup"


async def test_silence_alone_is_survived_by_pings() -> None:
    async with listening(healthy) as port, connection(port) as asterisk:
        await take(asterisk, 1)
        await asyncio.sleep(1.5)
        assert asterisk.connected
        assert (await asterisk.action("Ping")).response.name == "Success"


async def test_a_frozen_asterisk_is_noticed_and_left() -> None:
    async def frozen(peer: Peer) -> None:
        await peer.accept_login()
        await asyncio.sleep(30)

    async with listening(frozen, healthy) as port, connection(port) as asterisk:
        started = time.monotonic()
        _, gap = await take(asterisk, 2)
        assert isinstance(gap, Gap)
        assert "silent" in gap.reason
        assert 0.5 < time.monotonic() - started < 2


async def test_a_restarted_asterisk_is_found_again() -> None:
    async def dies(peer: Peer) -> None:
        await peer.accept_login()
        await peer.say("Event: Shutdown", "Shutdown: Uncleanly")

    async with listening(dies, healthy) as port, connection(port) as asterisk:
        first, event, second = await take(asterisk, 3)
        assert isinstance(first, Gap)
        assert isinstance(event, AmiMessage)
        assert isinstance(second, Gap)
        assert asterisk.connected


async def test_an_absent_asterisk_is_waited_for() -> None:
    async with listening(healthy) as port:
        pass
    async with connection(port) as asterisk:
        await asyncio.sleep(0.2)
        assert not asterisk.connected
        assert "cannot be reached" in asterisk.last_error
        with pytest.raises(NotConnected):
            await asterisk.action("Ping")
        async with listening(healthy, port=port):
            [gap] = await take(asterisk, 1)
            assert isinstance(gap, Gap)


async def test_pending_actions_fail_when_the_connection_is_lost() -> None:
    async def drops(peer: Peer) -> None:
        await peer.accept_login()
        await peer.action()

    async with listening(drops, healthy) as port, connection(port) as asterisk:
        await take(asterisk, 1)
        with pytest.raises(NotConnected, match="never came"):
            await asterisk.action("QueueStatus", timeout_seconds=5)


async def test_an_action_without_answer_ends_in_time() -> None:
    async def deaf(peer: Peer) -> None:
        await peer.accept_login()
        while True:
            asked = await peer.action()
            if asked["Action"] == "Ping":
                await peer.say("Response: Success", f"ActionID: {asked['ActionID']}")

    async with listening(deaf) as port, connection(port) as asterisk:
        await take(asterisk, 1)
        with pytest.raises(ActionTimeout):
            await asterisk.action("QueueStatus", timeout_seconds=0.2)
        assert asterisk.connected


async def test_asterisks_refusal_is_raised_with_its_reason() -> None:
    async def refuses(peer: Peer) -> None:
        await peer.accept_login()
        asked = await peer.action()
        await peer.say("Response: Error", f"ActionID: {asked['ActionID']}", "Message: Permission denied")
        await peer.answer_pings()

    calm = Timing(ping_seconds=4, read_timeout_seconds=5)
    async with listening(refuses) as port, connection(port, calm) as asterisk:
        await take(asterisk, 1)
        with pytest.raises(ActionRefused, match="Permission denied"):
            await asterisk.action("QueuePause", Interface="PJSIP/8001", Paused="true")


async def test_an_unsafe_action_is_refused_and_the_connection_lives() -> None:
    async with listening(healthy) as port, connection(port) as asterisk:
        await take(asterisk, 1)
        with pytest.raises(UnsafeAction):
            await asterisk.action("QueuePause", Reason="lunch\r\nAction: Command\r\nCommand: core stop now")
        assert (await asterisk.action("Ping")).response.get("Asked") == "Ping"


async def test_overflow_drops_and_leaves_a_gap_in_its_place() -> None:
    async def floods(peer: Peer) -> None:
        await peer.accept_login()
        for number in range(5000):
            await peer.say("Event: Newchannel", f"Uniqueid: {number}")
        await peer.answer_pings()

    async with listening(floods) as port, connection(port, queue_limit=100) as asterisk:
        async with asyncio.timeout(10):
            while asterisk.dropped < 4900:
                await asyncio.sleep(0.01)
        items = await take(asterisk, 101)
        assert isinstance(items[0], Gap)
        assert [item.get("Uniqueid") for item in items[1:100] if isinstance(item, AmiMessage)] == [
            str(number) for number in range(99)
        ]
        gaps = [item for item in items[1:] if isinstance(item, Gap)]
        assert len(gaps) == 1
        assert gaps[0] is items[100]
        assert "dropped" in gaps[0].reason


async def test_garbage_between_events_is_reported_and_passed_over(caplog: pytest.LogCaptureFixture) -> None:
    async def babbles(peer: Peer) -> None:
        await peer.accept_login()
        peer.writer.write(b"\x00\xff\x13garbage\r\n\r\nEvent: \r\n\r\n")
        peer.writer.write(b"Event: Hangup\r\nUniqueid: 1.1\r\n")
        await peer.writer.drain()
        await asyncio.sleep(0.05)
        peer.writer.write(b"Cause: 16\r\n\r\n")
        await peer.answer_pings()

    with caplog.at_level(logging.WARNING):
        async with listening(babbles) as port, connection(port) as asterisk:
            _, hangup = await take(asterisk, 2)
    assert isinstance(hangup, AmiMessage)
    assert hangup.get("Cause") == "16"
    assert caplog.text.count("no message") == 2


async def test_another_service_on_the_port_is_named(caplog: pytest.LogCaptureFixture) -> None:
    async def ssh(peer: Peer) -> None:
        peer.writer.write(b"SSH-2.0-OpenSSH_9.2\r\n")
        await peer.writer.drain()
        await peer.reader.read()

    async def closes(_: Peer) -> None:
        return

    with caplog.at_level(logging.WARNING):
        async with listening(ssh, closes) as port, connection(port) as asterisk:
            await asyncio.sleep(0.3)
            assert not asterisk.connected
    assert "no Asterisk manager port" in caplog.text


async def test_a_refused_login_is_told_without_the_secret(caplog: pytest.LogCaptureFixture) -> None:
    async def refuses(peer: Peer) -> None:
        peer.writer.write(GREETING)
        login = await peer.action()
        assert login["Secret"] == SECRET
        await peer.say("Response: Error", f"ActionID: {login['ActionID']}", "Message: Authentication failed")

    with caplog.at_level(logging.DEBUG):
        async with listening(refuses) as port, connection(port) as asterisk:
            await asyncio.sleep(0.3)
            assert "manager.conf" in asterisk.last_error
            assert SECRET not in repr(asterisk) + asterisk.last_error
    assert SECRET not in caplog.text


async def test_closing_ends_the_iteration_and_leaves_no_thread() -> None:
    async with listening(healthy) as port:
        asterisk = connection(port)
        await asterisk.start()
        await take(asterisk, 1)
        reading = asyncio.create_task(take(asterisk, 1))
        await asyncio.sleep(0)
        await asterisk.close()
        with pytest.raises((StopAsyncIteration, RuntimeError)):
            await reading
        await asterisk.close()
        with pytest.raises(NotConnected):
            await asterisk.action("Ping")


def test_retries_double_up_to_the_longest_and_are_jittered() -> None:
    timing = Timing(first_retry_seconds=0.1, longest_retry_seconds=5)
    assert [round(retry_seconds(n, timing, 1), 3) for n in (1, 2, 3, 6, 7, 1000)] == [0.1, 0.2, 0.4, 3.2, 5, 5]
    assert retry_seconds(1, timing, 0) == pytest.approx(0.05)


def test_pings_rarer_than_the_read_timeout_are_refused() -> None:
    with pytest.raises(AmiError, match="ping interval"):
        Timing(ping_seconds=5, read_timeout_seconds=5)
