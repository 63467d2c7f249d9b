"""The plan over HTTP and on the command line, from stored calls."""

import asyncio
import csv
import io
import json
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest
from sqlalchemy import text
from typer.testing import CliRunner

from api.cli.app import app as command
from api.kit.database import Database
from api.kit.settings import Settings
from api.queues.rollup import roll_up_all
from api.staffing.policy import load_policy
from api.staffing.repository import StaffingRepository
from api.staffing.service import BadStaffingPeriod, Plan, Question, make_plan
from tests.api.conftest import NewToken
from tests.api.staffing.cities import City
from tests.api.staffing.stored import CHINA, store_calls, store_ring, store_spell

PATH = "/api/v1/staffing"
MONDAY = date(2026, 7, 13)
SUNDAY = date(2026, 7, 19)
WEEK = {"from": "2026-07-13", "to": "2026-07-19"}
TOWN = City(calls=60, waver=0.02)


@pytest.fixture
async def town(database: Database) -> int:
    """A town's calls from its first day to the Tuesday of the planned week, and a foreign desk's."""
    history = TOWN.history(MONDAY + timedelta(days=2))
    await store_calls(database, {MONDAY - timedelta(days=1): [5] * 96}, queue="enterprise")
    return await store_calls(database, history)


async def _plan(database: Database, settings: Settings, now: datetime, queue: str = "hotline") -> Plan:
    async with database.session() as session:
        question = Question(queue, MONDAY, SUNDAY, now)
        return await make_plan(session, question, settings, load_policy(settings.config_dir))


def _at(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 7, day, hour, minute, tzinfo=CHINA)


@pytest.mark.usefixtures("town")
async def test_a_week_is_planned_from_the_weeks_before_it(client: httpx.AsyncClient) -> None:
    found = (await client.get(PATH, params=WEEK)).json()
    assert (found["queue"], len(found["quarters"]), len(found["hours"])) == ("hotline", 7 * 96, 7 * 24)
    assert [each["kind"] for each in found["days"]] == ["workday"] * 5 + ["weekend"] * 2
    # 1 June was the first day of the calls: no whole day.
    assert found["history_days"] == 41
    for day in found["days"]:
        truth = TOWN.expected(date.fromisoformat(day["date"])).sum()
        assert day["calls"] == pytest.approx(truth, rel=0.2)
    assert found["quarters"][40]["starts_at"] == "2026-07-13T10:00:00+08:00"
    assert found["backtest"]["days"] >= 14
    assert {each["what"] for each in found["assumptions"]} == {"wrap_up_seconds", "ring_seconds"}
    assert found["hours"][10]["handling_seconds"] == pytest.approx(180 + 40, abs=1)
    waited = 40 + 9 * 7
    assert found["patience_seconds"] == pytest.approx(waited, rel=0.1), "seconds waited for each that hung up"


@pytest.mark.usefixtures("town")
async def test_what_is_over_carries_what_came_and_who_was_there(database: Database, settings: Settings) -> None:
    await store_spell(database, "8001", "idle", _at(13, 10), _at(13, 10, 20))
    await store_spell(database, "8001", "paused", _at(13, 10, 20), _at(13, 11))
    await store_spell(database, "8002", "talking", _at(13, 10, 10), None)
    await store_spell(database, "8003", "offline", _at(13, 9, 45), _at(13, 10))
    plan = await _plan(database, settings, _at(13, 10, 50))
    over = [each for each in plan.quarters if each.actual]
    assert len(over) == 43, "ten hours and three quarters"
    duty = [each.actual.agents_on_duty for each in over if each.actual]
    assert duty[38:40] == [None, 0.0], "nothing known of anybody, and nobody there"
    assert duty[40:] == [pytest.approx(1 + 5 / 15), pytest.approx(5 / 15 + 1), pytest.approx(1)]
    async with database.session() as session:
        counted = await StaffingRepository(session).calls_by_quarter("hotline", _at(13, 0), _at(13, 10, 45))
    came = [each.actual for each in over if each.actual]
    assert sum(each.calls for each in came) == sum(counted.values())
    assert all(each.answered + each.abandoned == each.calls for each in came)
    assert all(each.answered_within == each.answered for each in came), "nobody waited longer than 11 s"
    assert plan.hours[10].actual is not None
    assert plan.hours[11].actual is None


