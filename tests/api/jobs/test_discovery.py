import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from procrastinate import App
from procrastinate.exceptions import ConnectorException
from sqlalchemy import text

from api.calls import service as calls
from api.jobs.discovery import NO_FILE, NO_MARK, Discovery, scan
from api.jobs.queue import open_queue
from api.kit import clock
from api.kit.database import Database
from api.kit.settings import Settings
from api.live.repository import ClaimRepository
from api.outward import service as outward
from api.recordings import names, service
from telephony.calls.outward import OutwardCall
from tests.api import samples

FIRST = "1.1--8001--1763870004200000"
SECOND = "1.2--8002--1763870014200000"
PLACED = "1763870004.200000--8001--1763870004300000"
NOW = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)


@pytest.fixture
async def queue(database_url: str) -> AsyncIterator[App]:
    queue = open_queue(database_url)
    async with queue.open_async():
        yield queue


@pytest.fixture
def discovery(database: Database, queue: App, settings: Settings) -> Discovery:
    return Discovery(database, queue, settings.recordings_dir)


async def _jobs(database: Database) -> list[str]:
    async with database.session() as session:
        return list(await session.scalars(text("SELECT args ->> 'recording_id' FROM procrastinate_jobs ORDER BY id")))


async def _state(database: Database, recording_id: str) -> tuple[str, str | None]:
    async with database.session() as session:
        row = await service.find(session, recording_id)
        assert row is not None
        return row.state, row.reason


async def test_a_marked_recording_is_stored_and_ordered_once_by_however_many_workers(
    database: Database, queue: App, settings: Settings, discovery: Discovery
) -> None:
    assert await discovery.look() == 0, "the folder is not there yet"
    samples.write_tracks(settings.recordings_dir, FIRST, 0.1, done=False)
    await discovery.look()
    assert await _state(database, FIRST) == ("recording", None)
    assert await _jobs(database) == []
    (settings.recordings_dir / f"{FIRST}.done").touch()
    samples.write_tracks(settings.recordings_dir, SECOND, 0.1)
    another = Discovery(database, queue, settings.recordings_dir)
    for worker in (discovery, another, discovery, another):
        await worker.look()
    assert await _state(database, FIRST) == ("stored", None)
    assert await _jobs(database) == [FIRST, SECOND]


async def test_the_row_and_the_job_are_stored_together_or_not_at_all(
    database: Database, settings: Settings, discovery: Discovery
) -> None:
    samples.write_tracks(settings.recordings_dir, FIRST, 0.1)
    async with database.session() as session:
        await session.execute(text("ALTER TABLE procrastinate_jobs RENAME TO away"))
    with pytest.raises(ConnectorException):
        await discovery.look()
    async with database.session() as session:
        assert await service.find(session, FIRST) is None
        await session.execute(text("ALTER TABLE away RENAME TO procrastinate_jobs"))
    assert await discovery.look() == 1
    assert await _jobs(database) == [FIRST]


async def test_a_recording_without_its_mark_is_taken_as_it_is_once_its_call_is_over(
    database: Database, settings: Settings, discovery: Discovery
) -> None:
    one = samples.call("1.1")
    unmarked = str(one.segments[0].recording_id)
    samples.write_tracks(settings.recordings_dir, unmarked, 0.1, done=False)
    await discovery.look()
    assert await discovery.close_unfinished(NOW, timedelta(seconds=30)) == 0, "nothing says that the call is over"
    async with database.session() as session:
        await calls.store_calls(session, [one])
    assert await discovery.close_unfinished(NOW, timedelta(days=1)) == 0, "patience"
    assert await discovery.close_unfinished(NOW, timedelta(seconds=30)) == 1
    assert await discovery.close_unfinished(NOW, timedelta(seconds=30)) == 0
    assert await _state(database, unmarked) == ("stored", NO_MARK)
    assert await _jobs(database) == [unmarked]


