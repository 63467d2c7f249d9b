"""The record of acts and the callbacks in a real browser: they follow what happens, keys do what buttons do."""

from datetime import timedelta

from playwright.async_api import Page, expect

from api.enforcement.enforcing import Enforcer
from api.enforcement.load import parse_service_levels
from api.kit import clock
from api.kit.database import Database
from api.kit.settings import Settings
from telephony.calls.outward import OutwardCall
from tests.api import samples
from tests.api.callbacks import conftest as owed
from tests.api.enforcement import conftest as desk

MINUTE = timedelta(minutes=1)
LEVELS = parse_service_levels(
    desk.FILE.replace("until = 2026-12-01\n", "").replace('zh = "后备"', 'zh = "<b>后备</b>"')
)


async def test_the_record_follows_what_is_done_and_shows_what_it_achieved(
    page: Page, address: str, database: Database
) -> None:
    now = clock.now() - 20 * MINUTE
    day = desk.Desk(database)
    day.now, day.enforcer = (
        now,
        Enforcer(LEVELS, "Asia/Shanghai", {("hotline", "8003"): 5, ("hotline", "8004"): 5}, "node:1"),
    )
    await page.goto(f"{address}/enforcement?day={clock.local_date(now, 'Asia/Shanghai')}")
    await expect(page.locator("#live")).to_contain_text("实时")
    await expect(page.locator(".none")).to_be_visible()
    callers = [desk.waiting(f"1.{number}", now - timedelta(seconds=20)) for number in range(6)]
    await day.store(*callers)
    await day.look(times=3)
    lines = page.locator("#rows tr[data-id]")
    await expect(lines).to_have_count(2)
    await expect(lines.first).to_contain_text("执行中")
    await expect(lines.first).to_contain_text("<b>后备</b>")
    await expect(lines.first.locator(".order")).to_have_count(2)
    await day.store(*(desk.answered(call.call_ref, call.offered_at, 35) for call in callers))
    await day.look(times=12)
    day.now = clock.now()
    await day.look()
    await expect(lines.first).to_contain_text("压力缓解")
    await expect(lines.first.locator(".effect b.better")).to_have_count(2)
    await page.keyboard.press("j")
    await page.keyboard.press("j")
    await expect(lines.nth(1)).to_have_class("chosen")
    await page.select_option("select[name=act]", "warn_wall")
    await expect(lines).to_have_count(1)
    assert "act=warn_wall" in page.url
    link = await page.locator("a[data-form=csv]").get_attribute("href")
    sheet = await (await page.request.get(f"{address}{link}")).text()
    assert [line.split(",")[3] for line in sheet.splitlines()[1:]] == ["warn_wall"]


async def test_the_desk_tells_what_is_in_force_and_stops_when_it_ends(page: Page, database: Database) -> None:
    day = desk.Desk(database)
    penalties = {("hotline", "8003"): 5, ("hotline", "8004"): 5}
    day.now, day.enforcer = clock.now() - MINUTE, Enforcer(LEVELS, "Asia/Shanghai", penalties, "node:1")
    callers = [desk.waiting(f"1.{number}", day.now - timedelta(seconds=20)) for number in range(6)]
    await day.store(*callers)
    await day.look(times=3)
    told = page.locator("#banner p")
    await expect(told).to_have_count(2)
    await expect(told.first).to_contain_text("排队人数 6 人")
    await expect(told.nth(1)).to_contain_text("8003")
    await day.store(*(desk.answered(call.call_ref, call.offered_at, 35) for call in callers))
    await day.look(times=12)
    await expect(told).to_have_count(0)


async def _heard_from_a_word(page: Page) -> None:
    """See that the recording plays, and goes on at the word that is clicked."""
    await expect(page.locator("#heard .recording")).to_have_class("recording playing")
    await expect(page.locator("#audio")).to_have_js_property("duration", 32)
    await page.locator("#heard .citizen .word", has_text="斜").click()
    await page.keyboard.press("p")
    at = await page.evaluate("document.getElementById('audio').currentTime")
    start = 3.1 + 0.2 * samples.SPOKEN[1][3].replace("，", "").replace("工棚", "工").index("斜")
    assert start - 0.01 <= at < start + 5, "a word plays from there"
    await page.keyboard.press("Escape")
    await expect(page.locator("#heard")).to_be_hidden()


async def test_a_caller_who_gave_up_is_called_back_by_one_key_and_the_call_tells_what_came_of_it(
    page: Page, address: str, database: Database, settings: Settings
) -> None:
    now = clock.now()
    follower = owed.Follower(database)
    await page.goto(f"{address}/callbacks")
    await expect(page.locator("#live")).to_contain_text("实时")
    await follower.store(
        desk.abandoned("1.1", now - 50 * MINUTE, caller="13800000001"),
        desk.abandoned("1.2", now - 10 * MINUTE, caller="13900000002"),
        desk.abandoned("1.3", now - 9 * MINUTE, caller="<script>alert(1)</script>"),
    )
    await follower.follow(now)
    lines = page.locator("#rows tr[data-id]")
    await expect(lines).to_have_count(2)
    await expect(lines.first).to_contain_text("超期")
    await expect(lines.nth(1)).to_contain_text("还有")
    await page.keyboard.press("j")
    await page.keyboard.press("d")
    await expect(page.locator("#notice")).to_contain_text("先选择您的话机")
    await page.select_option("#agent", "8001")
    await page.locator("h1").click()
    await page.keyboard.press("d")
    await expect(lines.first).to_contain_text("拨打中")
    await expect(page.locator("#notice")).to_contain_text("请接起 8001")
    began = clock.now()
    ref = f"{began.timestamp():.6f}"
    await follower.carry_out(ref)
    recording = f"{ref}--8001--1763870004200000"
    async with database.session() as session:
        await samples.store_placed(session, recording, settings.recordings_dir)
    await follower.tell(OutwardCall(ref, "8001", recording, began, began + 0.5 * MINUTE, "ANSWER", 16, 21.5))
    await follower.follow(clock.now())
    await expect(lines).to_have_count(1)
    await page.select_option("select[name=state]", "reached")
    await expect(lines.first).to_contain_text("通话 21.5″")
    await lines.first.click()
    await page.keyboard.press("p")
    await _heard_from_a_word(page)
    await page.keyboard.press("o")
    await page.keyboard.press("2")
    await page.keyboard.type("<i>语音信箱</i>")
    await page.keyboard.press("Enter")
    await expect(lines).to_have_count(0)
    await page.select_option("select[name=state]", "open")
    await expect(lines.first).to_contain_text("起可再拨")
    await expect(lines.first).to_contain_text("改判")
    await expect(lines.first).to_contain_text("<i>语音信箱</i>")
    await page.select_option("select[name=state]", "all")
    await expect(lines).to_have_count(3)
    await expect(page.locator("#rows")).to_contain_text("未显示号码")
    await page.reload()
    await expect(page.locator("#agent")).to_have_value("8001")
    await expect(lines).to_have_count(3)
