import asyncio
import csv
import io
import itertools
import os
import socket
import stat
import wave
from pathlib import Path
from urllib.parse import parse_qs

import numpy as np
import pytest

from tests.telephony.conftest import Hotline, heard, noise


async def ami(hotline: Hotline, *actions: dict[str, str]) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", hotline.site.ami_port)
    login = {"Action": "Login", "Username": "zhitong", "Secret": hotline.site.ami_secret, "Events": "off"}
    for action in (login, *actions, {"Action": "Logoff"}):
        writer.write(("".join(f"{key}: {value}\r\n" for key, value in action.items()) + "\r\n").encode())
    await writer.drain()
    answer = await reader.read(-1)
    writer.close()
    return answer


def pause(extension: int, paused: bool) -> dict[str, str]:
    return {"Action": "QueuePause", "Interface": f"PJSIP/{extension}", "Paused": str(paused).lower()}


async def test_both_sides_are_recorded_as_they_were_spoken_without_any_ami_client(
    hotline: Hotline, tmp_path: Path
) -> None:
    citizen = noise(tmp_path / "citizen.wav", 1, 3)
    agent = noise(tmp_path / "agent.wav", 2, 2)
    before = hotline.recordings()
    async with hotline.agent(8001, tmp_path / "agent.wav"):
        placed = await hotline.call(tmp_path / "citizen.wav")
        (name,) = await hotline.new_recordings(before)
    folder = hotline.site.directories.recordings
    assert placed.answered
    assert placed.ended_by == "citizen_hung_up"
    assert heard(folder / f"{name}-citizen.wav", citizen) > 0.98
    # Of the agent's first words too nothing is lost, but 10 ms of silence come between them (decision 0018).
    assert heard(folder / f"{name}-agent.wav", agent) > 0.97
    assert heard(folder / f"{name}.wav", citizen) > 0.6
    assert heard(folder / f"{name}-agent.wav", citizen) < 0.1
    call_ref, agent_extension, microseconds = name.split("--")
    assert agent_extension == "8001"
    assert abs(int(microseconds) / 1e6 - float(call_ref)) < 30


async def test_asterisks_own_record_rebuilds_the_call(hotline: Hotline, tmp_path: Path) -> None:
    noise(tmp_path / "citizen.wav", 1, 1)
    async with hotline.agent(8001):
        placed = await hotline.call(tmp_path / "citizen.wav")
    await asyncio.sleep(0.3)
    rows = list(csv.reader(io.StringIO(hotline.cel())))
    offered = next(row for row in rows if row[0] == "HotlineOffered" and placed.sip_call_id in row[12])
    call_ref = offered[3]
    own = [row for row in rows if row[4] == call_ref]
    names = [row[0] for row in own]
    assert "CallRef=" + call_ref in offered[12]
    assert [name for name in names if name.startswith("Hotline")] == ["HotlineOffered", "HotlineVia", "HotlineSegment"]
    segment = next(row for row in own if row[0] == "HotlineSegment")
    assert parse_qs(segment[11].split(",", 1)[1])["Agent"] == ["8001"]
    hangup = next(row for row in own if row[0] == "HANGUP" and row[3] == call_ref)
    assert 0.9 < float(hangup[1]) - float(segment[1]) < 3
    assert f"|{call_ref}|hotline|8001|CONNECT|" in (hotline.site.directories.log / "queue_log").read_text()


