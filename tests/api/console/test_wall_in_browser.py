"""The wall in a real browser: it follows what happens, and every number leads to its calls."""

from playwright.async_api import Page, expect

from api.agents.service import store_revisions
from api.calls.service import store_calls
from api.kit import clock
from api.kit.database import Database
from tests.api.queues import facts
from tests.api.queues.facts import at, call


async def test_the_wall_follows_the_hall_and_every_number_leads_to_its_calls(
    page: Page, database: Database, address: str
) -> None:
    now = clock.now()
    shift = now - at(0)
    caller = facts.moved(call("1", -40, "in_progress"), shift)
    agents = facts.moved_revision(facts.spells("8001", ("idle", -600), ("paused", -75)), shift)
    await page.goto(f"{address}/wall")
    await expect(page.locator("#live")).to_contain_text("实时")
    hotline = page.locator(".desk-card", has_text="热线")
    await expect(hotline.locator(".waiting b")).to_have_text("0")
    async with database.session() as session:
        await store_revisions(session, [agents])
        await store_calls(session, [caller, facts.moved(call("2", -50, "abandoned", wait=30.0), shift)])
    await expect(hotline.locator(".waiting b")).to_have_text("1")
    await expect(hotline.locator("time")).to_contain_text("0:4")
    await expect(page.locator(".people .paused li")).to_contain_text("张敏")
    await expect(page.locator(".people .paused time")).to_contain_text("1:")
    tile = page.locator('.tile[data-metric="abandoned"]')
    await expect(tile.locator(".last b")).to_have_text("100.0%")
    answered = facts.moved(call("1", -40, wait=41.0, talk=1.0), shift)
    async with database.session() as session:
        await store_calls(session, [answered])
    await expect(hotline.locator(".waiting b")).to_have_text("0")
    await expect(tile.locator(".last b")).to_have_text("50.0%")
    await tile.locator(".last .of a").last.click()
    await expect(page.locator("tbody tr[data-ref]")).to_have_count(2)
    await page.select_option("select[name=part]", "numerator")
    await page.locator(".filters button").click()
    await expect(page.locator("tbody tr[data-ref]")).to_have_count(1)
    await expect(page.locator("tbody tr .state")).to_contain_text("放弃")
    for width, height in ((1440, 900), (1920, 1080)):
        await page.set_viewport_size({"width": width, "height": height})
        await page.goto(f"{address}/wall")
        await expect(page.locator(".hourly")).to_be_visible()
        fits = (
            "document.documentElement.scrollWidth <= innerWidth && document.documentElement.scrollHeight <= innerHeight"
        )
        assert await page.evaluate(fits), f"one screen of {width} × {height} holds it all"
