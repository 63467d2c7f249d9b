import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from html import unescape

import httpx
import pytest

from api.calls.service import store_calls
from api.console.chart import Hour, ceiling, hourly
from api.kit.database import Database
from api.queues.targets import Targets, targets_for
from telephony.calls.model import Call
from tests.api.conftest import NewToken
from tests.api.queues import facts
from tests.api.queues.facts import at
from tests.api.queues.test_formulas import BY_HAND, DAY

SPAN = {"from": at(0).isoformat(), "to": at(3600).isoformat()}
MIDNIGHT = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)


async def _store(database: Database, calls: Sequence[Call]) -> None:
    async with database.session() as session:
        await store_calls(session, calls)


async def _sign_in(nobody: httpx.AsyncClient, new_token: NewToken, role: str = "supervisor") -> None:
    await nobody.post("/login", data={"token": await new_token(role)})


def _refs(html: str) -> list[str]:
    return re.findall(r'<tr data-ref="([^"]+)"', html)


async def test_every_number_of_the_list_page_leads_to_as_many_calls(
    nobody: httpx.AsyncClient, database: Database, new_token: NewToken
) -> None:
    await _sign_in(nobody, new_token)
    await _store(database, DAY)
    for metric, (_, denominator, excluded) in BY_HAND.items():
        answer = await nobody.get("/wall/calls", params={**SPAN, "metric": metric})
        assert len(_refs(answer.text)) == denominator
        [link] = set(re.findall(r'href="(/wall/calls\?[^"]*part=excluded[^"]*)"', answer.text))
        assert len(_refs((await nobody.get(unescape(link))).text)) == sum(excluded.values()), metric
    answer = await nobody.get("/wall/calls/export", params={**SPAN, "metric": "abandoned", "part": "numerator"})
    assert [line.split(",")[0] for line in answer.text.splitlines()[1:]] == ["8", "7"]
    local = {"from": "2026-11-23T09:00", "to": "2026-11-23T09:01", "metric": "connected"}
    assert len(_refs((await nobody.get("/wall/calls", params=local)).text)) == 6, "the page's times are the city's"


async def test_a_long_list_comes_in_pages(nobody: httpx.AsyncClient, database: Database, new_token: NewToken) -> None:
    await _sign_in(nobody, new_token)
    await _store(database, [facts.call(f"c{number}", number) for number in range(130)])
    first = (await nobody.get("/wall/calls", params=SPAN)).text
    [more] = re.findall(r'hx-get="([^"]+)"', first)
    second = (await nobody.get(unescape(more))).text
    assert len(_refs(first)) == 100
    assert len({*_refs(first), *_refs(second)}) == 130


async def test_hostile_names_are_text_on_the_wall(
    nobody: httpx.AsyncClient, database: Database, new_token: NewToken
) -> None:
    await _sign_in(nobody, new_token)
    hostile = "<script>alert(1)</script>\"'&{{7*7}}"
    now = datetime.now(UTC)
    one = facts.moved(facts.call("<b>1", 0, "in_progress", queue=hostile), now - at(0))
    await _store(database, [one])
    for path, params in (("/wall", {}), ("/wall", {"queue": hostile}), ("/wall/calls", {"queue": hostile, **SPAN})):
        answer = await nobody.get(path, params=params)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "{{7*7}}" in answer.text


async def test_the_wall_is_for_those_who_lead(nobody: httpx.AsyncClient, new_token: NewToken) -> None:
    assert (await nobody.get("/wall")).headers["location"] == "/login?next=%2Fwall"
    for role, status in {"agent": 403, "qa": 200, "supervisor": 200, "admin": 200, "machine": 200}.items():
        await _sign_in(nobody, new_token, role)
        for path in ("/wall", "/wall/board", "/wall/calls"):
            assert (await nobody.get(path)).status_code == status, (role, path)
    answer = await nobody.get("/wall/calls/export", params=SPAN)
    assert (answer.status_code, answer.json()["error_id"]) == (403, "forbidden")


async def test_what_the_wall_cannot_show_is_told_why(nobody: httpx.AsyncClient, new_token: NewToken) -> None:
    await _sign_in(nobody, new_token)
    for path, params, error_id in (
        ("/wall", {"queue": "gone"}, "queue_not_found"),
        ("/wall/calls", {"metric": "gone"}, "metric_not_found"),
        ("/wall/calls", {"part": "gone"}, "bad_request"),
        ("/wall/calls", {"from": "yesterday"}, "bad_request"),
        ("/wall/calls", {"from": SPAN["to"], "to": SPAN["from"]}, "bad_period"),
    ):
        answer = await nobody.get(path, params=params)
        assert answer.json()["error_id"] == error_id


def test_a_chart_adds_up() -> None:
    hours = {MIDNIGHT: Hour(10, 7, 2), MIDNIGHT + timedelta(hours=23): Hour(0, 0, 0)}
    drawn = str(hourly(MIDNIGHT, hours, {MIDNIGHT: "/wall/calls?a=1&b=2"}, MIDNIGHT))
    assert 'href="/wall/calls?a=1&amp;b=2"' in drawn
    heights = {name: float(height) for name, height in re.findall(r'class="(\w+)"[^>]*height="([\d.]+)"', drawn)}
    assert heights["answered"] == pytest.approx(3.5 * heights["abandoned"], rel=0.01)
    assert heights["rest"] == pytest.approx(heights["abandoned"] / 2, rel=0.01)


@pytest.mark.parametrize(("most", "top"), [(0, 4), (4, 4), (5, 8), (9, 20), (81, 200), (1400, 2000)])
def test_an_axis_ends_at_a_round_number(most: int, top: int) -> None:
    assert ceiling(most) == top


def test_targets_are_those_promised_for_the_desk_and_the_day() -> None:
    rung = [{"act": "warn_wall", "begins_at": 0.9}]
    late = [{"act": "warn_wall", "begins_at": 60}]
    policy = {
        "desk": "hotline",
        "from": at(0).date(),
        "target": [
            {"metric": "answer_in_time", "seconds": 10, "window": "15min", "rung": rung},
            {"metric": "longest_wait", "window": "now", "rung": late},
        ],
    }
    found = targets_for([policy], "hotline", at(0).date())
    assert (found.limits.answer_seconds, found.verdict("answer_in_time", 0.89)) == (10, "missed")
    assert [found.verdict("answer_in_time", value) for value in (0.905, 0.93, None)] == ["near", "met", "none"]
    assert [found.verdict_now("longest_wait", value) for value in (10, 30, 60)] == ["met", "near", "missed"]
    assert targets_for([policy], "dialect", at(0).date()) == Targets()
    assert targets_for([{**policy, "until": at(0).date()}], "hotline", at(0).date()) == Targets()
