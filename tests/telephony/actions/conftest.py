"""Orders to the tests' Asterisk, and phones whose sound is known and kept."""

import asyncio
import contextlib
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from telephony.actions.reach import Reach
from telephony.actions.verbs import VERBS, checked
from telephony.ami.connection import AmiConnection
from telephony.calls.outward import OutwardCall, outward
from telephony.phones.sipp import SippRun, scenario_text, sipp
from telephony.records.cel import cel_messages
from tests.telephony.conftest import CARRIER, ROOT, Hotline
from tests.telephony.phones.voice import ON_THE_WAY_SECONDS, Voice

EVERYONE = ("8001", "8002", "8003")
Order = Callable[..., Awaitable[dict[str, str] | None]]


async def _connected(ami: AmiConnection) -> None:
    async with asyncio.timeout(10):
        while not ami.connected:
            await asyncio.sleep(0.01)


@pytest.fixture
async def asterisk(hotline: Hotline) -> AsyncIterator[AmiConnection]:
    site = hotline.site
    async with AmiConnection("127.0.0.1", site.ami_port, site.ami_user, site.ami_secret, wanted=frozenset()) as ami:
        await _connected(ami)
        yield ami
        # While a test compares sound nobody reads, and the connection is made anew.
        await _connected(ami)
        # SIPp's phones send no BYE when a test ends them: what still stands would be in the next test's way.
        await ami.action("Hangup", Channel="/^PJSIP/.*$/")
        for extension in EVERYONE:
            await VERBS["login"](ami, Reach.of(site), extension=extension)


@pytest.fixture
def order(hotline: Hotline, asterisk: AmiConnection) -> Order:
    async def give(verb: str, **arguments: object) -> dict[str, str] | None:
        return await checked(verb, arguments)(asterisk, Reach.of(hotline.site), **arguments)

    return give


async def together(asterisk: AmiConnection) -> set[frozenset[str]]:
    """Give who is with whom: the phones of each bridge."""
    bridges: dict[str, set[str]] = {}
    for each in (await asterisk.action("CoreShowChannels")).events:
        if each.get("BridgeId") and each.get("ChannelStateDesc") == "Up":
            bridges.setdefault(each.get("BridgeId"), set()).add(each.get("Channel"))
    # A third party comes in by a Local channel: who is in the talk is its inner end, its outer one is with the phone.
    talks = [names for names in bridges.values() if not any(name.endswith(";2") for name in names)]
    return {frozenset(re.split("[/@-]", name)[1] for name in names) for names in talks}


async def until_together(asterisk: AmiConnection, *groups: set[str]) -> None:
    expected = {frozenset(group) for group in groups}
    async with asyncio.timeout(5):
        while await together(asterisk) != expected:
            await asyncio.sleep(0.05)


async def applications(asterisk: AmiConnection, extension: str) -> list[str]:
    shown = (await asterisk.action("CoreShowChannels")).events
    return [each.get("Application") for each in shown if each.get("Channel").startswith(f"PJSIP/{extension}-")]


async def until_in(asterisk: AmiConnection, name: str, *expected: str) -> None:
    """Wait until a phone is in these applications; without any, until it is in no call."""
    async with asyncio.timeout(8):
        while tuple(await applications(asterisk, name)) != expected:
            await asyncio.sleep(0.02)


async def only_8001(order: Order) -> None:
    """Leave one agent on duty; a phone that reports for duty (*1) does so when it is switched on."""
    for extension in ("8002", "8003"):
        await order("logout", extension=extension)


async def hang_up(asterisk: AmiConnection, name: str) -> None:
    """End whatever a phone is in, and wait until it is in nothing."""
    await asterisk.action("Hangup", Channel=f"/^PJSIP/{name}-.*$/")
    await until_in(asterisk, name)


def told_of(hotline: Hotline, dial_ref: str) -> OutwardCall:
    """What Asterisk's own record tells of a call that an agent placed."""
    known = OutwardCall(dial_ref)
    for message in cel_messages(hotline.site.directories.log, 0):
        for told in outward(message):
            if told.dial_ref == dial_ref:
                known = told.after(known)
    return known


async def over(hotline: Hotline, dial_ref: str) -> OutwardCall:
    async with asyncio.timeout(10):
        while not (told := told_of(hotline, dial_ref)).ended_at:
            await asyncio.sleep(0.05)
    return told


def spoken_by(voice: Voice, phone: str = "agent") -> Path:
    """Write the scenario of a phone (agent, citizen) whose sound is this voice's; it speaks from the answer."""
    path = voice.asked_by.with_name(f"{phone}-{voice.port}.xml.j2")
    path.write_text(
        f'{{% extends "{phone}.xml.j2" %}}'
        f"{{% block port %}}{voice.port}{{% endblock %}}"
        '{% block asked %}<ereg regexp="m=audio ([0-9]+)" search_in="msg" assign_to="media,media_port"/>'
        '<log message="[$media]"/>'
        f'<exec command="echo [$media_port] > {voice.asked_by}"/>{{% endblock %}}'
    )
    return path


async def a_while(seconds: float) -> tuple[float, float]:
    """Let so much time pass; return from when to when, as `time.monotonic`, when all that was said then has come."""
    begin = time.monotonic()
    await asyncio.sleep(seconds)
    end = time.monotonic()
    await asyncio.sleep(ON_THE_WAY_SECONDS)
    return begin, end


@contextlib.asynccontextmanager
async def carrier(hotline: Hotline, voice: Voice) -> AsyncIterator[SippRun]:
    """Run what takes the calls that go out; its log tells each number asked for and whom it was shown."""
    assert hotline.site.trunk
    folder = ROOT / "tests/telephony/phones/scenarios"
    values = {"audio": None, "loops": 1, "answer_after_ms": 100, "hangup_after_ms": None, "voice": voice}
    text = scenario_text("provider.xml.j2", values, (folder,))
    server = (hotline.site.sip_address, hotline.site.sip_port)
    port = str(hotline.site.trunk.port)
    async with sipp(hotline.install, server, CARRIER, text, "-p", port, "-key", "agent", "carrier") as run:
        yield run
