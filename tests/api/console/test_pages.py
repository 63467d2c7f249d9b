import re
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
from sqlalchemy import select, text

from api.accounts import service as accounts
from api.calls import service
from api.commands import service as commands
from api.kit import clock
from api.kit.changes import Change
from api.kit.database import Database
from api.kit.settings import Settings
from api.recordings import names
from api.recordings import service as recordings
from api.tickets import service as tickets
from telephony.calls.outward import OutwardCall
from tests.api import samples
from tests.api.callbacks.conftest import Follower
from tests.api.conftest import NewToken
from tests.api.console.conftest import talking

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'onmouseover='alert(1)",
    "{{ 7*7 }}",
    "a\r\nSet-Cookie: x=y",
    "a\u2028b\u2029c\x85d",
    "\u202egnp.exe",
    "😀" * 4000,
]


@pytest.fixture
async def desk(nobody: httpx.AsyncClient, new_token: NewToken) -> httpx.AsyncClient:
    """A browser's session of a supervisor."""
    await nobody.post("/login", data={"token": await new_token("supervisor")})
    return nobody


async def _store(database: Database, *calls: object) -> None:
    async with database.session() as session:
        await service.store_calls(session, calls)  # type: ignore[arg-type]


def _refs(html: str) -> list[str]:
    return re.findall(r'<tr data-ref="([^"]+)"', html)


async def test_every_figure_is_as_long_as_the_list_behind_it(desk: httpx.AsyncClient, database: Database) -> None:
    now = clock.now()
    day, _end = clock.day_bounds(now, "Asia/Shanghai")
    talking = samples.call("1.5", offered_at=day)
    calls = [
        samples.call("1.1", "in_progress", offered_at=day - timedelta(days=1)),
        samples.call("1.2", "abandoned", offered_at=day),
        samples.call("1.3", "short_abandoned", offered_at=day),
        samples.call("1.4", "failed", offered_at=day),
        samples.call("1.6", offered_at=day, wait_seconds=2.0),
        samples.call("1.7", offered_at=day, wait_seconds=4.0),
        samples.call("1.8", offered_at=day - timedelta(seconds=1)),
    ]
    await _store(database, *calls, talking)
    strip = (await desk.get("/desk/figures")).text
    figures = dict(re.findall(r'data-state="(\w+)".*?<b>(\d+)</b>', strip, re.DOTALL))
    assert figures == {"waiting": "1", "talking": "0", "answered": "3", "abandoned": "1", "failed": "1"}
    assert "<b>3.4″</b>" in strip
    for state, number in figures.items():
        rows = (await desk.get("/desk/rows", params={"state": state})).text
        assert len(_refs(rows)) == int(number), state
    assert len(_refs((await desk.get("/desk/rows")).text)) == 6


async def test_hostile_callers_are_shown_and_do_nothing(desk: httpx.AsyncClient, database: Database) -> None:
    now = clock.now()
    await _store(database, *(samples.call(f"1.{n}", caller=caller, offered_at=now) for n, caller in enumerate(HOSTILE)))
    for url in ["/desk", "/desk/rows", *(f"/desk/calls/1.{n}" for n in range(len(HOSTILE)))]:
        answer = await desk.get(url)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert "'onmouseover='" not in answer.text
        assert len(answer.text) < 40_000
    assert "&lt;script&gt;" in (await desk.get("/desk/rows")).text
    assert "{{ 7*7 }}" in (await desk.get("/desk/rows")).text


@pytest.mark.parametrize(
    "query",
    [
        "day=2026-13-01",
        "day=%00",
        "cursor=x",
        "state=%3Cscript%3E",
        "caller=%00%27%22%25_",
        "call=%00",
        "ref=%00&ref=x",
    ],
)
async def test_a_hostile_address_is_refused_or_shows_nothing(desk: httpx.AsyncClient, query: str) -> None:
    for path in ("/desk", "/desk/rows"):
        answer = await desk.get(f"{path}?{query}")
        assert answer.status_code in {200, 400, 422}
        assert "<script>alert" not in answer.text


