"""Whom a call reaches by what AstDB says, with no router and no manager connection while the call comes in."""

import asyncio
import time
from pathlib import Path

import pytest

from tests.telephony.asterisk.test_calls import ami, pause
from tests.telephony.conftest import Hotline, noise

CALLER = "13800005555"


@pytest.fixture
def citizen(tmp_path: Path) -> Path:
    noise(tmp_path / "citizen.wav", 1, 0.3)
    return tmp_path / "citizen.wav"


def put(family: str, key: str | int, value: str) -> dict[str, str]:
    return {"Action": "DBPut", "Family": family, "Key": str(key), "Val": value}


def drop(family: str, key: str | int) -> dict[str, str]:
    return {"Action": "DBDel", "Family": family, "Key": str(key)}


async def answered_by(hotline: Hotline, citizen: Path, number: str | None = None) -> str:
    before = hotline.recordings()
    placed = await hotline.call(citizen, caller=CALLER, number=number)
    assert placed.answered
    [name] = await hotline.new_recordings(before)
    return name.split("--")[1]


async def test_a_desk_is_reached_by_its_number_and_by_what_is_known_of_the_caller(
    hotline: Hotline, citizen: Path
) -> None:
    log = hotline.site.directories.log / "queue_log"
    before = log.read_text().count("|enterprise|8003|CONNECT|")
    async with hotline.agent(8001), hotline.agent(8003):
        assert await answered_by(hotline, citizen, "12345802") == "8003"
        await ami(hotline, put("desk", CALLER, "enterprise"))
        assert await answered_by(hotline, citizen) == "8003"
        await ami(hotline, put("desk", CALLER, "a-desk-that-was-closed"))
        await answered_by(hotline, citizen)
    await ami(hotline, drop("desk", CALLER))
    assert log.read_text().count("|enterprise|8003|CONNECT|") == before + 2


async def test_what_a_desk_does_not_answer_reaches_the_hotline(hotline: Hotline, citizen: Path) -> None:
    async with hotline.agent(8001):
        began = time.monotonic()
        assert await answered_by(hotline, citizen, "12345802") == "8001", "nobody is at the desk"
        assert time.monotonic() - began < 3, "and an empty desk costs no time"
        async with hotline.agent(8003, answer_after=None):
            assert await answered_by(hotline, citizen, "12345802") == "8001", "the desk rings and nobody answers"


def last_via(hotline: Hotline) -> str:
    return hotline.cel().rsplit("&Via=", 1)[1].split('"', 1)[0].rstrip("}")


async def test_the_agent_who_knows_is_asked_only_on_duty_and_while_the_advice_holds(
    hotline: Hotline, citizen: Path
) -> None:
    future, past = int(time.time()) + 600, int(time.time()) - 1
    async with hotline.agent(8001), hotline.agent(8003):
        await ami(hotline, put("sticky", CALLER, f"8003@{future}"))
        assert await answered_by(hotline, citizen) == "8003"
        assert last_via(hotline) == "sticky"
        await ami(hotline, put("sticky", CALLER, f"8003@{past}"))
        await answered_by(hotline, citizen)
        assert last_via(hotline) == "queue", "the advice is stale"
        await ami(hotline, put("sticky", CALLER, f"8001@{future}"), put("duty", 8001, "off"))
        await answered_by(hotline, citizen)
        assert last_via(hotline) == "queue", "who knows is off duty"
    await ami(hotline, drop("sticky", CALLER), drop("duty", 8001))


async def test_a_phone_off_duty_rings_only_when_nobody_is_on_duty(hotline: Hotline, citizen: Path) -> None:
    everyone = (8001, 8002, 8003)
    async with hotline.agent(8001) as leaver:
        star_2 = {"Action": "Originate", "Channel": "PJSIP/8001", "Context": "agents", "Exten": "*2", "Priority": "1"}
        await ami(hotline, star_2)
        async with asyncio.timeout(5):  # *2 needs no router
            while b"Val: off" not in await ami(hotline, {"Action": "DBGet", "Family": "duty", "Key": "8001"}):
                await asyncio.sleep(0.1)
        assert leaver.answered() == 1
        async with hotline.agent(8002):
            await ami(hotline, *(pause(extension, True) for extension in everyone))
            assert await answered_by(hotline, citizen) == "8002"
        assert await answered_by(hotline, citizen) == "8001", "alone, a caller weighs more than rest"
    await ami(hotline, *(pause(extension, False) for extension in everyone), drop("duty", 8001))


async def test_who_has_priority_stands_before_those_who_came_earlier(hotline: Hotline, citizen: Path) -> None:
    await ami(hotline, put("prio", CALLER, "5"))
    async with hotline.agent(8001, answer_after=None):
        first = asyncio.create_task(hotline.call(citizen, caller="13800000001", hangup_after=1.6))
        await asyncio.sleep(0.6)
        second = asyncio.create_task(hotline.call(citizen, caller=CALLER, hangup_after=1.0))
        await asyncio.sleep(0.6)
        answer = (await ami(hotline, {"Action": "QueueStatus", "Queue": "hotline"})).decode()
        await asyncio.gather(first, second)
    entries = [block for block in answer.split("\r\n\r\n") if "Event: QueueEntry" in block]
    positions = {entry.split("CallerIDNum: ")[1].split("\r\n")[0]: "Position: 1\r\n" in entry for entry in entries}
    assert positions == {CALLER: True, "13800000001": False}
    await ami(hotline, drop("prio", CALLER))
