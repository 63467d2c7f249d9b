"""The learning report over HTTP and on the command line, from real corrections."""

import asyncio
import csv
import io
import json

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from api.cli import speech as command
from api.kit.database import Database
from api.kit.settings import Settings
from api.speech.routes import router
from api.tickets import service as tickets
from tests.api import samples
from tests.api.conftest import NewToken

DAY = {"from": "2026-11-23", "to": "2026-11-23"}


@pytest.fixture
async def ticket_id(app: FastAPI, client: httpx.AsyncClient, database: Database) -> str:
    """A ticket whose category and place an agent corrected, and whose rest was confirmed."""
    if "/api/v1/speech/report" not in app.openapi()["paths"]:
        app.include_router(router)
    async with database.session() as session:
        await samples.store_answered(session, samples.call("1.1"))
        ticket = await tickets.find_by_call(session, "1.1")
        assert ticket is not None
    address = f"/api/v1/tickets/{ticket.ticket_id}"
    for field, value in {"category": "lighting", "place": "=新希望路7号"}.items():
        answer = await client.post(f"{address}/correct", json={"field": field, "value": value})
        assert answer.status_code == 200
    assert (await client.post(f"{address}/confirm")).status_code == 200
    return ticket.ticket_id


async def test_the_report_counts_what_agents_did(client: httpx.AsyncClient, ticket_id: str) -> None:
    found = (await client.get("/api/v1/speech/report", params=DAY)).json()
    assert found["fields"]["category"]["tickets"]["corrected"] == [ticket_id]
    assert found["fields"]["summary"]["accuracy"] == 1.0
    assert found["fields"]["contact_name"]["left_empty"] == 1
    assert {
        "field": "category",
        "machine": "building-safety",
        "agent": "lighting",
        "count": 1,
        "tickets": [ticket_id],
    } in (found["confusions"])
    assert [each["text"] for each in found["places_lacking"]] == ["=新希望路"]
    assert "工棚" in [each["word"] for each in found["words_lacking"]]
    before = (await client.get("/api/v1/speech/report", params={"from": "2026-11-22", "to": "2026-11-22"})).json()
    assert before["fields"] == {}


async def test_corrections_are_taken_away_as_a_spreadsheet_without_formulas(
    client: httpx.AsyncClient, ticket_id: str
) -> None:
    answer = await client.get("/api/v1/speech/corrections", params={"from": "2020-01-01", "to": "2099-12-31"})
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert {row["ticket_id"] for row in rows} == {ticket_id}
    assert next(row for row in rows if row["field"] == "place")["agent_value"] == "'=新希望路7号"


@pytest.mark.usefixtures("ticket_id")
async def test_who_may_read_it(nobody: httpx.AsyncClient, new_token: NewToken) -> None:
    for role, status in {"agent": 403, "machine": 403, "qa": 200, "supervisor": 200}.items():
        headers = {"Authorization": f"Bearer {await new_token(role)}"}
        for path in ("report", "corrections"):
            answer = await nobody.get(f"/api/v1/speech/{path}", params=DAY, headers=headers)
            assert answer.status_code == status, (role, path)


@pytest.mark.usefixtures("ticket_id")
async def test_a_period_that_ends_before_it_begins_is_refused(client: httpx.AsyncClient) -> None:
    for path in ("report", "corrections"):
        answer = await client.get(f"/api/v1/speech/{path}", params={"from": "2026-11-24", "to": "2026-11-23"})
        assert (answer.status_code, answer.json()["error_id"]) == (400, "bad_period")


async def test_the_command_prints_the_report(
    ticket_id: str, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ZHITONG_DATABASE_URL", str(settings.database_url))
    arguments = ["report", "--from", DAY["from"], "--to", DAY["to"], "--data", str(settings.data_dir)]
    answer = await asyncio.to_thread(CliRunner().invoke, command.app, [*arguments, "--json"])
    assert json.loads(answer.stdout)["fields"]["place"]["tickets"]["corrected"] == [ticket_id]
    shown = await asyncio.to_thread(CliRunner().invoke, command.app, arguments)
    assert "building-safety → lighting" in shown.stdout
    assert ticket_id in shown.stdout
