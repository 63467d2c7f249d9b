"""An agent's work on a draft in a real browser: by keyboard alone, while words and redrafts arrive."""

import copy
import json
import re
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.async_api import Page, expect
from sqlalchemy import text

from api.calls import service as calls
from api.kit import clock
from api.kit.database import Database
from api.kit.settings import Settings
from api.tickets import service as tickets
from tests.api import samples
from tests.api.conftest import NewToken
from tests.api.console.conftest import talking

REF = "1.1"


@pytest.fixture
async def desk(page: Page, database: Database) -> Page:
    """The desk with one drafted call, opened by its key."""
    async with database.session() as session:
        await samples.store_answered(session, samples.call(REF, offered_at=clock.now()))
    await expect(page.locator("#rows tr[data-ref]")).to_have_count(1)
    await page.keyboard.press("j")
    await expect(page.locator(".call")).to_have_attribute("data-ref", REF)
    return page


async def _redraft(database: Database, ref: str = REF, **values: Any) -> None:
    fields: dict[str, Any] = copy.deepcopy(samples.fields())
    for name, changed in values.items():
        fields[name] |= changed if isinstance(changed, dict) else {"value": changed}
    async with database.session() as session:
        await tickets.store_draft(session, ref, fields, reason=None, now=clock.now(), timezone="Asia/Shanghai")


async def _stored(database: Database) -> dict[str, Any]:
    async with database.session() as session:
        ticket = await tickets.find_by_call(session, REF)
        assert ticket is not None
        return ticket.fields


async def _to(page: Page, name: str) -> None:
    """Go to a field by keys."""
    await page.keyboard.press("l")
    for _ in range(12):
        if await page.evaluate("document.activeElement.dataset.name") == name:
            return
        await page.keyboard.press("j")
    raise AssertionError(f"no key leads to {name}")


async def test_a_draft_is_corrected_and_confirmed_without_a_mouse(desk: Page, database: Database) -> None:
    await _to(desk, "category")
    await desk.keyboard.press("Enter")
    await expect(desk.locator(".editor input")).to_be_focused()
    await desk.keyboard.type("路灯")
    await expect(desk.locator(".choices li").first).to_contain_text("路灯")
    await desk.keyboard.press("Enter")
    category = desk.locator(".field.category")
    await expect(category).to_contain_text("已改正")
    await expect(category.locator(".value")).to_contain_text("Street lighting")
    await expect(category.locator(".machine")).to_be_visible()
    await expect(category).to_be_focused()
    await expect(desk.locator(".field.unit .value")).to_have_text("城管委")
    await _to(desk, "contact_name")
    await desk.keyboard.press("Enter")
    await desk.keyboard.type("jk王?/")
    assert await desk.locator(".editor input").input_value() == "jk王?/"
    await desk.keyboard.press("Escape")
    await expect(desk.locator(".editor")).to_have_count(0)
    await desk.keyboard.press("Enter")
    await desk.keyboard.type("王女士")
    await desk.keyboard.press("Control+Enter")
    await expect(desk.locator(".confirm-all")).to_be_disabled()
    fields = await _stored(database)
    assert (fields["category"]["value"], fields["contact_name"]["value"]) == ("lighting", "王女士")
    assert fields["category"]["machine"]["value"] == "building-safety"
    assert all(field["confirmed"] for field in fields.values())
    await desk.keyboard.press("h")
    await expect(desk.locator("#rows tr.chosen")).to_be_focused()


async def test_what_cannot_be_stored_is_told_beside_it_and_stays_to_be_mended(desk: Page, database: Database) -> None:
    await desk.evaluate("window.addEventListener('unhandledrejection', (e) => console.error(String(e.reason)))")
    await _to(desk, "category")
    await desk.keyboard.press("Enter")
    await desk.keyboard.type("没有这种事")
    await desk.keyboard.press("Enter")
    await expect(desk.locator(".editor .wrong")).to_contain_text("请从列表中选择")
    await desk.keyboard.press("Escape")
    assert (await _stored(database))["category"]["confirmed"] is False


async def test_what_the_server_refuses_is_told_beside_it_and_stays_to_be_mended(
    desk: Page, database: Database, refusals: list[int]
) -> None:
    refusals.append(400)
    await _to(desk, "contact_phone")
    await desk.keyboard.press("Enter")
    await desk.keyboard.type("一三八零")
    await desk.keyboard.press("Enter")
    await expect(desk.locator(".editor .wrong")).to_be_visible()
    assert await desk.locator(".editor input").input_value() == "一三八零"
    await desk.locator(".editor input").fill("13800123456")
    await desk.keyboard.press("Enter")
    await expect(desk.locator(".field.contact_phone .value")).to_have_text("13800123456")
    assert (await _stored(database))["contact_phone"]["value"] == "13800123456"


