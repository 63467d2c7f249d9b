"""Orders and advice: a real router's parts between PostgreSQL and a real Asterisk."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from api.agents.routing import load_routing
from api.commands import service as commands
from api.commands.service import NoRouter, OrderFailed, UnknownOrder
from api.kit import clock
from api.kit.database import Database
from api.tickets.service import store_draft
from telephony.ami.connection import AmiConnection
from telephony.ami.errors import ActionRefused
from telephony.routing.holds import Hold
from tests.support.router_parts import Parts
from tests.telephony.conftest import ROOT, Hotline, noise

SHIPPED = load_routing(ROOT / "config")
QUICK = replace(
    SHIPPED,
    notes=replace(SHIPPED.notes, vulnerable=frozenset({"13800000010"})),
    holds=replace(
        SHIPPED.holds,
        wrap_up_limit=timedelta(seconds=1.2),
        extension=timedelta(seconds=1),
        most_extensions=1,
        missed_pauses=(timedelta(seconds=1),),
    ),
)
PATIENT = replace(QUICK, holds=replace(QUICK.holds, wrap_up_limit=timedelta(seconds=60)))
FIELD = {"value": "板房倾斜", "confidence": 0.9, "confirmed": False, "doubtful": False, "evidence": []}


async def pause_of(asterisk: AmiConnection, agent: str) -> str | None:
    shown = (await asterisk.action("QueueStatus", Queue="hotline", Member=f"PJSIP/{agent}")).events
    [member] = [each for each in shown if each.name == "QueueMember"]
    return member.get("PausedReason") if member.get("Paused") == "1" else None


async def note(asterisk: AmiConnection, family: str, caller: str) -> str | None:
    try:
        return (await asterisk.action("DBGet", Family=family, Key=caller)).events[0].get("Val")
    except ActionRefused:
        return None


async def until(asterisk: AmiConnection, agent: str, reason: str | None, seconds: float = 4) -> None:
    async with asyncio.timeout(seconds):
        while await pause_of(asterisk, agent) != reason:
            await asyncio.sleep(0.05)


async def hold_on(database: Database, agent: str) -> Hold:
    """The router's hold on an agent, stored a moment after the pause that it ordered."""
    async with asyncio.timeout(4):
        while True:
            async with database.session() as session:
                if hold := (await commands.holds(session)).get(agent):
                    return hold
            await asyncio.sleep(0.05)


async def order(database: Database, verb: str, by: str = "王班长", **arguments: object) -> dict[str, object]:
    async with database.session() as session:
        number = await commands.order(session, verb, arguments, ordered_by=by)
    return await commands.carried_out(database, number)


@pytest.fixture
def citizen(tmp_path: Path) -> Path:
    noise(tmp_path / "citizen.wav", 1, 0.3)
    return tmp_path / "citizen.wav"


async def test_an_order_is_carried_out_once_audited_and_refused_with_a_reason(
    hotline: Hotline, database: Database
) -> None:
    with pytest.raises(UnknownOrder):
        await order(database, "core stop now")
    with pytest.raises(UnknownOrder):
        await order(database, "pause", extension="8001")
    async with Parts(hotline, database, QUICK).running() as asterisk:
        await order(database, "pause", extension="8001", reason="meal")
        assert await pause_of(asterisk, "8001") == "meal"
        await order(database, "login", extension="8001")
        assert await pause_of(asterisk, "8001") is None
        with pytest.raises(OrderFailed, match="no call"):
            await order(database, "hold", extension="8001")
    async with database.session() as session:
        rows = await commands.latest(session, 10)
    assert [(row.verb, row.state, row.ordered_by, row.error_id) for row in rows] == [
        ("hold", "failed", "王班长", "action-no-such-talk"),
        ("login", "done", "王班长", None),
        ("pause", "done", "王班长", None),
    ]