async def test_a_recording_that_asterisk_named_but_never_wrote_is_not_forgotten(
    database: Database, discovery: Discovery
) -> None:
    one = samples.call("1.1")
    async with database.session() as session:
        await calls.store_calls(session, [one])
    assert await discovery.close_unfinished(NOW, timedelta(seconds=30)) == 1
    assert await _state(database, str(one.segments[0].recording_id)) == ("stored", NO_FILE)


async def test_a_recording_whose_job_was_lost_gets_another(
    database: Database, settings: Settings, discovery: Discovery
) -> None:
    samples.write_tracks(settings.recordings_dir, FIRST, 0.1)
    await discovery.look()
    async with database.session() as session:
        await session.execute(text("DELETE FROM procrastinate_jobs"))
    assert await discovery.close_unfinished(datetime.now(UTC), timedelta(0)) == 0, "it may still be on its way"
    assert await discovery.close_unfinished(datetime.now(UTC) + timedelta(minutes=2), timedelta(0)) == 1
    assert await _jobs(database) == [FIRST]


async def test_a_call_that_an_agent_placed_is_found_in_its_own_folder_and_is_no_live_workers(
    database: Database, settings: Settings, discovery: Discovery
) -> None:
    samples.write_tracks(settings.recordings_dir, FIRST, 0.1)
    samples.write_tracks(settings.recordings_dir / names.OUTWARD, PLACED, 0.1, done=False)
    await discovery.look()
    assert (await _state(database, PLACED), await _jobs(database)) == (("recording", None), [FIRST])
    async with database.session() as session:
        assert await ClaimRepository(session).free("worker", 10) == []
    (settings.recordings_dir / names.OUTWARD / f"{PLACED}.done").touch()
    assert await discovery.look() == 1
    assert (await _state(database, PLACED), await _jobs(database)) == (("stored", None), [FIRST, PLACED])


async def test_of_a_call_that_an_agent_placed_nothing_is_forgotten_when_asterisk_died(
    database: Database, settings: Settings, discovery: Discovery
) -> None:
    third, never = PLACED.replace("--8001--", "--02888123456--"), PLACED.replace("200000--", "300000--")
    began, ended = clock.now() - timedelta(minutes=9), clock.now() - timedelta(minutes=8)
    for recording in (PLACED, third):
        samples.write_tracks(settings.recordings_dir / names.OUTWARD, recording, 0.1, done=False)
    for track in ("", "-agent", "-citizen"):
        os.utime(settings.recordings_dir / names.OUTWARD / f"{PLACED}{track}.wav", (ended.timestamp(),) * 2)
    await discovery.look()
    patience = timedelta(minutes=5)
    assert await discovery.close_unfinished(clock.now(), patience) == 0, "nothing says that the call is over"
    async with database.session() as session:
        told = [OutwardCall(each.split("--")[0], "8001", each, began, ended, "ANSWER") for each in (PLACED, never)]
        await outward.store(session, "main", told)
    assert await discovery.close_unfinished(clock.now(), patience) == 2
    assert await _state(database, PLACED) == ("stored", NO_MARK)
    assert await _state(database, never) == ("stored", NO_FILE)
    assert await _state(database, third) == ("recording", None), "who was called in talks on"
    assert await discovery.close_unfinished(clock.now() + timedelta(minutes=6), patience) == 1
    assert await _state(database, third) == ("stored", NO_MARK)
    assert sorted(await _jobs(database)) == sorted([PLACED, never, third])


def test_files_that_are_none_of_ours_are_ignored(tmp_path: Path) -> None:
    for name in ("notes.txt", "x.done", ".hidden", f"{FIRST}.wav.tmp", "a b--8001--1763870004200000.done"):
        (tmp_path / name).touch()
    (tmp_path / f"{FIRST}.done").touch()
    growing, finished = scan(tmp_path)
    assert (list(growing), list(finished)) == ([], [FIRST])