async def test_what_calls_and_agents_took_is_read_from_what_was_stored(database: Database) -> None:
    await store_calls(database, {MONDAY: [1] * 96})
    await store_calls(database, {MONDAY: [1] * 96}, queue="enterprise")
    at = _at(13, 10)
    await store_spell(database, "8001", "talking", at, at + timedelta(seconds=180), "hotline-41")
    await store_spell(database, "8001", "wrap_up", at + timedelta(seconds=180), at + timedelta(seconds=215))
    # An own call to a unit, and a wrap-up that goes on, tell nothing of what a citizen's call takes.
    await store_spell(database, "8002", "talking", at, at + timedelta(seconds=600))
    await store_spell(database, "8002", "wrap_up", at + timedelta(seconds=600), None)
    await store_ring(database, "hotline-41", at, 4.0)
    await store_ring(database, "enterprise-41", at, 9.0)
    async with database.session() as session:
        measured = await StaffingRepository(session).measured("hotline", _at(13, 0), _at(14, 0), "Asia/Shanghai")
    # The calls 0, 10, 20 … of 96 hung up after 40 s.
    assert (sum(measured.answered), measured.abandoned) == (86, 10)
    assert measured.answered[0] == 3
    assert measured.talk_seconds[0] == 3 * 180.0
    assert measured.wait_seconds == 10 * 40 + sum(3 + number % 9 for number in range(96) if number % 10)
    assert (measured.talks, measured.wrap_up_seconds) == (1, 35.0)
    assert (measured.rings, measured.ring_seconds) == (1, 4.0)


@pytest.mark.usefixtures("town")
async def test_the_plan_is_the_same_whether_its_quarters_were_counted_or_not(
    database: Database, settings: Settings
) -> None:
    await store_spell(database, "8001", "idle", _at(13, 10), _at(13, 10, 20))
    period = (_at(1, 0), _at(15, 7, 7))
    by_hand = (
        "SELECT extract(epoch FROM date_bin('15 minutes', offered_at, 'epoch'::timestamptz))::bigint / 900, count(*) "
        "FROM calls WHERE queue = 'hotline' AND offered_at >= :since AND offered_at < :until GROUP BY 1"
    )

    async def found() -> tuple[Plan, dict[int, int]]:
        async with database.session() as session:
            counted = await StaffingRepository(session).calls_by_quarter("hotline", *period)
        return await _plan(database, settings, _at(15, 12)), counted

    raw, arrivals = await found()
    async with database.session() as session:
        rows = await session.execute(text(by_hand), {"since": period[0], "until": period[1]})
        assert arrivals == {row[0]: row[1] for row in rows}
    assert await roll_up_all(database)
    assert await found() == (raw, arrivals)


@pytest.mark.usefixtures("town")
async def test_the_plan_of_a_past_week_uses_nothing_of_that_week(database: Database, settings: Settings) -> None:
    before = await _plan(database, settings, _at(12, 12))
    after = await _plan(database, settings, _at(30, 12))
    assert max(after.history) == MONDAY - timedelta(days=1)
    # On the Sunday before, the forecast knows the days until Saturday.
    assert sum(each.calls for each in after.quarters) == pytest.approx(
        sum(each.calls for each in before.quarters), rel=0.1
    )
    assert all(each.actual for each in after.quarters)


async def test_a_new_site_gets_the_assumed_city_and_is_told_so(
    client: httpx.AsyncClient, database: Database, settings: Settings
) -> None:
    found = (await client.get(PATH, params=WEEK)).json()
    assert {each["basis"] for each in found["days"]} == {"assumed"}
    assert found["days"][0]["calls"] == 14_000
    assert found["assumptions"][0] == {
        "what": "calls_per_day",
        "value": 14_000,
        "why": {"zh": "只有0天完整历史，至少需要14天", "en": "0 whole days of history, 14 are needed"},
    }
    assert found["backtest"] is None
    assert found["hours"][10]["calls"] == pytest.approx(1400)
    assert found["hours"][10]["calls_low"] is None
    assert 95 <= found["hours"][10]["agents"] <= 120
    history = TOWN.history(date(2026, 6, 8))
    await store_calls(database, history)
    plan = await _plan(database, settings, datetime(2026, 6, 8, 4, tzinfo=UTC))
    mean = sum(sum(counts) for day, counts in history.items() if day > date(2026, 6, 1)) / 6
    assert plan.assumptions[0].value == pytest.approx(mean, abs=0.1), "the level of the few days there are"
    assert "6 whole days" in plan.assumptions[0].why[1]