async def test_an_order_that_no_router_takes_expires_and_is_not_done_later(
    hotline: Hotline, database: Database
) -> None:
    async with database.session() as session:
        number = await commands.order(
            session, "pause", {"extension": "8001", "reason": "late"}, ordered_by="x", within_seconds=0.3
        )
    assert (await commands.result(database, number, 0.2)).state == "expired"
    with pytest.raises(NoRouter):
        await commands.carried_out(database, number)
    async with Parts(hotline, database, QUICK).running() as asterisk:
        await order(database, "login", extension="8002")
        assert await pause_of(asterisk, "8001") is None


async def test_after_a_call_the_agent_is_held_until_the_draft_is_settled_and_then_nobody_need_know_it(
    hotline: Hotline, database: Database, citizen: Path
) -> None:
    caller = "13800004321"
    async with Parts(hotline, database, PATIENT).running() as asterisk, hotline.agent(8001):
        before = hotline.recordings()
        await hotline.call(citizen, caller=caller)
        [name] = await hotline.new_recordings(before)
        call_ref = name.split("--")[0]
        await until(asterisk, "8001", "wrap-up")
        assert (await note(asterisk, "sticky", caller) or "").startswith("8001@")
        held = await hold_on(database, "8001")
        async with database.session() as session:
            await store_draft(
                session, call_ref, {"summary": FIELD}, reason=None, now=clock.now(), timezone="Asia/Shanghai"
            )
        assert held.call_ref == call_ref
        await order(database, "extend", extension="8001")
        with pytest.raises(OrderFailed, match="as often"):
            await order(database, "extend", extension="8001")
        assert await pause_of(asterisk, "8001") == "wrap-up"
        async with database.session() as session:
            await store_draft(
                session,
                call_ref,
                {"summary": {**FIELD, "confirmed": True}},
                reason=None,
                now=clock.now(),
                timezone="Asia/Shanghai",
            )
        await until(asterisk, "8001", None)
        assert await note(asterisk, "sticky", caller) is None


async def test_a_wrap_up_ends_at_its_limit_and_one_that_a_dead_router_left_ends_when_the_next_one_comes(
    hotline: Hotline, database: Database, citizen: Path
) -> None:
    async with hotline.agent(8001):
        async with Parts(hotline, database, QUICK).running() as asterisk:
            await hotline.call(citizen)
            await until(asterisk, "8001", "wrap-up")
            await until(asterisk, "8001", None)
        async with Parts(hotline, database, QUICK).running() as asterisk:
            await hotline.call(citizen)
            await until(asterisk, "8001", "wrap-up")
        await asyncio.sleep(1.3)
        async with Parts(hotline, database, QUICK).running() as asterisk:
            await until(asterisk, "8001", None)
            await asterisk.action("QueuePause", Interface="PJSIP/8002", Paused="true", Reason="wrap-up")
            # As after a restart of Asterisk, which forgets pauses and keeps its database.
            await asterisk.action("DBPut", Family="duty", Key="8003", Val="off")
        async with Parts(hotline, database, QUICK).running() as asterisk:
            await until(asterisk, "8002", None)
            assert await note(asterisk, "prio", "13800000010") == "10"
            assert await note(asterisk, "desk", "13800000020") == "enterprise"
            await until(asterisk, "8003", "off-duty")
            await order(database, "login", extension="8003")


@pytest.mark.soak
async def test_who_misses_a_call_is_back_after_the_rules_time_and_who_gave_up_comes_first_next_time(
    hotline: Hotline, database: Database, citizen: Path
) -> None:
    caller = "13800008765"
    async with Parts(hotline, database, QUICK).running() as asterisk, hotline.agent(8001, answer_after=None):
        # Short abandons are none: the citizen waits for more than 5 s.
        calling = asyncio.create_task(hotline.call(citizen, caller=caller, hangup_after=5.4))
        await until(asterisk, "8001", "Auto-Pause", 6)
        async with database.session() as session:
            assert (await commands.holds(session))["8001"].kind == "missed"
        await until(asterisk, "8001", None)
        await calling
        async with asyncio.timeout(3):
            while not (found := await note(asterisk, "prio", caller)):
                await asyncio.sleep(0.05)
        assert found.startswith("5@")
        await order(database, "forget", family="prio", caller=caller)