async def test_what_is_said_can_be_heard_a_moment_later_and_is_cleaned_up(hotline: Hotline, tmp_path: Path) -> None:
    said = noise(tmp_path / "citizen.wav", 3, 4)
    live = hotline.site.directories.live
    earlier = set(live.iterdir())
    async with hotline.agent(8001):
        call = asyncio.create_task(hotline.call(tmp_path / "citizen.wav"))
        sizes: list[int] = []
        heard_live = b""
        while not call.done():
            for path in set(live.glob("*-citizen.sln48")) - earlier:
                if (size := path.stat().st_size) and size not in sizes:
                    sizes.append(size)
                    heard_live = path.read_bytes()
            await asyncio.sleep(0.02)
        await call
    steps = [after - before for before, after in itertools.pairwise(sizes)]
    assert len(steps) >= 5
    assert set(steps[:-1]) == {32768}, "0.34 s at a time"
    with wave.open(str(tmp_path / "live.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(np.frombuffer(heard_live, "<i2")[::6].tobytes())
    assert heard(tmp_path / "live.wav", said[: 8000 * 2]) > 0.7
    async with asyncio.timeout(10):
        while any(live.iterdir()):
            await asyncio.sleep(0.1)


async def test_the_agent_who_knows_is_rung_first(hotline: Hotline, tmp_path: Path) -> None:
    noise(tmp_path / "citizen.wav", 1, 0.5)
    before = hotline.recordings()
    put = {"Action": "DBPut", "Family": "sticky", "Key": "13800007777", "Val": "8002"}
    async with hotline.agent(8001), hotline.agent(8002):
        assert b"Updated database successfully" in await ami(hotline, put)
        await hotline.call(tmp_path / "citizen.wav", caller="13800007777")
        (name,) = await hotline.new_recordings(before)
    assert name.split("--")[1] == "8002"


async def test_an_agent_who_misses_a_call_does_not_keep_the_caller_from_the_next(
    hotline: Hotline, tmp_path: Path
) -> None:
    noise(tmp_path / "citizen.wav", 1, 0.5)
    before = hotline.recordings()
    async with hotline.agent(8002):
        await hotline.call(tmp_path / "citizen.wav")
        async with hotline.agent(8003, answer_after=None):
            placed = await hotline.call(tmp_path / "citizen.wav")
            names = await hotline.new_recordings(before, 2)
    assert placed.answered
    assert {name.split("--")[1] for name in names} == {"8002"}


async def test_a_paused_agent_is_reached_when_nobody_else_is_there(hotline: Hotline, tmp_path: Path) -> None:
    noise(tmp_path / "citizen.wav", 1, 0.5)
    before = hotline.recordings()
    async with hotline.agent(8001):
        await ami(hotline, *(pause(extension, True) for extension in (8001, 8002, 8003)))
        placed = await hotline.call(tmp_path / "citizen.wav")
        (name,) = await hotline.new_recordings(before)
        await ami(hotline, *(pause(extension, False) for extension in (8001, 8002, 8003)))
    assert placed.answered
    assert "Via=overflow" in hotline.cel().split(name.split("--")[0], 1)[1]


async def test_a_caller_who_gives_up_is_no_longer_in_the_queue(hotline: Hotline, tmp_path: Path) -> None:
    noise(tmp_path / "citizen.wav", 1, 0.5)
    async with hotline.agent(8001, answer_after=None):
        placed = await hotline.call(tmp_path / "citizen.wav", hangup_after=1.0)
    assert not placed.answered
    assert placed.ended_by == "gave_up"
    assert 0.9 < (placed.ended_at - placed.started_at).total_seconds() < 3
    assert "|ABANDON|" in (hotline.site.directories.log / "queue_log").read_text().splitlines()[-1]


async def test_when_no_phone_is_on_the_caller_is_told_so_after_the_longest_wait(
    hotline: Hotline, tmp_path: Path
) -> None:
    noise(tmp_path / "citizen.wav", 1, 0.5)
    placed = await hotline.call(tmp_path / "citizen.wav")
    assert placed.refusal is not None
    assert not placed.answered
    assert '"HotlineUnanswered"' in hotline.cel()


HOSTILE = [
    'A"B\\C',
    "x\r\nEvent: Hangup\r\nUniqueid: 1.1",
    "x\u2028Event: Hangup\u2029Uniqueid: 1.1",
    "x\x85Event: Hangup\x0bUniqueid: 1.1",
    "<script>alert(1)</script>",
    "[call_id] ]]> ${SHELL(touch WAS_HERE)}",
    "长" * 1300,
    "n" * 4000,
]


async def test_no_caller_name_adds_an_event_or_a_line(hotline: Hotline, tmp_path: Path) -> None:
    noise(tmp_path / "citizen.wav", 1, 0.2)
    was_here = tmp_path / "was-here"
    received = bytearray()
    reader, writer = await asyncio.open_connection("127.0.0.1", hotline.site.ami_port)
    writer.write(f"Action: Login\r\nUsername: zhitong\r\nSecret: {hotline.site.ami_secret}\r\n\r\n".encode())

    async def read() -> None:
        while block := await reader.read(65536):
            received.extend(block)

    async def called(number: int) -> None:
        name = HOSTILE[number].replace("WAS_HERE", str(was_here))
        placed = await hotline.call(tmp_path / "citizen.wav", caller=f"138000099{number:02}", name=name)
        assert placed.answered, name[:20]

    task = asyncio.create_task(read())
    async with hotline.agent(8001, answer_after=0.05), hotline.agent(8002, answer_after=0.05):
        for first in range(0, len(HOSTILE), 2):
            await asyncio.gather(*(called(number) for number in (first, first + 1)))
    await asyncio.sleep(0.3)
    writer.close()
    await task
    messages = bytes(received).split(b"\r\n\r\n")
    for message in messages:
        keys = [line.split(b":", 1)[0] for line in message.split(b"\r\n")]
        assert keys.count(b"Event") <= 1
        assert b"Uniqueid: 1.1" not in message.split(b"\r\n")
        assert len(message) < 16384
    assert any(b"CallerIDNum: 13800009907" in message for message in messages)
    assert not was_here.exists()
    assert all(len(row) == 13 for row in csv.reader(io.StringIO(hotline.cel())))


def test_secrets_are_readable_by_asterisk_alone_and_it_is_not_root(hotline: Hotline) -> None:
    for path in hotline.site.directories.etc.glob("*.conf"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path
    assert hotline.process.pid is not None
    status = Path(f"/proc/{hotline.process.pid}/status").read_text()
    uid = next(line.split()[1] for line in status.splitlines() if line.startswith("Uid:"))
    assert int(uid) != 0
    assert os.getuid() in {0, int(uid)}


async def test_only_loopback_is_listened_on_also_for_voice(hotline: Hotline, tmp_path: Path) -> None:
    noise(tmp_path / "citizen.wav", 1, 2)
    async with hotline.agent(8001, answer_after=0.1):
        call = asyncio.create_task(hotline.call(tmp_path / "citizen.wav"))
        await asyncio.sleep(1)
        ports = [(kind, *row) for kind in ("tcp", "udp") for row in open_ports(hotline.process.pid or 0, kind)]
        await call
    site = hotline.site
    assert ("tcp", "127.0.0.1", site.ami_port) in ports
    assert ("udp", "127.0.0.1", site.sip_port) in ports
    assert any(site.rtp_start <= port <= site.rtp_end for _, _, port in ports)
    # PJSIP keeps one unbound client socket for DNS; everything that serves is on loopback.
    beyond = [port for _, address, port in ports if address != "127.0.0.1"]
    assert len(beyond) <= 1
    assert not any(
        kind == "tcp" or site.rtp_start <= port <= site.rtp_end for kind, address, port in ports if port in beyond
    )


def open_ports(pid: int, kind: str) -> list[tuple[str, int]]:
    """Return (address, port) of the process's unconnected sockets."""
    links = [str(link.readlink()) for link in Path(f"/proc/{pid}/fd").iterdir()]
    inodes = {link[8:-1] for link in links if link.startswith("socket:")}
    rows = [row.split() for row in Path(f"/proc/net/{kind}").read_text().splitlines()[1:]]
    local = [row[1].split(":") for row in rows if row[9] in inodes and row[2] == "00000000:0000"]
    return [(socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)) for address, port in local]


@pytest.mark.parametrize("name", ["queue_log", "cel-custom/cel.csv", "cdr-csv/Master.csv", "messages.log"])
def test_asterisk_keeps_its_own_records(hotline: Hotline, name: str) -> None:
    assert (hotline.site.directories.log / name).stat().st_size > 0
