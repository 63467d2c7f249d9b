"""The desk in a real browser: live rows, evidence that plays its seconds, hostile callers, keys."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from playwright.async_api import Page, expect

from api.calls import service
from api.kit import clock
from api.kit.database import Database
from api.kit.settings import Settings
from tests.api import samples
from tests.support.spreadsheet import sheets

WATCH_AUDIO = """() => {
  const audio = document.getElementById("audio");
  window.heard = [];
  for (const type of ["playing", "pause"]) {
    audio.addEventListener(type, () => window.heard.push({
      type, at: audio.currentTime, source: audio.src,
      played: [...Array(audio.played.length).keys()].map((i) => [audio.played.start(i), audio.played.end(i)]),
    }));
  }
}"""


async def _events(page: Page, number: int) -> list[dict[str, Any]]:
    async with asyncio.timeout(10):
        while len(events := await page.evaluate("window.heard")) < number:
            await asyncio.sleep(0.05)
    found: list[dict[str, Any]] = events
    return found


async def test_a_call_appears_while_it_rings_and_changes_while_one_watches(page: Page, database: Database) -> None:
    now = clock.now()
    await expect(page.locator(".no-calls")).to_be_visible()
    async with database.session() as session:
        await service.store_calls(session, [samples.call("1.1", "in_progress", offered_at=now)])
    row = page.locator('tr[data-ref="1.1"]')
    await expect(row).to_contain_text("等待")
    await expect(page.locator(".figure.waiting b")).to_have_text("1")
    await row.click()
    await expect(page.locator(".call h2")).to_have_text("13800123456")
    async with database.session() as session:
        await samples.store_answered(session, samples.call("1.1", offered_at=now))
    await expect(row).to_contain_text("已接听")
    await expect(row).to_contain_text("工棚倾斜")
    await expect(page.locator(".utterance")).to_have_count(len(samples.SPOKEN))
    await expect(page.locator(".field.place .value")).to_have_text("富华南路128号")
    await expect(page.locator(".figure.waiting b")).to_have_text("0")
    async with database.session() as session:
        await service.store_calls(session, [samples.call("1.2", "abandoned", offered_at=now + timedelta(seconds=1))])
    await expect(page.locator("#rows tr").first).to_have_attribute("data-ref", "1.2")


async def test_evidence_plays_exactly_its_seconds_of_its_track(
    page: Page, database: Database, settings: Settings
) -> None:
    one = samples.call("1.1", offered_at=clock.now())
    async with database.session() as session:
        recording = await samples.store_answered(session, one, settings.recordings_dir)
    await page.locator('tr[data-ref="1.1"]').click()
    await page.evaluate(WATCH_AUDIO)
    await page.locator(".field.urgency .evidence").click()
    await expect(page.locator("#utterance-1")).to_have_class("utterance citizen meant")
    heard = await _events(page, 2)
    assert [event["type"] for event in heard] == ["playing", "pause"]
    assert heard[0]["source"].endswith(f"/api/v1/recordings/{recording}/audio?track=citizen")
    assert heard[0]["at"] == pytest.approx(8.6, abs=0.15)
    assert heard[1]["at"] == pytest.approx(9.4, abs=0.15)
    assert heard[1]["played"] == [[pytest.approx(8.6, abs=0.05), pytest.approx(9.4, abs=0.15)]]
    assert await page.evaluate("document.getElementById('audio').currentTime") == pytest.approx(9.4, abs=0.001)
    await page.locator(".utterance.agent .cite").first.click()
    assert (await _events(page, 3))[2]["source"].endswith("track=agent")


async def test_a_hostile_caller_is_text_and_nothing_else(page: Page, database: Database) -> None:
    hostile = [
        '<img src=x onerror="alert(1)">',
        "</bdi></td><script>alert(2)</script>",
        '" autofocus onfocus="alert(3)',
    ]
    async with database.session() as session:
        await service.store_calls(
            session,
            [samples.call(f"1.{n}", caller=caller, offered_at=clock.now()) for n, caller in enumerate(hostile)],
        )
    for number in range(len(hostile)):
        await page.locator(f'tr[data-ref="1.{number}"]').click()
        await expect(page.locator(".call")).to_have_attribute("data-ref", f"1.{number}")
        await expect(page.locator(".call h2")).to_contain_text(hostile[number][:20])
    await page.reload()
    await expect(page.locator("#live")).to_contain_text("实时")
    assert await page.locator("img, #rows script, .call script").count() == 0


async def test_filters_keys_and_the_address_go_together(page: Page, database: Database, address: str) -> None:
    now = clock.now()
    async with database.session() as session:
        await service.store_calls(
            session,
            [
                samples.call("1.1", offered_at=now - timedelta(seconds=3), agent="8001"),
                samples.call("1.2", "abandoned", offered_at=now - timedelta(seconds=2), caller="13900000002"),
                samples.call("1.3", offered_at=now - timedelta(seconds=1), agent="8002"),
            ],
        )
    rows = page.locator("#rows tr[data-ref]")
    await expect(rows).to_have_count(3)
    await page.locator(".figure.abandoned").click()
    await expect(rows).to_have_count(1)
    await page.locator(".figure.abandoned").click()
    await expect(rows).to_have_count(3)
    await page.select_option("select[name=agent]", "8001")
    await expect(rows).to_have_count(1)
    await page.select_option("select[name=agent]", "")
    await expect(rows).to_have_count(3)
    await page.locator("h1").click()
    for key, ref in (("j", "1.3"), ("j", "1.2"), ("ArrowDown", "1.1"), ("k", "1.2")):
        await page.keyboard.press(key)
        await expect(page.locator(".call")).to_have_attribute("data-ref", ref)
    assert page.url.endswith("/desk?call=1.2")
    await page.keyboard.press("?")
    await expect(page.locator("#help")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.keyboard.press("/")
    await page.keyboard.type("0002")
    await expect(rows).to_have_count(1)
    await page.reload()
    await expect(rows).to_have_count(1)
    await expect(page.locator(".call")).to_have_attribute("data-ref", "1.2")
    link = await page.locator("a[data-form=csv]").get_attribute("href")
    assert link is not None
    answer = await page.request.get(address + link)
    assert [line.split(",")[0] for line in (await answer.text()).splitlines()[1:]] == ["1.2"]
    link = await page.locator("a[data-form=xlsx]").get_attribute("href")
    [rows_taken] = sheets(await (await page.request.get(f"{address}{link}")).body())
    assert [row[0] for row in rows_taken] == ["call_ref", "1.2"]


async def test_on_a_small_screen_each_line_still_says_what_is_urgent(page: Page, database: Database) -> None:
    await page.set_viewport_size({"width": 1366, "height": 768})
    async with database.session() as session:
        await samples.store_answered(session, samples.call("1.1", offered_at=clock.now()))
    summary = page.locator('tr[data-ref="1.1"] .summary')
    await expect(summary.locator(".flag")).to_have_text("急")
    assert await summary.evaluate("(each) => each.clientWidth") > 120
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


async def test_the_description_of_the_api_opens_offline(page: Page, address: str) -> None:
    await page.goto(f"{address}/docs")
    await expect(page.get_by_text("/api/v1/calls", exact=True)).to_be_visible()
