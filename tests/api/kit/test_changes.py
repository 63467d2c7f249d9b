import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from api.kit.changes import KEEP, Change, ChangeRepository, Position
from api.kit.database import Database
from api.kit.feed import Event, Feed


async def _render(_session: AsyncSession, changes: list[Change]) -> list[dict[str, Any]]:
    return [{"call_ref": change.call_ref} for change in changes]


async def _publish(database: Database, ref: str) -> None:
    async with database.session() as session:
        await ChangeRepository(session).publish("call", [ref])


async def _collect(feed: Feed, after: Position | None, number: int) -> list[Event]:
    events = []
    async with asyncio.timeout(60):
        async for event in feed.watch(after):
            events.append(event)
            if len(events) == number:
                break
    return events


async def test_a_change_that_commits_late_is_neither_skipped_nor_sent_out_of_order(database: Database) -> None:
    feed = Feed(database, _render)
    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(feed.run())
        start = await feed.position()
        watcher = tasks.create_task(_collect(feed, start, 3))
        async with database.session() as slow:
            await ChangeRepository(slow).publish("call", ["began first"])
            await _publish(database, "began second")
            await _publish(database, "began third")
            await asyncio.sleep(0.2)
        events = await watcher
        reader.cancel()
    assert [event.data for event in events] == [
        {"call_ref": "began first"},
        {"call_ref": "began second"},
        {"call_ref": "began third"},
    ]


async def test_resuming_gives_exactly_what_was_missed(database: Database) -> None:
    feed = Feed(database, _render)
    start = await feed.position()
    for number in range(450):
        await _publish(database, str(number))
    async with asyncio.TaskGroup() as tasks:
        reader = tasks.create_task(feed.run())
        first = await _collect(feed, start, 200)
        rest = await _collect(feed, first[-1].position, 250)
        reader.cancel()
    assert [event.data for event in first + rest] == [{"call_ref": str(number)} for number in range(450)]


async def test_a_watcher_that_was_there_before_the_reader_gets_everything(database: Database) -> None:
    feed = Feed(database, _render)
    start = await feed.position()
    for number in range(250):
        await _publish(database, str(number))
    watched = feed.watch(start)
    first = [await anext(watched) for _ in range(200)]
    rest = asyncio.ensure_future(anext(watched))
    await asyncio.sleep(0.2)
    reader = asyncio.ensure_future(feed.run())
    async with asyncio.timeout(30):
        event = await rest
    reader.cancel()
    await asyncio.gather(reader, return_exceptions=True)
    assert len(first) == 200
    assert event.data == {"call_ref": "200"}


async def test_a_place_that_was_pruned_is_told_to_load_anew(database: Database) -> None:
    feed = Feed(database, _render)
    start = await feed.position()
    await _publish(database, "old")
    async with database.session() as session:
        assert await ChangeRepository(session).prune(datetime.now(UTC) + KEEP + timedelta(seconds=1)) == 1
    events = await _collect(feed, start, 1)
    assert events[0].data is None


def test_a_foreign_place_is_no_place() -> None:
    assert Position.parse("12-34") == Position(12, 34)
    assert [Position.parse(text) for text in ("", "1", "1-", "-1-2", "x", "9" * 30 + "-1", "1-2\n3")] == [None] * 7
