"""Orders to a real Asterisk, each on a real call."""

import asyncio
from pathlib import Path

import pytest

from telephony.actions.errors import ActionInvalid
from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection
from telephony.ami.errors import AmiError
from telephony.calls.outward import came_of
from telephony.phones import AgentPhone
from tests.telephony.actions.conftest import Order, applications, hang_up, over, until_together
from tests.telephony.conftest import ROOT, SEATS, Hotline, heard, noise


async def members(asterisk: AmiConnection, extension: str) -> dict[str, tuple[str, str, str]]:
    """Give (paused, reason, penalty) of a seat by queue."""
    shown = (await asterisk.action("QueueStatus", Member=f"PJSIP/{extension}")).events
    return {
        each.get("Queue"): (each.get("Paused"), each.get("PausedReason"), each.get("Penalty"))
        for each in shown
        if each.name == "QueueMember" and each.get("Name") == extension
    }


def test_without_a_trunk_no_number_outside_is_rung_and_the_error_says_what_to_set() -> None:
    reach = Reach(frozenset({"8001"}), ("hotline",))
    assert reach.number("8001") == "8001"
    with pytest.raises(ActionInvalid, match=r"set \[trunk\] in config/zhitong.toml"):
        reach.number("+8610086")


async def test_duty_pauses_and_penalties_hold_at_every_desk_of_the_seat(order: Order, asterisk: AmiConnection) -> None:
    await order("logout", extension="8003")
    assert {state[:2] for state in (await members(asterisk, "8003")).values()} == {("1", "off-duty")}
    await order("login", extension="8003")
    await order("pause", extension="8003", reason="用餐")
    assert {state[:2] for state in (await members(asterisk, "8003")).values()} == {("1", "用餐")}
    await order("unpause", extension="8003")
    await order("set_penalty", extension="8003", value=7, queue="hotline")
    assert await members(asterisk, "8003") == {"hotline": ("0", "", "7"), "enterprise": ("0", "", "0")}
    await order("set_penalty", extension="8003", value=1, queue="hotline")
    await order("advise", family="sticky", caller="+8613800001234", value="8001", until=1795440000)
    found = (await asterisk.action("DBGet", Family="sticky", Key="8613800001234")).events
    assert [each.get("Val") for each in found] == ["8001@1795440000"]
    await order("forget", family="sticky", caller="8613800001234")
    await order("forget", family="sticky", caller="8613800001234")
    with pytest.raises(AmiError, match="not found"):
        await asterisk.action("DBGet", Family="sticky", Key="8613800001234")
    noted = await order("overflow", queue="hotline", to="enterprise", seconds=60)
    found = (await asterisk.action("DBGet", Family="overflow", Key="hotline")).events
    assert noted == {"note": found[0].get("Val")}
    await order("end_overflow", queue="hotline")
    await order("end_overflow", queue="hotline")
    with pytest.raises(AmiError, match="not found"):
        await asterisk.action("DBGet", Family="overflow", Key="hotline")


HOSTILE = [
    ("pause", {"extension": "8001", "reason": "x\r\nAction: Command\r\nCommand: core stop now"}),
    ("pause", {"extension": "8001", "reason": "x" * 41}),
    ("login", {"extension": "8001\r\nx"}),
    ("login", {"extension": "8099"}),
    ("set_penalty", {"extension": "8001", "value": -1}),
    ("set_penalty", {"extension": "8001", "value": 1, "queue": "nowhere"}),
    ("advise", {"family": "cidname", "caller": "1380", "value": "x"}),
    ("advise", {"family": "desk", "caller": "1380", "value": "${SHELL(id)}"}),
    ("advise", {"family": "prio", "caller": "1380", "value": "-5"}),
    ("advise", {"family": "sticky", "caller": "13;DROP", "value": "8001"}),
    ("forget", {"family": "sticky", "caller": "/"}),
    ("overflow", {"queue": "hotline", "to": "hotline", "seconds": 60}),
    ("overflow", {"queue": "hotline", "to": "nowhere", "seconds": 60}),
    ("overflow", {"queue": "hotline", "to": "enterprise\r\nAction: x", "seconds": 60}),
    ("overflow", {"queue": "hotline", "to": "enterprise", "seconds": 601}),
    ("overflow", {"queue": "nowhere", "to": "enterprise", "seconds": 60}),
    ("end_overflow", {"queue": "/"}),
    ("dial", {"extension": "8001", "number": "8"}),
    ("dial", {"extension": "8001", "number": "+"}),
    ("dial", {"extension": "8001", "number": "10086@192.0.2.1"}),
    ("dial", {"extension": "8001", "number": "10086,1&x"}),
    ("dial", {"extension": "8001", "number": "8002&PJSIP/8003"}),
    ("conference", {"extension": "8001", "number": "Local/1@citizen"}),
    ("listen", {"supervisor": "8001", "extension": "8001"}),
    ("raise_priority", {"call_ref": "1.1", "value": 5}),
    ("hold", {"extension": "8001"}),
    ("hold", {"extension": "8001", "more": 1}),
    ("hold", {}),
    ("core stop now", {}),
]


