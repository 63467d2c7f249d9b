import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from api.agents.service import spells_between
from api.calls.service import find
from api.kit.database import Database
from api.router.known import known_calls
from api.router.spool import Spool
from api.router.store import CallStore
from telephony.agents.model import AgentSpell, Revision
from telephony.agents.reducer import SpellReducer
from telephony.calls.model import Call, Segment
from tests.telephony.agents.test_spells import resynced
from tests.telephony.calls.captures import messages

OFFERED = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


def call(ref: str = "1.1", **changes: Any) -> Call:
    values: dict[str, Any] = {
        "call_ref": ref,
        "caller": "13800001111",
        "queue": "hotline",
        "outcome": "in_progress",
        "via": "queue",
        "offered_at": OFFERED,
        "answered_at": None,
        "ended_at": None,
        "wait_seconds": None,
        "talk_seconds": None,
        "agent": None,
    }
    return Call(**{**values, **changes})


async def until_stored(store: CallStore) -> None:
    async with asyncio.timeout(20):
        while store.waiting or store.lag_seconds:
            await asyncio.sleep(0.02)


async def test_only_the_latest_state_of_a_call_is_stored(database: Database, tmp_path: Path) -> None:
    store = CallStore(database, Spool(tmp_path), "main")
    store.put([call()])
    segment = Segment("8001", OFFERED + timedelta(seconds=3), OFFERED + timedelta(seconds=60), 57.0, "r1")
    ended = call(
        outcome="answered",
        answered_at=segment.started_at,
        ended_at=segment.ended_at,
        wait_seconds=3.0,
        talk_seconds=57.0,
        agent="8001",
        segments=(segment,),
    )
    store.put([ended])
    assert store.waiting == 1
    await store.flush()
    async with database.session() as session:
        row = await find(session, "1.1")
        assert row is not None
        assert (row.outcome, row.talk_seconds, row.segments[0].recording_id) == ("answered", 57.0, "r1")
        _, known = await known_calls(session)
    assert known == [ended], "what is read back is what telephony said"


async def test_calls_wait_while_the_database_is_away_and_are_stored_when_it_is_back(
    database: Database, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    url = database.url
    away = Database("postgresql://zhitong@127.0.0.1:1/zhitong", pool_size=1)
    store = CallStore(away, Spool(tmp_path), "main")
    running = asyncio.create_task(store.run())
    store.put([call("1.1"), call("1.2")])
    await asyncio.sleep(0.5)
    store.put([call("1.2", outcome="abandoned", ended_at=OFFERED + timedelta(seconds=9), wait_seconds=9.0)])
    assert store.waiting == 2
    assert store.lag_seconds > 0.4

    back = Database(url, pool_size=1)
    monkeypatch.setattr(store, "_database", back)
    await until_stored(store)
    async with database.session() as session:
        first, second = await find(session, "1.1"), await find(session, "1.2")
    assert first is not None
    assert second is not None
    assert (first.outcome, second.outcome) == ("in_progress", "abandoned")
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await back.close()
    await away.close()


async def test_one_thing_that_the_database_refuses_holds_nothing_else_back(
    database: Database, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = CallStore(database, Spool(tmp_path), "main")
    store.put([call("1.1"), call("1.2", outcome="no such outcome"), call("1.3")])
    good = AgentSpell("8001", "main", "idle", None, None, OFFERED)
    store.put_spells([Revision("8001", "main", OFFERED, (good,))])
    nonsense = replace(good, agent="8002", state="no such state")  # type: ignore[arg-type] # what is to be refused
    store.put_spells([Revision("8002", "main", OFFERED, (nonsense,))])
    await store.flush()
    assert (store.waiting, store.lag_seconds) == (0, 0.0)
    async with database.session() as session:
        assert [await find(session, ref) is not None for ref in ("1.1", "1.2", "1.3")] == [True, False, True]
        assert await spells_between(session, OFFERED, OFFERED + timedelta(days=1)) == [good]
    refused = [line for line in capsys.readouterr().out.splitlines() if "refused_by_database" in line]
    assert len(refused) == 2
    assert "no such outcome" in refused[0]
    assert "no such state" in refused[1]


async def test_what_a_revision_leaves_open_ends_where_the_next_one_begins(database: Database, tmp_path: Path) -> None:
    """A router that died between two stores may have told of a spell that the next one knows nothing of."""
    store = CallStore(database, Spool(tmp_path), "main")
    later = OFFERED + timedelta(minutes=3)
    unknown = AgentSpell("8001", "main", "wrap_up", "wrap-up", None, OFFERED)
    store.put_spells([Revision("8001", "main", OFFERED, (unknown,))])
    await store.flush()
    now = AgentSpell("8001", "main", "idle", None, None, later)
    store.put_spells([Revision("8001", "main", later, (now,))])
    await store.flush()
    async with database.session() as session:
        day = await spells_between(session, OFFERED, OFFERED + timedelta(days=1), "8001")
    assert day == [replace(unknown, ended_at=later), now]


async def test_an_empty_database_has_missed_everything(database: Database) -> None:
    async with database.session() as session:
        since, known = await known_calls(session)
    assert since.year == 2000
    assert known == []


async def test_what_agents_did_is_stored_as_told_and_telling_it_again_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    store = CallStore(database, Spool(tmp_path), "main")
    told: SpellReducer = resynced("wrap_up")
    day = timedelta(days=1)
    for _ in range(2):
        reducer = resynced("wrap_up")
        for message in messages("wrap_up"):
            store.put_spells(reducer.apply(message))
            told.apply(message)
        await store.flush()
        expected = [spell for spell in told.spells() if spell.agent == "8001"]
        async with database.session() as session:
            at = expected[-1].started_at
            assert await spells_between(session, at - day, at + day, "8001") == expected
