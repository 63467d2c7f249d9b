"""Asterisk's clock is stepped between two calls, and the wire torn in the second: both are stored, once, and whole."""

import asyncio
from pathlib import Path

import pytest

from api.agents.service import current_spells
from api.kit.database import Database
from api.kit.settings import Settings
from api.router.router import Router
from telephony.agents.reducer import WANTED_EVENTS as SPELL_EVENTS
from telephony.ami.connection import AmiConnection
from telephony.calls.reducer import WANTED_EVENTS
from telephony.records.cel import CEL_FILE
from tests.api.router.hall import Hall, events_of, told_by
from tests.api.router.test_kills import moved
from tests.telephony.ami.peer import listening
from tests.telephony.calls.captures import FOLDER

FIRST, SECOND = "answered_by_queue", "blind_transfer"


@pytest.mark.parametrize("step_seconds", [-3600, 3600], ids=["put back", "put forward"])
async def test_calls_before_and_after_a_step_are_stored_once_and_whole(
    step_seconds: int, settings: Settings, database: Database, tmp_path: Path
) -> None:
    hall = Hall(tmp_path, database.url)
    (tmp_path / "router.log").touch()
    records = settings.data_dir / "asterisk/log" / CEL_FILE
    records.parent.mkdir(parents=True)
    second = tmp_path / "second.ami"
    second.write_bytes(moved((FOLDER / f"{SECOND}.ami").read_bytes(), step_seconds))
    expected = sorted(call[:4] for call in told_by(FOLDER / f"{FIRST}.ami") + told_by(second))
    offset = 1000.0
    wanted = WANTED_EVENTS | SPELL_EVENTS
    async with (
        listening(hall.asterisk) as port,
        AmiConnection("127.0.0.1", port, "zhitong", "secret", wanted=wanted) as connection,
    ):
        router = Router(settings, database, connection, lambda: offset)
        running = [asyncio.create_task(part()) for part in (router.run, router.store.run)]
        await hall.until(lambda: not router._resync_owed, "the router knows what there is")
        await hall.asterisk.tell(events_of(FOLDER / f"{FIRST}.ami"))
        await hall.until(hall.stored, "the first call is stored")
        offset += step_seconds
        events = events_of(second)
        await hall.asterisk.tell(events[: len(events) // 2])
        await hall.until(lambda: len(hall.stored()) == len(expected), "the second call is stored as it runs")
        hall.asterisk.peers[-1].writer.close()
        records.write_bytes(
            (FOLDER / f"{FIRST}.cel.csv").read_bytes()
            + moved((FOLDER / f"{SECOND}.cel.csv").read_bytes(), step_seconds)
        )
        await hall.until(lambda: sorted(call[:4] for call in hall.stored()) == expected, "both are whole")
        await hall.until(lambda: not router._resync_owed, "the router goes on")
        for task in running:
            task.cancel()
        await asyncio.wait(running)
    async with database.session() as session:
        spells = await current_spells(session)
    assert {spell.agent for spell in spells} >= {"8001", "8002"}, "each agent's day goes on"
