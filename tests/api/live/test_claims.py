import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import func, update

from api.calls import service as calls
from api.kit.database import Database
from api.live import service
from api.live.models import LiveClaimRow
from api.live.repository import ClaimRepository
from api.live.service import ClaimLost
from api.recordings import names
from api.recordings import service as recordings
from tests.api import samples

CALL = samples.call("1.1")
RECORDING = str(CALL.segments[0].recording_id)
LEASE = timedelta(seconds=60)


@pytest.fixture(autouse=True)
async def growing(database: Database) -> None:
    name = names.parse(RECORDING)
    assert name is not None
    async with database.session() as session:
        await recordings.note_growing(session, name)


async def _claim(database: Database, worker: str) -> bool:
    async with database.session() as session:
        return await service.claim(session, RECORDING, worker, LEASE) is not None


async def _run_out(database: Database) -> None:
    """Every lease is over, as the database's clock sees it."""
    async with database.session() as session:
        await session.execute(update(LiveClaimRow).values(expires_at=func.clock_timestamp() - timedelta(seconds=1)))


async def _state(database: Database) -> str:
    async with database.session() as session:
        await calls.store_calls(session, [CALL])
        call = await calls.find(session, "1.1")
        assert call is not None
        return str((await calls.calls_json(session, [call]))[0]["transcript_state"])


async def _finish(database: Database) -> None:
    name = names.parse(RECORDING)
    assert name is not None
    async with database.session() as session:
        assert await recordings.note_finished(session, name)


async def test_of_many_workers_one_gets_the_recording(database: Database) -> None:
    got = await asyncio.gather(*(_claim(database, f"worker {number}") for number in range(8)))
    assert sum(got) == 1
    async with database.session() as session:
        assert await ClaimRepository(session).free("another", 10) == []


async def test_a_lease_that_ran_out_is_free_and_one_that_was_renewed_is_not(database: Database) -> None:
    assert await _claim(database, "first")
    async with database.session() as session:
        assert await ClaimRepository(session).renew("first", {RECORDING: 0.7}, LEASE) == {RECORDING}
        assert await ClaimRepository(session).free("second", 10) == []
    await _run_out(database)
    async with database.session() as session:
        assert await ClaimRepository(session).renew("first", {RECORDING: 0.7}, LEASE) == set(), "too late is too late"
        assert [row.recording_id for row in await ClaimRepository(session).free("second", 10)] == [RECORDING]
    assert await _claim(database, "second")
    assert not await _claim(database, "first")
    async with database.session() as session:
        assert (await ClaimRepository(session).figures()).calls == 1


async def test_whoever_lost_the_recording_can_store_nothing(database: Database) -> None:
    await _claim(database, "first")
    await _run_out(database)
    for _ in range(2):
        with pytest.raises(ClaimLost):
            async with database.session() as session:
                await service.hold(session, RECORDING, "first")
        await _claim(database, "second")


async def test_a_write_that_began_in_time_is_waited_for_by_the_next_worker(database: Database) -> None:
    await _claim(database, "first")
    async with database.session() as session:
        await service.hold(session, RECORDING, "first")
        await _run_out(database)
        taking = asyncio.ensure_future(_claim(database, "second"))
        await asyncio.sleep(0.5)
        assert not taking.done()
    assert await taking


async def test_what_a_worker_claimed_and_forgot_is_free_to_it_and_to_nobody_else(database: Database) -> None:
    await _claim(database, "first")
    async with database.session() as session:
        repository = ClaimRepository(session)
        assert [row.recording_id for row in await repository.free("first", 10)] == [RECORDING]
        assert await repository.free("second", 10) == []


async def test_a_recording_that_is_over_is_claimed_by_nobody_and_its_job_waits_for_the_one_who_has_it(
    database: Database,
) -> None:
    await _claim(database, "first")
    await _finish(database)
    async with database.session() as session:
        assert await service.in_hands(session, RECORDING)
    await _run_out(database)
    async with database.session() as session:
        assert not await service.in_hands(session, RECORDING)
    assert not await _claim(database, "second")
    with pytest.raises(ClaimLost):
        async with database.session() as session:
            await service.hold(session, RECORDING, "first")


async def test_a_call_says_whether_its_words_arrive_now_or_after_it(database: Database) -> None:
    assert await _state(database) == "pending"
    await _claim(database, "first")
    assert await _state(database) == "live"
    async with database.session() as session:
        await service.defer(session, RECORDING, "first", "too much")
    assert await _state(database) == "deferred"
    assert not await _claim(database, "second"), "it stays with its job"
    await _finish(database)
    assert await _state(database) == "deferred"
    async with database.session() as session:
        assert not await service.in_hands(session, RECORDING)
        figures = await ClaimRepository(session).figures()
    assert (figures.calls, figures.deferred_total, figures.deferred_now) == (0, 1, 1)
    async with database.session() as session:
        row = await recordings.find(session, RECORDING)
        assert row is not None
        await recordings.note_failed(session, row, "no sound")
        figures = await ClaimRepository(session).figures()
    assert (figures.deferred_total, figures.deferred_now) == (1, 0)
    assert await _state(database) == "failed"


async def test_a_worker_that_died_leaves_the_call_waiting_not_live(database: Database) -> None:
    await _claim(database, "first")
    await _run_out(database)
    assert await _state(database) == "pending"


async def test_claims_given_back_are_free_at_once_but_what_was_deferred_stays(database: Database) -> None:
    await _claim(database, "first")
    async with database.session() as session:
        await ClaimRepository(session).release("first")
    assert await _claim(database, "second")
    async with database.session() as session:
        await service.defer(session, RECORDING, "second", "too much")
        await ClaimRepository(session).release("second")
    assert not await _claim(database, "third")