@pytest.mark.parametrize(("verb", "arguments"), HOSTILE, ids=[f"{verb} {each}"[:60] for verb, each in HOSTILE])
async def test_what_names_nobody_or_breaks_out_never_reaches_asterisk(
    order: Order, verb: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(ActionInvalid):
        await order(verb, **arguments)


@pytest.mark.soak
async def test_a_citizen_whom_nobody_takes_back_from_hold_is_answered_by_another(
    hotline: Hotline, order: Order, asterisk: AmiConnection, tmp_path: Path
) -> None:
    noise(tmp_path / "citizen.wav", 1, 10)
    async with hotline.agent(8002):
        await order("logout", extension="8002")
        async with hotline.agent(8001):
            call = asyncio.create_task(hotline.call(tmp_path / "citizen.wav", hangup_after=7))
            await until_together(asterisk, {"8001", "citizen"})
            # The colleague's phone is off: the agent is not let go, and takes the citizen back.
            await order("attended_transfer", extension="8001", to="8003")
            await until_together(asterisk, {"8001"}, {"citizen"})
            await order("unhold", extension="8001")
            await until_together(asterisk, {"8001", "citizen"})
            await order("hold", extension="8001")
            await until_together(asterisk, {"8001"}, {"citizen"})
            await order("login", extension="8002")
            await order("pause", extension="8001", reason="training")
            await until_together(asterisk, {"8002", "citizen"})
            await call


async def test_a_call_that_an_agent_places_is_recorded_tells_what_came_of_it_and_is_no_citizens(
    hotline: Hotline, order: Order, asterisk: AmiConnection, tmp_path: Path
) -> None:
    unit = noise(tmp_path / "unit.wav", 3, 1)
    async with hotline.agent(8001), hotline.agent(8002, tmp_path / "unit.wav"):
        placed = await order("dial", extension="8001", number="8002")
        assert placed is not None
        await until_together(asterisk, {"8001", "8002"})
        await asyncio.sleep(1)
        await asterisk.action("Hangup", Channel="/^PJSIP/8002-.*$/")
        async with asyncio.timeout(3):
            while not (done := list(hotline.site.directories.outward.glob(f"{placed['dial_ref']}--8001--*.done"))):
                await asyncio.sleep(0.05)
        told = await over(hotline, placed["dial_ref"])
        assert (came_of(told), told.agent, told.status) == ("reached", "8001", "ANSWER")
        assert told.talk_seconds is not None
        assert 0.8 < told.talk_seconds < 8
        assert told.recording_id == done[0].stem
        nobody = await order("dial", extension="8001", number="8003")
        assert nobody is not None
        assert came_of(await over(hotline, nobody["dial_ref"])) == "failed", "no phone was rung: it is off"
    assert heard(done[0].with_name(f"{done[0].stem}-citizen.wav"), unit) > 0.5
    assert placed["dial_ref"] not in {row.split("CallRef=")[-1][:17] for row in hotline.cel().split("HotlineOffered")}


async def test_a_third_party_of_a_call_that_an_agent_places_is_recorded_and_is_not_what_came_of_it(
    hotline: Hotline, order: Order, asterisk: AmiConnection
) -> None:
    async with hotline.agent(8001), hotline.agent(8002), hotline.agent(8003):
        placed = await order("dial", extension="8001", number="8002")
        assert placed is not None
        await until_together(asterisk, {"8001", "8002"})
        await order("conference", extension="8001", number="8003")
        await until_together(asterisk, {"8001", "8002", "8003"})
        await hang_up(asterisk, "8002")
        await until_together(asterisk, {"8001", "8003"})
        await hang_up(asterisk, "8001")
        told = await over(hotline, placed["dial_ref"])
        async with asyncio.timeout(5):
            while len(done := list(hotline.site.directories.outward.glob(f"{placed['dial_ref']}--*.done"))) < 2:
                await asyncio.sleep(0.05)
    own, third = sorted(file.stem for file in done)
    assert [name.split("--")[1] for name in (own, third)] == ["8001", "8003"]
    assert (came_of(told), told.agent, told.recording_id) == ("reached", "8001", own)


async def test_a_far_end_that_only_rings_is_not_reached_and_an_agents_phone_that_is_off_is_told_at_once(
    hotline: Hotline, order: Order
) -> None:
    async with hotline.agent(8001), hotline.agent(8002, answer_after=None):
        placed = await order("dial", extension="8001", number="8002")
        assert placed is not None
        told = await over(hotline, placed["dial_ref"])
        assert (came_of(told), told.talk_seconds or 0) == ("no_answer", 0)
        with pytest.raises(ActionInvalid, match="8003 is not there"):
            await order("dial", extension="8003", number="8001")


REFUSING = ROOT / "tests/telephony/phones/scenarios/refusing.xml"


@pytest.mark.parametrize(
    ("status", "result"),
    [("486 Busy Here", "busy"), ("404 Not Found", "wrong_number"), ("480 Temporarily Unavailable", "no_answer")],
)
async def test_a_far_end_that_refuses_says_why(
    hotline: Hotline, order: Order, tmp_path: Path, status: str, result: str
) -> None:
    scenario = tmp_path / "refusing.xml"
    scenario.write_text(REFUSING.read_text().replace("SIP/2.0 REFUSAL", f"SIP/2.0 {status}"))
    seat = next(seat for seat in SEATS if seat.extension == "8002")
    async with hotline.agent(8001), AgentPhone(hotline.install, hotline.site, seat, scenario=scenario):
        placed = await order("dial", extension="8001", number="8002")
        assert placed is not None
        told = await over(hotline, placed["dial_ref"])
    assert (came_of(told), told.talk_seconds or 0) == (result, 0), told


async def test_an_agent_who_does_not_pick_up_dials_nobody(
    hotline: Hotline, order: Order, asterisk: AmiConnection
) -> None:
    async with hotline.agent(8001, answer_after=None):
        placed = await order("dial", extension="8001", number="8002")
        assert placed is not None
        async with asyncio.timeout(5):
            while not await applications(asterisk, "8001"):
                await asyncio.sleep(0.05)
        await asterisk.action("Hangup", Channel="/^PJSIP/8001-.*$/")
        told = await over(hotline, placed["dial_ref"])
    assert (came_of(told), told.picked_up_at, told.recording_id) == ("agent_absent", None, None)