async def test_every_page_forbids_foreign_and_inline_scripts(desk: httpx.AsyncClient) -> None:
    for path in ("/desk", "/login", "/docs", "/api/v1/calls", "/static/desk.js", "/nothing"):
        policy = (await desk.get(path)).headers["content-security-policy"]
        assert "default-src 'self'" in policy
        assert "script-src 'self';" in policy
        assert "frame-ancestors 'none'" in policy
    html = (await desk.get("/desk")).text + (await desk.get("/login")).text + (await desk.get("/docs")).text
    assert re.findall(r"<script(?! src=)", html) == []
    assert re.findall(r"\son\w+=", html) == []
    assert "style=" not in html


async def test_a_call_whose_recording_cannot_be_heard_says_so_and_asks_a_human(
    desk: httpx.AsyncClient, database: Database
) -> None:
    one = samples.call("1.1")
    name = names.parse(str(one.segments[0].recording_id))
    assert name is not None
    await _store(database, one)
    async with database.session() as session:
        await recordings.note_finished(session, name)
        row = await recordings.find(session, name.recording_id)
        assert row is not None
        await recordings.note_failed(session, row, "Track agent: no <sound>.")
        empty: dict[str, object] = {
            key: {"value": None, "confidence": 0.0, "confirmed": False, "evidence": []} for key in samples.fields()
        }
        await tickets.store_draft(
            session, "1.1", empty, reason="Track agent: no <sound>.", now=samples.NOON, timezone="Asia/Shanghai"
        )
    html = (await desk.get("/desk/calls/1.1")).text
    assert "Track agent: no &lt;sound&gt;." in html
    assert "请人工填写" in html
    assert html.count(">未提到 ") == html.count('class="field ') == 12


async def test_hostile_words_and_values_are_shown_and_do_nothing(desk: httpx.AsyncClient, database: Database) -> None:
    one = samples.call("1.1")
    fields = samples.fields()
    for field in fields.values():
        field |= {"value": HOSTILE[0], "evidence": [{"utterance": 1, "start": 3.1, "end": 4.0, "text": HOSTILE[1]}]}  # type: ignore[operator]
    async with database.session() as session:
        await samples.store_answered(session, one)
        await session.execute(text("UPDATE utterances SET text = :text"), {"text": HOSTILE[0] + HOSTILE[2]})
        await tickets.store_draft(session, "1.1", fields, reason=None, now=samples.NOON, timezone="Asia/Shanghai")
    ticket_id = (await desk.get("/api/v1/calls/1.1")).json()["ticket_id"]
    for name in ("contact_name", "respondent"):
        body = {"field": name, "value": HOSTILE[1]}
        assert (await desk.post(f"/api/v1/tickets/{ticket_id}/correct", json=body)).status_code == 200
    html = (await desk.get("/desk/calls/1.1")).text
    assert html.count("&lt;script&gt;") >= len(samples.SPOKEN) + 10
    assert "<script>alert" not in html
    assert "<img" not in html
    assert "'onmouseover='" not in html


async def test_who_may_not_change_drafts_gets_no_buttons_for_it(
    nobody: httpx.AsyncClient, new_token: NewToken, database: Database
) -> None:
    async with database.session() as session:
        await samples.store_answered(session, samples.call("1.1"))
    for role, may in {"agent": True, "supervisor": True, "qa": False}.items():
        await nobody.post("/login", data={"token": await new_token(role)})
        html = (await nobody.get("/desk?call=1.1")).text + (await nobody.get("/desk/calls/1.1")).text
        assert html.count('class="confirm-all"') == 2 * may, role
        assert ('class="edit"' in html) is may, role


