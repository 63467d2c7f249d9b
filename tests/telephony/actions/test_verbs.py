"""Orders to a real Asterisk, each on a real call."""

import asyncio
from pathlib import Path

import pytest

from telephony.actions.errors import ActionInvalid
from telephony.actions.reach import Reach
from telephony.ami.connection import AmiConnection
from telephony.ami.errors import AmiError
from tests.telephony.actions.conftest import Order, until_together
from tests.telephony.conftest import Hotline, noise


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
