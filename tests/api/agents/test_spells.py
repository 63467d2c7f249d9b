from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from api.agents import service
from api.agents.models import SpellRow
from api.kit.database import Database
from telephony.agents.model import AgentSpell, Revision, State
from telephony.agents.reasons import AUTO_PAUSE

NOON = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)


def _at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def _spells(*states: tuple[State, float], agent: str = "8001", reason: str | None = None) -> tuple[AgentSpell, ...]:
    """Spells that follow each other from the given seconds on, the last one open."""
    ends = [_at(seconds) for _, seconds in states[1:]]
    return tuple(
        AgentSpell(agent, "main", state, reason if state == "paused" else None, None, _at(seconds), end)
        for (state, seconds), end in zip(states, [*ends, None], strict=True)
    )


def _revision(*states: tuple[State, float], agent: str = "8001", reason: str | None = None) -> Revision:
    return Revision(agent, "main", _at(states[0][1]), _spells(*states, agent=agent, reason=reason))


async def _store(database: Database, *revisions: Revision) -> set[str]:
    async with database.session() as session:
        return await service.store_revisions(session, revisions)


async def _stored(database: Database, agent: str = "8001") -> list[AgentSpell]:
    async with database.session() as session:
        return await service.spells_between(session, NOON - timedelta(days=1), NOON + timedelta(days=1), agent)


async def test_the_open_spell_is_closed_by_the_next(database: Database) -> None:
    await _store(database, _revision(("idle", 0)))
    await _store(database, _revision(("idle", 0), ("ringing", 5)))
    stored = await _stored(database)
    assert [(spell.state, spell.seconds) for spell in stored] == [("idle", 5.0), ("ringing", None)]
    async with database.session() as session:
        assert await service.current_spells(session) == stored[1:]


async def test_the_same_spells_again_change_nothing(database: Database) -> None:
    revisions = [_revision(("idle", 0), ("paused", 5), reason=AUTO_PAUSE), _revision(("offline", 2), agent="8002")]
    assert await _store(database, *revisions) == {"8001", "8002"}
    assert await _store(database, *revisions) == set()


async def test_what_is_known_better_later_replaces_what_was_stored(database: Database) -> None:
    await _store(database, _revision(("idle", 0), ("paused", 9)))
    assert await _store(database, _revision(("paused", 7), ("idle", 20)), _revision(("paused", 7))) == {"8001"}
    await _store(database, _revision(("idle", 0), ("paused", 7)))
    assert [(spell.state, spell.started_at) for spell in await _stored(database)] == [
        ("idle", _at(0)),
        ("paused", _at(7)),
    ]


async def test_a_hostile_reason_is_stored_unharmed(database: Database) -> None:
    reason = "=1+1;'); DROP TABLE agent_spells; --<script>\ud800\0" + "😀" * 1000
    await _store(database, _revision(("paused", 0), reason=reason))
    [spell] = await _stored(database)
    assert spell.reason == reason.replace("\0", "").replace("\ud800", "?")


async def test_a_period_has_the_spells_that_reach_into_it(database: Database) -> None:
    await _store(database, _revision(("idle", 0), ("talking", 60), ("wrap_up", 120), ("idle", 150)))
    async with database.session() as session:
        found = await service.spells_between(session, _at(60), _at(130))
    assert [spell.state for spell in found] == ["talking", "wrap_up"]


async def test_an_agent_is_in_one_state_at_a_time_on_a_node(database: Database) -> None:
    [spell] = _spells(("idle", 0))
    await _store(database, Revision("8001", "main", _at(0), (spell,)))
    await _store(database, Revision("8001", "second", _at(0), (replace(spell, node="second"),)))
    with pytest.raises(IntegrityError, match="ix_agent_spells_open"):
        async with database.session() as session:
            session.add(SpellRow(node="main", agent="8001", started_at=_at(1), state="idle"))
