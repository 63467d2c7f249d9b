import json
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from api.cli.app import app
from api.kit.database import Database
from tests.api.enforcement.conftest import NOON, Desk, answered, waiting


@pytest.fixture
async def day(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day on which pressure rose and fell."""

    monkeypatch.setenv("ZHITONG_DATABASE_URL", database_url)
    database = Database(database_url)
    desk = Desk(database)
    callers = [waiting(f"1.{number}", NOON - timedelta(seconds=20)) for number in range(6)]
    await desk.store(*callers)
    await desk.look(times=3)
    await desk.store(*(answered(call.call_ref, call.offered_at, 35) for call in callers))
    await desk.look(times=12)
    await database.close()


@pytest.mark.usefixtures("day")
def test_the_acts_of_a_day_are_listed_the_first_one_first() -> None:
    listed = CliRunner().invoke(app, ["enforcement", "list", "--day", "2026-11-23", "--json"])
    assert listed.exit_code == 0, listed.output
    acts = json.loads(listed.output)
    assert [each["act"] for each in acts] == ["warn_wall", "call_reserve"]
    shown = CliRunner().invoke(app, ["enforcement", "list", "--day", "2026-11-23"], env={"COLUMNS": "240"})
    assert "启用后备 reserve agents called" in shown.output
    assert "8003 调整次序 1" in shown.output
    other = CliRunner().invoke(app, ["enforcement", "list", "--day", "2026-11-22", "--json"])
    assert json.loads(other.output) == []
