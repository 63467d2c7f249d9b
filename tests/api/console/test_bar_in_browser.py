"""The agent's bar: what it shows of the seat, and that its buttons and keys move a real Asterisk."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from api.agents.service import store_revisions
from api.commands.repository import HoldRepository
from api.kit import clock
from api.kit.database import Database
from telephony.agents.model import AgentSpell, Revision, State
from tests.api.router.test_advice import PATIENT, pause_of
from tests.support.router_parts import Parts
from tests.telephony.conftest import Hotline


async def spell(
    database: Database, agent: str, state: State, reason: str | None = None, call_ref: str | None = None
) -> None:
    now = clock.now()
    one = AgentSpell(agent, "main", state, reason, call_ref, now)
    async with database.session() as session:
        await store_revisions(session, [Revision(agent, "main", now - timedelta(hours=1), (one,))])


async def hold(database: Database, agent: str, kind: str, **values: Any) -> None:
    now = clock.now()
    async with database.session() as session:
        await HoldRepository(session).put(
            {
                "node": "main",
                "agent": agent,
                "kind": kind,
                "since_at": now,
                "until_at": now + timedelta(seconds=60),
                "call_ref": None,
                **values,
            }
        )


@pytest.fixture
def refusals() -> list[int]:
    """A call cannot be held where there is none: the browser tells of the answer as an error."""
    return [409]


async def test_the_bar_shows_the_seat_and_moves_its_phone(page: Page, database: Database, hotline: Hotline) -> None:
    state = page.locator("#agent-state")
    await expect(page.locator("#bar")).to_be_visible()
    await expect(state).to_have_count(0)
    await spell(database, "8001", "idle")
    async with Parts(hotline, database, PATIENT).running() as asterisk:
        await page.select_option("#seat", "8001")
        await expect(state).to_contain_text("空闲")
        await expect(page.locator("#follow")).to_contain_text("8001")
        await expect(page.locator('[data-act="hold"]')).to_be_disabled()
        await page.select_option("#break", "meal")
        async with asyncio.timeout(5):
            while await pause_of(asterisk, "8001") != "meal":
                await asyncio.sleep(0.05)
        await spell(database, "8001", "paused", "meal")
        await expect(state).to_contain_text("用餐")
        await page.keyboard.press("z")
        async with asyncio.timeout(5):
            while await pause_of(asterisk, "8001") is not None:
                await asyncio.sleep(0.05)
        await spell(database, "8001", "talking", None, "1.1")
        await expect(page.locator('[data-act="hold"]')).to_be_enabled()
        await page.keyboard.press("w")
        await expect(page.locator("#notice")).to_contain_text("没有通话")
        await page.keyboard.press("t")
        await expect(page.locator("#ask")).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.locator("#ask")).to_be_hidden()
    await spell(database, "8001", "wrap_up", "wrap-up", "1.1")
    await hold(database, "8001", "wrap_up", call_ref="1.1")
    await expect(state).to_contain_text("剩 0:5")
    await expect(page.locator('[data-act="extend"]')).to_be_visible()
    await expect(page.locator('[data-act="unpause"]')).to_contain_text("完成")
    # The supervisor sees whose calls run, and who misses calls.
    await spell(database, "8002", "talking", None, "1.2")
    talk = page.locator('.talk[data-agent="8002"]')
    await expect(talk.locator("button")).to_have_count(3)
    await hold(database, "8002", "missed", count=2)
    await spell(database, "8002", "paused", "Auto-Pause")
    await expect(talk).to_contain_text("×2")
    assert await page.evaluate("document.documentElement.scrollHeight <= window.innerHeight")
