"""The staffing page: drawn by the server, seen in a real browser."""

from datetime import datetime, timedelta

import httpx
import pytest
from playwright.async_api import Page, expect

from api.kit import clock
from api.kit.database import Database
from api.staffing.weeks import days_of, week_of
from tests.api.conftest import NewToken
from tests.api.staffing.cities import City
from tests.api.staffing.stored import CHINA, store_calls, store_spell


async def test_who_may_see_it(nobody: httpx.AsyncClient, new_token: NewToken) -> None:
    assert (await nobody.get("/staffing")).headers["location"] == "/login?next=%2Fstaffing"
    for role, status in {"agent": 403, "qa": 403, "supervisor": 200}.items():
        nobody.headers["Authorization"] = f"Bearer {await new_token(role)}"
        assert (await nobody.get("/staffing")).status_code == status
        assert ('href="/staffing"' in (await nobody.get("/desk")).text) == (status == 200)


async def test_a_new_site_sees_what_is_assumed_and_nothing_is_run_that_was_asked_for(client: httpx.AsyncClient) -> None:
    hostile = '"><script>alert(1)</script>{{ 7*7 }}'
    shown = (await client.get("/staffing", params={"week": "2027-W01", "queue": hostile})).text
    assert "以下为假设" in shown
    assert "14000" in shown
    assert "<script>alert" not in shown
    assert "未公布" in shown, "nobody has published 2027 yet, or this test wants a later year"
    refused = await client.get("/staffing", params={"week": "2026-W54"})
    assert (refused.status_code, refused.json()["error_id"]) == (400, "staffing.bad_week")


async def test_a_week_is_drawn_with_what_came_and_where_agents_were_short(
    page: Page, address: str, database: Database
) -> None:
    monday, _ = days_of(week_of(clock.local_date(clock.now(), "Asia/Shanghai") - timedelta(days=7)))
    city = City(calls=60, start=monday - timedelta(days=30))
    await store_calls(database, city.history(monday + timedelta(days=7)))
    morning = datetime(monday.year, monday.month, monday.day, 8, tzinfo=CHINA)
    await store_spell(database, "8001", "idle", morning, morning + timedelta(hours=4))
    await page.goto(f"{address}/staffing?week={week_of(monday)}")
    await expect(page.locator(".grid tbody tr")).to_have_count(24)
    boxes = {}
    for path in ("band", "forecast", "came", "needed", "duty", "short"):
        box = await page.locator(f"path.{path}").bounding_box()
        assert box is not None, path
        boxes[path] = box
    drawing = await page.locator("svg[aria-label*='预测']").bounding_box()
    assert drawing is not None
    # The forecast spans the week, the one agent's shift a 42nd of it, both with the thickness of their lines.
    assert boxes["forecast"]["width"] == pytest.approx(drawing["width"], rel=0.06)
    assert boxes["duty"]["width"] == pytest.approx(boxes["needed"]["width"] / 42, abs=8)
    assert boxes["short"]["height"] > 0
    cell = page.locator(".grid tbody tr").nth(10).locator("td").first
    await expect(cell).to_contain_text("1 · ")
    assert "在岗 on duty 1.0" in (await cell.get_attribute("title") or "")
    await page.click("a[title^='上一周']")
    await expect(page.locator("input[name=week]")).to_have_value(week_of(monday - timedelta(days=7)))
