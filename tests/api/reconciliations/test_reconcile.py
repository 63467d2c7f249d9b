"""A day in the database against Asterisk's records: found, repaired, kept, and shown to those who may see it."""

import asyncio
import json
import shutil
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from api.calls import service as calls
from api.cli import reconcile as command
from api.cli.app import app as cli
from api.kit import clock
from api.kit.database import Database
from api.kit.settings import ReconcileSettings, Settings
from api.reconciliations.repository import ReconciliationRepository
from api.reconciliations.service import reconcile, reconciled_words, source_of
from api.router.reconciliation import Reconciler, last_night
from api.router.spool import Spool
from api.router.store import CallStore
from tests.api.conftest import NewToken
from tests.telephony.reconciliation.store import SINCE, UNTIL, Site, site_of, stored_calls

DAY = ["answered_by_queue", "abandoned_after_8s", "blind_transfer"]


@pytest.fixture
def site(settings: Settings, tmp_path: Path) -> Site:
    """The captures of a day, where the settings look for the records of Asterisk."""
    laid = site_of(tmp_path, *DAY)
    source = source_of(settings)
    source.log.parent.mkdir(parents=True)
    shutil.move(laid.log, source.log)
    shutil.move(laid.recordings, source.recordings)
    return Site(source.log, source.recordings)


async def store(database: Database, *names: str) -> None:
    async with database.session() as session:
        await calls.store_calls(session, [call for name in names for call in stored_calls(name)])


@pytest.mark.usefixtures("site")
async def test_a_day_that_agrees_prints_nothing_but_its_counts(settings: Settings, database: Database) -> None:
    await store(database, *DAY)
    seen: list[datetime] = []
    found = await reconcile(
        database,
        source_of(settings),
        SINCE,
        SINCE + timedelta(days=2),
        cause="asked",
        repair=False,
        progress=lambda _found, reached: seen.append(reached),
    )
    assert found.differences == ()
    assert (found.calls, found.in_records) == (3, {"cel": 3, "queue_log": 3, "cdr": 3, "recordings": 3})
    assert seen[-1] == SINCE + timedelta(days=2)
    assert len(seen) == 2, "a day at a time"
    assert command.summary(found, "Asia/Shanghai").endswith("差异 differences 0")


@pytest.mark.usefixtures("site")
async def test_what_cel_settles_is_repaired_and_told_as_repaired(settings: Settings, database: Database) -> None:
    [answered] = stored_calls("answered_by_queue")
    await store(database, "blind_transfer")
    async with database.session() as session:
        wrong = replace(answered, outcome="abandoned", agent=None, segments=(), dialled="12345")
        await calls.store_calls(session, [wrong])
    only_told = await reconcile(database, source_of(settings), SINCE, UNTIL, cause="asked", repair=False)
    assert only_told.unsettled == len(only_told.differences) > 3
    repaired = await reconcile(database, source_of(settings), SINCE, UNTIL, cause="nightly", repair=True)
    assert repaired.unsettled == 0
    assert {each.key for each in repaired.differences} == {each.key for each in only_told.differences}
    async with database.session() as session:
        whole = await calls.find(session, answered.call_ref)
        assert whole is not None
        assert (whole.outcome, len(whole.segments), whole.dialled) == ("answered", 1, "12345")
        # A look at less of it does not replace what a look at the whole found.
        assert await ReconciliationRepository(session).unsettled(clock.now()) == 0
    again = await reconcile(database, source_of(settings), SINCE, UNTIL, cause="asked", repair=False)
    assert (again.calls, again.differences) == (3, ())


async def test_what_asterisk_cannot_settle_stands_until_a_later_look_finds_it_gone(
    settings: Settings, site: Site, database: Database
) -> None:
    await store(database, *DAY)
    mark = next(site.recordings.glob("*.done"))
    mark.unlink()
    found = await reconcile(database, source_of(settings), SINCE, UNTIL, cause="nightly", repair=True)
    assert [(each.record, each.repaired) for each in found.differences] == [("recordings", False)]
    await reconcile(database, source_of(settings), SINCE, SINCE + timedelta(hours=1), cause="asked", repair=False)
    async with database.session() as session:
        repository = ReconciliationRepository(session)
        assert await repository.unsettled(clock.now()) == 1
        assert await repository.covers("main", "nightly", SINCE, UNTIL)
        assert not await repository.covers("main", "nightly", SINCE, UNTIL + timedelta(days=1))
        assert "differences 1" in await reconciled_words(session)
    mark.touch()
    await reconcile(database, source_of(settings), SINCE, UNTIL, cause="asked", repair=False)
    async with database.session() as session:
        assert await ReconciliationRepository(session).unsettled(clock.now()) == 0


@pytest.mark.usefixtures("site")
async def test_the_router_settles_what_ended_since_it_looked_last(
    settings: Settings, database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    [call] = stored_calls("answered_by_queue")
    assert call.ended_at is not None
    now = call.ended_at + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: now)
    often = settings.model_copy(update={"reconcile": ReconcileSettings(settle_minutes=0.001)})
    reconciler = Reconciler(often, database, CallStore(database, Spool(tmp_path), settings.node.name))
    async with database.session() as session:
        await calls.store_calls(session, [replace(call, ended_at=call.ended_at + timedelta(seconds=0.7))])
    now += timedelta(minutes=1)
    running = asyncio.create_task(reconciler.run())
    async with asyncio.timeout(10):
        while True:
            async with database.session() as session:
                stored = await calls.find(session, call.call_ref)
            assert stored is not None
            assert stored.ended_at is not None
            if abs(stored.ended_at - call.ended_at) < timedelta(seconds=0.1):
                break
            await asyncio.sleep(0.02)
    running.cancel()