async def test_what_another_hand_changed_is_shown_before_it_is_confirmed(
    desk: Page, database: Database, address: str, new_token: NewToken, refusals: list[int]
) -> None:
    refusals.append(409)
    await _to(desk, "place")
    await desk.keyboard.press("Enter")
    await desk.locator(".editor input").fill("富华南路9号")
    async with database.session() as session:
        ticket = await tickets.find_by_call(session, REF)
    assert ticket is not None
    headers = {"Authorization": f"Bearer {await new_token('supervisor')}"}
    async with httpx.AsyncClient(base_url=address, headers=headers) as colleague:
        one = {"field": "place", "value": "富华北路1号"}
        told = await colleague.post(f"/api/v1/tickets/{ticket.ticket_id}/correct", json=one)
        assert told.status_code == 200, told.text
    await desk.keyboard.press("Enter")
    await expect(desk.locator(".editor .wrong")).to_be_visible()
    assert await desk.locator(".editor input").input_value() == "富华南路9号"
    assert (await _stored(database))["place"]["value"] == "富华北路1号"
    await desk.keyboard.press("Escape")
    await expect(desk.locator(".field.place .value")).to_have_text("富华北路1号")


async def test_a_question_leads_to_its_field_and_goes_when_it_is_answered(desk: Page, database: Database) -> None:
    await _redraft(database, place={"value": None, "evidence": []})
    question = desk.locator(".ask .to-field", has_text="请问具体位置在哪里？")
    await question.click()
    await expect(desk.locator(".field.place .editor input")).to_be_focused()
    await desk.keyboard.type("富华南路128号")
    await desk.keyboard.press("Enter")
    await expect(desk.locator(".field.place .value")).to_have_text("富华南路128号")
    await expect(desk.locator(".field.place")).to_be_focused()
    await expect(question).to_have_count(0)
    assert (await _stored(database))["place"]["value"] == "富华南路128号"


async def test_an_open_editor_survives_a_redraft_and_what_follows_is_shown(desk: Page, database: Database) -> None:
    await _to(desk, "place")
    await desk.keyboard.press("Enter")
    await desk.keyboard.type("富华南路")
    box = desk.locator(".editor input")
    await box.evaluate("(input) => { window.before = input; input.setSelectionRange(2, 2); }")
    await _redraft(database, place="富华南路129号", summary="工棚倾斜，有人受伤")
    await expect(desk.locator(".field.summary .value")).to_have_text("工棚倾斜，有人受伤")
    await expect(desk.locator(".editor .news")).to_contain_text("富华南路129号")
    assert await box.evaluate("(input) => input === window.before && input === document.activeElement")
    await desk.keyboard.type("大道")
    assert await box.input_value() == "富华大道南路"
    await desk.keyboard.press("Enter")
    await expect(desk.locator(".field.place .value")).to_have_text("富华大道南路")
    await expect(desk.locator(".field.place .machine")).to_contain_text("富华南路129号")
    await _redraft(database, place="富华南路130号")
    await expect(desk.locator(".field.place .machine")).to_contain_text("富华南路130号")
    await expect(desk.locator(".field.place .value")).to_have_text("富华大道南路")


async def test_an_input_methods_enter_chooses_its_word_and_stores_nothing(desk: Page, database: Database) -> None:
    await _to(desk, "contact_name")
    await desk.keyboard.press("Enter")
    box = desk.locator(".editor input")
    await box.fill("wang")
    composing = (
        "(each, key) => each.dispatchEvent(new KeyboardEvent('keydown', {key, isComposing: true, bubbles: true}))"
    )
    for key in ("Enter", "Escape"):
        await box.evaluate(composing, key)
    await expect(box).to_be_focused()
    assert await box.input_value() == "wang"
    await desk.keyboard.press("Escape")
    await desk.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {key: '?', isComposing: true, bubbles: true}))"
    )
    await expect(desk.locator("#help")).to_be_hidden()
    assert (await _stored(database))["contact_name"]["value"] is None


async def test_words_appear_while_spoken_and_give_way_to_the_utterance(page: Page, database: Database) -> None:
    now = clock.now()
    one = talking(REF, offered_at=now)
    async with database.session() as session:
        await calls.store_calls(session, [one])
    await page.locator(f'tr[data-ref="{REF}"]').click()
    guess = page.locator(".utterance.partial.citizen")
    await expect(page.locator(".talk .empty")).to_contain_text("有人说话，文字就出现在这里")
    recording = str(one.segments[0].recording_id)
    spoken = "你好<img src=x onerror=alert(1)>我要反映"
    payload = {"call_ref": REF, "recording_id": recording, "speaker": "citizen", "start": 3.1, "text": spoken}
    # Words said before the page listened are sent to it at once: so one notification is enough.
    async with database.session() as session:
        await session.execute(text("SELECT pg_notify('zhitong_partials', :told)"), {"told": json.dumps(payload)})
    await expect(guess.locator("p")).to_have_text(spoken)
    await expect(page.locator(".talk .empty")).to_be_hidden()
    assert await guess.evaluate("(each) => getComputedStyle(each).fontStyle") == "italic"
    assert await guess.get_attribute("aria-hidden") == "true"
    async with database.session() as session:
        await samples.store_answered(session, samples.call(REF, offered_at=now))
    await expect(page.locator(".utterance.citizen:not(.partial)")).to_have_count(3)
    await expect(guess).to_have_count(0)
    assert await page.locator(".call img").count() == 0