async def test_following_an_agent_opens_the_call_that_agent_talks_in(
    desk: httpx.AsyncClient, database: Database
) -> None:
    await _store(database, talking("1.1", agent="8001"), talking("1.2", agent="8002"), samples.call("1.3"))
    assert 'class="call" data-ref="1.2"' in (await desk.get("/desk?follow=8002")).text
    assert 'class="call" data-ref="1.3"' in (await desk.get("/desk?follow=8002&call=1.3")).text
    assert 'class="call"' not in (await desk.get("/desk?follow=8009%00")).text


async def test_a_call_that_was_passed_on_is_the_talk_of_whom_it_was_passed_to(
    desk: httpx.AsyncClient, database: Database
) -> None:
    one = talking("1.1", agent="8001")
    passed_at = one.segments[0].started_at + timedelta(seconds=20)
    first = replace(one.segments[0], ended_at=passed_at, talk_seconds=20.0)
    second = replace(one.segments[0], agent="8002", started_at=passed_at, recording_id=None)
    await _store(database, replace(one, segments=(first, second)))
    assert 'class="call" data-ref="1.1"' in (await desk.get("/desk?follow=8002")).text
    assert 'class="call"' not in (await desk.get("/desk?follow=8001")).text


async def test_a_call_that_nobody_transcribes_yet_promises_words_while_it_runs(
    desk: httpx.AsyncClient, database: Database
) -> None:
    await _store(database, talking("1.1"))
    html = (await desk.get("/desk/calls/1.1")).text
    assert "有人说话，文字就出现在这里" in html
    assert "录音完成后" not in html


async def test_agents_are_called_by_their_names(desk: httpx.AsyncClient, database: Database) -> None:
    async with database.session() as session:
        await accounts.store_agents(session, {"8001": "张敏"})
    await _store(database, samples.call("1.1", offered_at=clock.now()))
    assert "张敏" in (await desk.get("/desk/rows")).text


async def test_a_part_of_a_page_sends_a_signed_out_browser_to_the_way_in(nobody: httpx.AsyncClient) -> None:
    answer = await nobody.get("/desk/rows", headers={"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (401, "/login")


async def test_a_call_shows_what_agents_placed_on_its_behalf(
    desk: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    await _store(database, samples.call("1.1"))
    follower = Follower(database)
    async with database.session() as session:
        arguments = {"extension": "8001", "number": "02888880000"}
        about = {"call_ref": "1.1", "ticket_id": "T1"}
        await commands.order(session, "dial", arguments, ordered_by="张敏", about=about)
    ref, now = "1763870004.200000", clock.now()
    await follower.carry_out(ref)
    assert "进行中" in (await desk.get("/desk?call=1.1")).text
    recording = f"{ref}--8001--1763870004200000"
    await follower.tell(OutwardCall(ref, "8001", recording, now, now + timedelta(seconds=9), "BUSY", 17))
    page = (await desk.get("/desk?call=1.1")).text
    assert "占线" in page
    assert "data-recording" not in page
    async with database.session() as session:
        await samples.store_placed(session, recording, settings.recordings_dir)
    page = (await desk.get("/desk?call=1.1")).text
    assert f'data-recording="{recording}" data-track="citizen"' in page
    third = f"{ref}--02888123456--1763870009200000"
    async with database.session() as session:
        await samples.store_placed(session, third, settings.recordings_dir)
    page = (await desk.get("/desk?call=1.1")).text
    assert page.index(f'data-key="sound-{recording}"') < page.index(f'data-key="sound-{third}"')
    assert "<bdi>02888123456</bdi>" in page, "who was called in"
    assert (await desk.get(f"/api/v1/recordings/{third}/audio")).status_code == 200
    panel = (await desk.get(f"/callbacks/heard/{ref}")).text
    assert panel.count('class="word"') > 20
    assert (await desk.get("/callbacks/heard/1763870004.999999")).status_code == 404
    async with database.session() as session:
        told = list(await session.scalars(select(Change.kind).where(Change.call_ref == "1.1")))
    assert told == ["call"] * 3 + ["recording", "transcript"] * 2, "stored, the phone rings, it is over, words come"