@pytest.mark.usefixtures("town")
async def test_another_desks_calls_are_not_the_hotlines(client: httpx.AsyncClient) -> None:
    found = (await client.get(PATH, params={**WEEK, "queue": "enterprise"})).json()
    assert found["history_days"] == 0
    assert {each["basis"] for each in found["days"]} == {"assumed"}


async def test_national_day_and_an_unpublished_year_are_marked(client: httpx.AsyncClient) -> None:
    golden = (await client.get(PATH, params={"from": "2026-10-01", "to": "2026-10-10"})).json()["days"]
    assert golden[0]["holiday"] == {"zh": "国庆节", "en": "National Day"}
    assert (golden[9]["kind"], golden[9]["provisional"]) == ("adjusted_workday", False)
    later = (await client.get(PATH, params={"from": "2099-01-01", "to": "2099-01-01"})).json()["days"]
    assert (later[0]["kind"], later[0]["provisional"]) == ("workday", True)


async def test_who_may_read_it(nobody: httpx.AsyncClient, new_token: NewToken) -> None:
    assert (await nobody.get(PATH, params=WEEK)).status_code == 401
    for role, status in {"agent": 403, "qa": 403, "machine": 200, "supervisor": 200, "admin": 200}.items():
        headers = {"Authorization": f"Bearer {await new_token(role)}"}
        for form in ("json", "csv"):
            answer = await nobody.get(PATH, params={**WEEK, "format": form}, headers=headers)
            assert answer.status_code == status, (role, form)


@pytest.mark.parametrize(
    ("first", "last"), [("2026-07-13", "2026-07-12"), ("2026-07-01", "2026-08-01")], ids=["backwards", "too long"]
)
async def test_a_period_that_cannot_be_planned_is_refused(client: httpx.AsyncClient, first: str, last: str) -> None:
    answer = await client.get(PATH, params={"from": first, "to": last})
    assert (answer.status_code, answer.json()["error_id"]) == (400, BadStaffingPeriod.error_id)


@pytest.mark.usefixtures("town")
async def test_the_quarters_are_taken_away_as_a_spreadsheet(client: httpx.AsyncClient) -> None:
    answer = await client.get(PATH, params={**WEEK, "format": "csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    shape = (await client.get(PATH, params=WEEK)).json()
    assert len(rows) == 7 * 96
    assert answer.headers["content-disposition"] == 'attachment; filename="staffing-2026-07-13-2026-07-19.csv"'
    assert [float(row["calls"]) for row in rows] == [each["calls"] for each in shape["quarters"]]
    assert rows[40]["actual_calls"] == str(shape["quarters"][40]["actual"]["calls"])
    assert rows[40]["kind"] == "workday"


@pytest.mark.usefixtures("town")
async def test_the_command_prints_the_week(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHITONG_DATABASE_URL", str(settings.database_url))
    monkeypatch.setenv("COLUMNS", "160")
    arguments = ["staffing", "--week", "2026-W29", "--data", str(settings.data_dir)]
    answer = await asyncio.to_thread(CliRunner().invoke, command, [*arguments, "--json"])
    assert json.loads(answer.stdout)["from"] == "2026-07-13"
    shown = (await asyncio.to_thread(CliRunner().invoke, command, arguments)).stdout
    assert "2026-07-13 周一 Mon 工作日 workday" in shown
    assert "假设 assumed: 话后秒数 wrap-up seconds = 40" in shown
    assert "回测 backtest" in shown
    assert "早班" in shown


def test_a_week_that_is_none_is_refused() -> None:
    for wrong in ("2026-W54", "2026-49", "next"):
        failed = CliRunner().invoke(command, ["staffing", "--week", wrong])
        assert getattr(failed.exception, "error_id", None) == "staffing.bad_week"
