from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from api.calls import service
from api.calls.models import CallRow
from api.kit.changes import Change
from api.kit.database import Database
from api.router.known import call_of
from telephony.calls.model import Offer, Wait
from tests.api import samples


async def _store(database: Database, *calls: object) -> set[str]:
    async with database.session() as session:
        return await service.store_calls(session, calls)  # type: ignore[arg-type]


async def _changes(database: Database) -> int:
    async with database.session() as session:
        return await session.scalar(select(func.count()).select_from(Change)) or 0


async def test_the_same_calls_again_change_nothing_and_wake_nobody(database: Database) -> None:
    calls = [samples.call("1.1"), samples.call("1.2", "abandoned"), samples.call("1.3", "in_progress")]
    assert await _store(database, *calls) == {"1.1", "1.2", "1.3"}
    before = await _changes(database)
    assert await _store(database, *calls) == set()
    assert await _changes(database) == before == 3


async def test_only_what_changed_is_announced(database: Database) -> None:
    await _store(database, samples.call("1.1"), samples.call("1.2"))
    assert await _store(database, samples.call("1.1"), samples.call("1.2", talk_seconds=40.0)) == {"1.2"}


async def test_a_call_that_ended_is_not_reopened_by_late_events(database: Database) -> None:
    ended = samples.call("1.1")
    await _store(database, ended)
    late = replace(ended, outcome="in_progress", ended_at=None, talk_seconds=None, segments=())
    assert await _store(database, late) == set()
    async with database.session() as session:
        row = await service.find(session, "1.1")
        assert row is not None
        assert (row.outcome, len(row.segments)) == ("answered", 1)


async def test_segments_follow_the_call(database: Database) -> None:
    one = samples.call("1.1")
    second = replace(one.segments[0], agent="8002", recording_id="1.1--8002--1763870000000000")
    await _store(database, replace(one, segments=(*one.segments, second)))
    assert await _store(database, one) == {"1.1"}
    async with database.session() as session:
        row = await service.find(session, "1.1")
        assert row is not None
        assert [segment.agent for segment in row.segments] == ["8001"]


async def test_waits_and_offers_follow_the_call(database: Database) -> None:
    one = samples.call("1.1")
    first = Wait("hotline", one.offered_at, one.answered_at, "timed_out")
    whole = replace(
        one,
        node="second",
        dialled="12345",
        hold_seconds=3.5,
        hung_up_by="agent",
        segments=(replace(one.segments[0], began="blind_transfer", hold_seconds=3.5),),
        waits=(first, replace(first, queue="dialect", ended="connected")),
        offers=(Offer("8002", one.offered_at, one.answered_at, "missed"), Offer("8001", one.offered_at)),
    )
    assert await _store(database, whole) == {"1.1"}
    assert await _store(database, whole) == set()
    async with database.session() as session:
        row = await service.find(session, "1.1")
        assert row is not None
        assert call_of(row) == whole
    assert await _store(database, replace(whole, waits=(first,), offers=())) == {"1.1"}
    async with database.session() as session:
        row = await service.find(session, "1.1")
        assert row is not None
        assert call_of(row) == replace(whole, waits=(first,), offers=())


async def test_how_long_a_caller_was_on_hold_is_not_forgotten_for_records_that_do_not_tell(database: Database) -> None:
    one = samples.call("1.1")
    held = replace(one, hold_seconds=3.5, segments=(replace(one.segments[0], hold_seconds=3.5),))
    await _store(database, held)
    assert await _store(database, one) == set()
    async with database.session() as session:
        row = await service.find(session, "1.1")
        assert row is not None
        assert call_of(row) == held


async def test_of_a_call_given_twice_the_last_counts(database: Database) -> None:
    await _store(database, samples.call("1.1", "in_progress"), samples.call("1.1"))
    async with database.session() as session:
        assert await service.in_progress(session) == []


async def test_a_caller_that_postgresql_cannot_hold_is_stored_all_the_same(database: Database) -> None:
    await _store(database, samples.call("1.1", caller="a\0b\ud800" + "😀" * 4000))
    async with database.session() as session:
        row = await service.find(session, "1.1")
        assert row is not None
        assert str(row.caller).startswith("ab?😀")


async def test_thousands_of_calls_at_once(database: Database) -> None:
    many = [samples.call(f"1.{number}") for number in range(2500)]
    assert len(await _store(database, *many)) == 2500
    assert await _store(database, *many) == set()


async def test_the_shape_that_others_rely_on(database: Database) -> None:
    one = samples.call("1.1")
    await _store(database, one)
    async with database.session() as session:
        row = await service.find_by_sip_call_id(session, "1.1@127.0.0.2")
        assert row is not None
        shape = (await service.calls_json(session, [row]))[0]
    # The dataclass itself says what the shape is; only what telephony cannot know is filled in here.
    expected = one.to_json()
    expected["segments"][0]["recording_state"] = "recording"
    assert shape == {**expected, "transcript_state": "pending", "ticket_id": None}


@pytest.mark.parametrize("unknown", ["gone", "1.1\0", "\ud800"])
async def test_a_call_that_is_not_there_is_not_found(database: Database, unknown: str) -> None:
    async with database.session() as session:
        assert await service.find(session, unknown) is None


async def test_what_asterisk_knew_better_later_replaces_what_was_stored(database: Database) -> None:
    one = samples.call("1.1", "abandoned")
    await _store(database, one)
    assert await _store(database, replace(one, ended_at=one.offered_at + timedelta(seconds=9))) == {"1.1"}


async def test_rows_hold_nothing_but_known_outcomes(database: Database) -> None:
    with pytest.raises(IntegrityError, match="ck_calls_outcome"):
        async with database.session() as session:
            session.add(CallRow(call_ref="x", outcome="lost", offered_at=samples.NOON))
