"""Where the next caller is led under pressure, by what AstDB says: real calls, no router, no manager connection."""

import asyncio
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from telephony.asterisk.desk import OtherSite
from telephony.asterisk.process import AsteriskProcess
from telephony.calls.derive import Rules
from telephony.calls.model import Call
from telephony.calls.reducer import Reducer
from telephony.records.cel import cel_messages
from tests.telephony.asterisk.test_calls import ami
from tests.telephony.asterisk.test_desks import answered_by, drop, put
from tests.telephony.conftest import Hotline, noise, site_for


@pytest.fixture
def citizen(tmp_path: Path) -> Path:
    noise(tmp_path / "citizen.wav", 1, 0.3)
    return tmp_path / "citizen.wav"


def told(hotline: Hotline) -> Call:
    """The last call, as Asterisk's own record tells it."""
    reducer = Reducer(Rules())
    for message in cel_messages(hotline.site.directories.log, 0):
        reducer.apply(message)
    return reducer.calls()[-1]


def until(seconds: int) -> int:
    return int(time.time()) + seconds


async def test_the_next_caller_goes_to_the_other_desk_and_is_still_the_own_desks_call(
    hotline: Hotline, citizen: Path
) -> None:
    async with hotline.agent(8001), hotline.agent(8003):
        await ami(hotline, put("overflow", "hotline", f"enterprise@{until(60)}"))
        assert await answered_by(hotline, citizen) == "8003"
        call = told(hotline)
        assert (call.outcome, call.via, call.queue, len(call.segments)) == ("answered", "overflow", "hotline", 1)
        assert [(wait.queue, wait.ended) for wait in call.waits] == [("enterprise", "connected")]
        await ami(hotline, put("overflow", "enterprise", f"hotline@{until(60)}"))
        await answered_by(hotline, citizen, "12345802")
        call = told(hotline)
        assert (call.via, call.queue, [wait.queue for wait in call.waits]) == ("overflow", "enterprise", ["hotline"])
    await ami(hotline, drop("overflow", "hotline"), drop("overflow", "enterprise"))


async def test_a_note_that_is_over_endless_or_names_nothing_leads_nowhere(hotline: Hotline, citizen: Path) -> None:
    notes = (f"enterprise@{until(-1)}", "enterprise", f"enterprise@{until(9000)}", f"8003&PJSIP/8003@{until(60)}")
    async with hotline.agent(8001), hotline.agent(8003):
        for note in notes:
            await ami(hotline, put("overflow", "hotline", note))
            await answered_by(hotline, citizen)
            call = told(hotline)
            assert (call.via, [wait.queue for wait in call.waits]) == ("queue", ["hotline"]), note
    await ami(hotline, drop("overflow", "hotline"))


async def test_whom_nobody_there_answers_comes_home(hotline: Hotline, citizen: Path) -> None:
    await ami(hotline, put("overflow", "hotline", f"enterprise@{until(60)}"))
    async with hotline.agent(8001):
        assert await answered_by(hotline, citizen) == "8001", "nobody is there: no time is lost"
        assert [wait.queue for wait in told(hotline).waits] == ["hotline"]
        async with hotline.agent(8003, answer_after=None):
            assert await answered_by(hotline, citizen) == "8001"
    call = told(hotline)
    assert (call.outcome, call.via, call.queue) == ("answered", "queue", "hotline")
    assert [(wait.queue, wait.ended) for wait in call.waits] == [("enterprise", "timed_out"), ("hotline", "connected")]
    await ami(hotline, drop("overflow", "hotline"))


@pytest.fixture
def two_sites(hotline: Hotline) -> Iterator[tuple[Hotline, Hotline]]:
    """Two hotlines that name each other: west, and east."""
    folder = Path(tempfile.mkdtemp(prefix="zhitong-test-"))
    folder.chmod(0o755)
    west, east = site_for(folder / "west"), site_for(folder / "east")
    east = replace(
        east, rtp_start=20900, rtp_end=21100, sites=(OtherSite("west", "西区", "west", f"127.0.0.1:{west.sip_port}"),)
    )
    west = replace(
        west, rtp_start=21100, rtp_end=21300, sites=(OtherSite("east", "东区", "east", f"127.0.0.1:{east.sip_port}"),)
    )
    with AsteriskProcess(east, hotline.install) as there, AsteriskProcess(west, hotline.install) as here:
        yield Hotline(here, folder), Hotline(there, folder)
    shutil.rmtree(folder, ignore_errors=True)


async def until_east(west: Hotline, *, there: bool) -> None:
    """Wait until West knows of East what is so; it asks every second."""
    asked = {"Action": "Getvar", "Variable": "DEVICE_STATE(PJSIP/east)"}
    async with asyncio.timeout(30):
        while (b"Value: UNAVAILABLE" in await ami(west, asked)) == there:
            await asyncio.sleep(0.1)


async def test_the_next_caller_goes_to_the_other_site_is_recorded_and_not_sent_round(
    two_sites: tuple[Hotline, Hotline], citizen: Path
) -> None:
    west, east = two_sites
    await ami(west, put("overflow", "hotline", f"east@{until(60)}"))
    async with west.agent(8001), east.agent(8002):
        await until_east(west, there=True)
        # East is under pressure as well: whom West has sent is not sent back.
        await ami(east, put("overflow", "hotline", f"west@{until(60)}"))
        assert await answered_by(west, citizen) == "east"
        call = told(west)
        assert (call.outcome, call.via, call.queue, call.agent) == ("answered", "overflow", "hotline", "east")
        assert (call.waits, len(call.segments)) == ((), 1)
        assert (told(east).agent, told(east).caller, told(east).via) == ("8002", call.caller, "queue")
    async with west.agent(8001):
        assert await answered_by(west, citizen) == "8001", "east is there and nobody answers"
        call = told(west)
        assert (call.via, [wait.queue for wait in call.waits]) == ("queue", ["hotline"])
        assert len(call.offers) == 2, "east rang, then 8001"
        east.process.stop()
        await until_east(west, there=False)
        assert await answered_by(west, citizen) == "8001"
        assert len(told(west).offers) == 1, "a site that is not there costs no time"
