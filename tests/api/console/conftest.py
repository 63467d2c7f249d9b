"""A real browser at the desk; a script's error, a dialog or a failed request fails the test."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime

import pytest
from playwright.async_api import Page, async_playwright, expect

from api.accounts import service as accounts
from api.kit.database import Database
from api.kit.settings import load
from api.setup import parts
from telephony.calls.model import Call
from tests.api import samples
from tests.api.conftest import NewToken

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--autoplay-policy=no-user-gesture-required",
]


# A busy machine is slow, not wrong.
expect.set_options(timeout=20_000)


def talking(ref: str, *, agent: str = "8001", offered_at: datetime = samples.NOON) -> Call:
    """A call that an agent has answered and that goes on."""
    one = samples.call(ref, agent=agent, offered_at=offered_at)
    segments = tuple(replace(segment, ended_at=None, talk_seconds=None) for segment in one.segments)
    return replace(one, outcome="in_progress", ended_at=None, talk_seconds=None, segments=segments)


@pytest.fixture
def refusals() -> list[int]:
    """Statuses of answers that a test means to get: the browser tells of each as an error."""
    return []


@pytest.fixture
async def page(address: str, database: Database, new_token: NewToken, refusals: list[int]) -> AsyncIterator[Page]:
    """The desk, signed in through the link that the command line prints; a script's error fails the test."""
    async with database.session() as session:
        await accounts.store_agents(session, {"8001": "张敏", "8002": "陈立"})
    token = await new_token("supervisor")
    errors: list[str] = []
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=parts.browser(load().tools_dir, print), args=ARGUMENTS
        )
        page = await browser.new_page(viewport={"width": 1500, "height": 900}, locale="zh-CN")
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("dialog", lambda dialog: errors.append(f"dialog: {dialog.message}"))
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        await page.goto(f"{address}/login?next=/desk#token={token}")
        await page.wait_for_url("**/desk")
        await expect(page.locator("#live")).to_contain_text("实时")
        yield page
        await browser.close()
    meant = [f"status of {status} " for status in refusals]
    assert [error for error in errors if not any(each in error for each in meant)] == []
