"""Wherever a table can be taken away, both kinds of file hold the same, and only those may who may export."""

import csv
import io
from typing import Any

import httpx
import pytest

from api.calls.service import store_calls
from api.kit import sheet
from api.kit.database import Database
from api.kit.pagination import Cursor
from tests.api.conftest import NewToken
from tests.api.queues.facts import at, call
from tests.support.spreadsheet import Cell, sheets

SPAN = f"from={at(0):%Y-%m-%dT%H:%M:%SZ}&to={at(3600):%Y-%m-%dT%H:%M:%SZ}"
# The same in the city's time.
HOUR = "from=2026-11-23T09:00:00&to=2026-11-23T10:00:00"
DAYS = "from=2026-11-23&to=2026-11-23"
EXPORTS = {
    "/api/v1/calls": 12,
    "/api/v1/callbacks": 0,
    "/api/v1/enforcement": 0,
    "/api/v1/outward": 0,
    f"/api/v1/queues/hotline/metrics?{SPAN}&by=quarter": 3,
    f"/api/v1/queues/hotline/metrics/connected/calls?{SPAN}&part=numerator": 10,
    f"/api/v1/speech/corrections?{DAYS}": 0,
    f"/api/v1/staffing?{DAYS}": 96,
    "/desk/export?day=2026-11-23": 12,
    f"/wall/calls/export?queue=hotline&metric=connected&part=denominator&{HOUR}": 12,
    "/enforcement/export?day=2026-11-23": 0,
    "/callbacks/export": 0,
}


@pytest.fixture
async def day(database: Database) -> None:
    """Ten calls that were answered, and two of callers with dangerous names."""
    async with database.session() as session:
        await store_calls(session, [call(str(number), number * 100) for number in range(10)])
        await store_calls(session, [call(ref, 1000, "abandoned") for ref in ("=1+1", "@sum")])


def _with(path: str, form: str) -> str:
    return f"{path}{'&' if '?' in path else '?'}format={form}"


def _same(shown: str, stored: Cell) -> bool:
    return float(shown) == pytest.approx(stored) if isinstance(stored, float) else shown == sheet.cell(stored)


@pytest.mark.usefixtures("day")
async def test_both_files_hold_the_same(client: httpx.AsyncClient) -> None:
    for path, number in EXPORTS.items():
        answers = {form: await client.get(_with(path, form)) for form in sheet.MEDIA_TYPES}
        for form, answer in answers.items():
            assert (answer.status_code, answer.headers["content-type"]) == (200, sheet.MEDIA_TYPES[form]), path
            assert answer.headers["content-disposition"].endswith(f'.{form}"')
        lines = list(csv.reader(io.StringIO(answers["csv"].text.removeprefix("\ufeff"))))
        [rows] = sheets(answers["xlsx"].content)
        assert len(lines) == len(rows) == number + 1, path
        for line, row in zip(lines, rows, strict=True):
            cells = [*row, *([None] * (len(line) - len(row)))]
            assert all(map(_same, line, cells)), (path, line, cells)


async def test_who_may_only_look_takes_nothing_away(nobody: httpx.AsyncClient, new_token: NewToken) -> None:
    roles: dict[str, Any] = {"agent": EXPORTS, "machine": EXPORTS}
    for role, paths in roles.items():
        nobody.headers["Authorization"] = f"Bearer {await new_token(role)}"
        for path in paths:
            if path.startswith("/api/v1/staffing"):
                continue  # a plan names nobody: whoever may see it may keep it
            for form in sheet.MEDIA_TYPES:
                assert (await nobody.get(_with(path, form))).status_code == 403, (role, path, form)


async def test_a_kind_of_file_that_there_is_not(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/calls", "/desk/export"):
        assert (await client.get(path, params={"format": "pdf"})).status_code == 422


async def test_a_cursor_that_names_no_row(client: httpx.AsyncClient) -> None:
    for path in ("/api/v1/callbacks", "/api/v1/enforcement", "/api/v1/reconciliations"):
        for key in ("x", "٣", "9" * 40, "-1"):
            answer = await client.get(path, params={"cursor": Cursor(at(0), key).encode()})
            assert (answer.status_code, answer.json()["error_id"]) == (400, "bad_cursor"), (path, key)