async def test_doubtful_urgency_has_a_mark_of_its_own(desk: Page, database: Database) -> None:
    await expect(desk.locator(".call-head .flag")).to_contain_text("紧急")
    await expect(desk.locator(".flag.suspected")).to_have_count(0)
    await _redraft(database, urgency={"doubtful": True})
    await expect(desk.locator(".field.urgency .value")).to_contain_text("疑似紧急")
    await expect(desk.locator(".call-head .flag.suspected")).to_contain_text("疑似紧急")
    await expect(desk.locator("#rows .flag.suspected")).to_have_text("疑急")
    await _to(desk, "urgency")
    await desk.keyboard.press("c")
    await expect(desk.locator(".flag.suspected")).to_have_count(0)
    await expect(desk.locator("#rows .flag")).to_have_text("急")


def _answered(ref: str, agent: str, at: datetime) -> Any:
    return talking(ref, agent=agent, offered_at=at)


async def test_the_desk_follows_the_calls_its_agent_answers_but_never_takes_an_open_editor(
    page: Page, database: Database, address: str
) -> None:
    now = clock.now()
    await page.goto(f"{address}/desk?follow=8001")
    await expect(page.locator("#live")).to_contain_text("实时")
    async with database.session() as session:
        await calls.store_calls(session, [_answered("1.2", "8002", now), _answered("1.1", "8001", now)])
    await expect(page.locator(".call")).to_have_attribute("data-ref", "1.1")
    await _redraft(database, "1.1")
    await expect(page.locator(".field.place .value")).to_have_text("富华南路128号")
    await _to(page, "place")
    await page.keyboard.press("Enter")
    async with database.session() as session:
        await calls.store_calls(session, [_answered("1.3", "8001", now + timedelta(seconds=9))])
    await expect(page.locator("#notice")).to_contain_text("新来电已接听")
    await expect(page.locator(".call")).to_have_attribute("data-ref", "1.1")
    await page.keyboard.press("Escape")
    await expect(page.locator(".call")).to_have_attribute("data-ref", "1.3")
    assert "follow=8001" in page.url
    await page.keyboard.press("f")
    await expect(page.locator("#follow")).to_have_attribute("aria-pressed", "false")


async def test_somebody_elses_decision_is_shown_before_it_can_be_overwritten(desk: Page, database: Database) -> None:
    await _to(desk, "place")
    await desk.keyboard.press("Enter")
    confirmed = copy.deepcopy(samples.fields())
    confirmed["place"] |= {"value": "富华南路1号", "confirmed": True}  # type: ignore[operator]
    async with database.session() as session:
        statement = text("UPDATE tickets SET fields = CAST(:fields AS jsonb)")
        await session.execute(statement, {"fields": json.dumps(confirmed)})
    answer = await desk.evaluate(
        """async () => (await fetch(`/api/v1/tickets/${document.querySelector('.draft').dataset.ticket}/correct`, {
          method: 'POST', headers: {'Content-Type': 'application/json'},
          body: JSON.stringify({field: 'urgency', value: 'normal'})})).status"""
    )
    assert answer == 200
    await expect(desk.locator(".editor .news")).to_contain_text("富华南路1号")


async def test_a_word_plays_from_its_second(page: Page, database: Database, settings: Settings) -> None:
    async with database.session() as session:
        await samples.store_answered(session, samples.call(REF, offered_at=clock.now()), settings.recordings_dir)
    await page.locator(f'tr[data-ref="{REF}"]').click()
    word = page.locator("#utterance-3 span.word").nth(2)
    at = float(await word.get_attribute("data-at") or "nan")
    assert at > 12.2
    await page.evaluate("audio.addEventListener('playing', () => (document.body.dataset.from ??= audio.currentTime))")
    await word.click()
    await expect(page.locator("body")).to_have_attribute("data-from", re.compile(r"\d"))
    assert float(await page.locator("body").get_attribute("data-from") or "nan") == pytest.approx(at, abs=0.15)
    await expect(page.locator("#utterance-1 mark.word")).to_have_text("工棚")