@pytest.mark.usefixtures("site")
async def test_another_nodes_calls_are_another_nodes_business(settings: Settings, database: Database) -> None:
    await store(database, *DAY)
    async with database.session() as session:
        [other] = stored_calls("sticky")
        await calls.store_calls(session, [replace(other, node="east")])
    assert (await reconcile(database, source_of(settings), SINCE, UNTIL, cause="asked", repair=False)).calls == 3


async def test_nothing_stored_and_nothing_written_is_no_difference(settings: Settings, database: Database) -> None:
    found = await reconcile(database, source_of(settings), SINCE, UNTIL, cause="asked", repair=True)
    assert (found.calls, found.differences) == (0, ())


@pytest.mark.usefixtures("site")
async def test_findings_are_listed_for_those_who_may_see_them(
    settings: Settings, database: Database, nobody: httpx.AsyncClient, new_token: NewToken
) -> None:
    for repair in (False, True, False):
        await reconcile(database, source_of(settings), SINCE, UNTIL, cause="asked", repair=repair)
    expected = {"supervisor": 200, "admin": 200, "machine": 200, "agent": 403, "qa": 403}
    for role, status in expected.items():
        headers = {"Authorization": f"Bearer {await new_token(role)}"}
        answer = await nobody.get("/api/v1/reconciliations", params={"limit": 2}, headers=headers)
        assert answer.status_code == status, role
    assert (await nobody.get("/api/v1/reconciliations")).status_code == 401
    headers = {"Authorization": f"Bearer {await new_token('machine')}"}
    first = (await nobody.get("/api/v1/reconciliations", params={"limit": 2}, headers=headers)).json()
    assert [(each["unsettled"], each["repaired"]) for each in first["items"]] == [(0, 0), (0, 3)]
    place = {"cursor": first["next_cursor"]}
    rest = (await nobody.get("/api/v1/reconciliations", params=place, headers=headers)).json()
    [oldest] = rest["items"]
    assert (oldest["unsettled"], rest["next_cursor"]) == (3, None)
    assert {each["field"] for each in oldest["differences"]} == {"call"}
    bad = await nobody.get("/api/v1/reconciliations", params={"cursor": "x"}, headers=headers)
    assert (bad.status_code, bad.json()["error_id"]) == (400, "bad_cursor")
    metrics = (await nobody.get("/metrics", headers=headers)).text
    assert "zhitong_reconciliation_differences 0.0" in metrics
    assert "zhitong_reconciliation_age_seconds " in metrics


@pytest.mark.usefixtures("site")
def test_the_command_ends_with_1_while_a_difference_is_left(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHITONG_DATABASE_URL", str(settings.database_url))
    arguments = ["reconcile", "--from", "2026-11-23", "--to", "2026-11-23", "--data", str(settings.data_dir)]
    run = CliRunner().invoke
    told = run(cli, arguments)
    assert told.exit_code == 1
    assert told.stdout.count("差异 difference  ") == 3
    assert "未入库" in told.stdout
    assert "zhitong reconcile --repair" in told.stdout
    repaired = run(cli, [*arguments, "--repair"])
    assert (repaired.exit_code, repaired.stdout.count("已修复 repaired  ")) == (0, 3)
    clean = run(cli, [*arguments, "--json"])
    assert clean.exit_code == 0
    assert json.loads(clean.stdout)["in_records"]["cel"] == 3


@pytest.mark.parametrize(
    ("first", "last", "expected"),
    [
        ("2026-11-23", "2026-11-24", ("2026-11-22T16:00", "2026-11-24T16:00")),
        ("2026-11-23T08:00", "2026-11-23T09:00+00:00", ("2026-11-23T00:00", "2026-11-23T09:00")),
        ("2026-11-24", "", ("2026-11-23T16:00", "2026-11-25T00:00")),
        ("2026-11-24", "2026-12-31", ("2026-11-23T16:00", "2026-11-25T00:00")),
    ],
)
def test_a_period_is_days_of_the_city_or_moments(first: str, last: str, expected: tuple[str, str]) -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    assert command.period(first, last, now, "Asia/Shanghai") == tuple(
        datetime.fromisoformat(f"{moment}+00:00") for moment in expected
    )


@pytest.mark.parametrize(("first", "last"), [("yesterday", ""), ("2026-11-23", "soon"), ("2026-11-24", "2026-11-23")])
def test_a_period_that_is_none_is_refused_with_what_to_write(first: str, last: str) -> None:
    refused = CliRunner().invoke(cli, ["reconcile", "--from", first, *(["--to", last] if last else [])])
    assert refused.exit_code == 2
    assert "2026-11-2" in refused.output


@pytest.mark.parametrize(
    ("now", "day"),
    [
        ("2026-11-25T03:29+08:00", "2026-11-23"),
        ("2026-11-25T03:30+08:00", "2026-11-24"),
        ("2026-11-25T23:59+08:00", "2026-11-24"),
    ],
)
def test_a_day_is_compared_in_the_night_after_it(settings: Settings, now: str, day: str) -> None:
    since, until = last_night(datetime.fromisoformat(now), settings)
    assert since == datetime.fromisoformat(f"{day}T00:00+08:00")
    assert until - since == timedelta(days=1)


def test_a_database_that_is_away_is_told_with_what_to_do(tmp_path: Path) -> None:
    away = CliRunner().invoke(cli, ["reconcile", "--from", "2026-11-23", "--data", str(tmp_path)])
    assert isinstance(away.exception, command.DatabaseAwayError)
    assert "zhitong up" in str(away.exception)
