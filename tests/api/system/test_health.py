import asyncio
import json
from datetime import timedelta

import httpx
import psycopg
from psycopg import sql

from api.calls import service
from api.kit.database import Database
from api.kit.settings import Settings
from api.live.repository import ClaimRepository
from api.recordings import names
from api.recordings import service as recordings
from tests.api import samples
from tests.api.conftest import NewToken


async def test_alive_says_nothing_about_the_database(nobody: httpx.AsyncClient) -> None:
    assert (await nobody.get("/healthz")).json() == {"status": "ok"}


async def test_ready_once_database_migrations_and_changes_are(nobody: httpx.AsyncClient) -> None:
    async with asyncio.timeout(10):
        while (answer := await nobody.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.02)
    assert answer.json() == {"ready": True, "parts": {"database": "ok", "migrations": "ok", "changes": "ok"}}


async def test_a_database_of_another_shape_is_not_ready(nobody: httpx.AsyncClient, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0000'")
    answer = await nobody.get("/readyz")
    assert answer.status_code == 503
    assert "0000" in answer.json()["parts"]["migrations"]


async def test_a_database_that_goes_away_is_told_as_such_and_found_again(
    client: httpx.AsyncClient, settings: Settings, database: Database
) -> None:
    name = str(settings.database_url).partition("@/")[2].partition("?")[0]
    admin = str(settings.database_url).replace(name, "postgres")
    with psycopg.connect(admin, autocommit=True) as connection:
        away = sql.Identifier(name)
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(away))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            answer = await client.get("/api/v1/calls")
            assert (answer.status_code, answer.json()["error_id"]) == (503, "database_unavailable")
            assert answer.headers["retry-after"] == "5"
            ready = await client.get("/readyz")
            assert (ready.status_code, ready.json()["parts"]["database"]) == (503, "does not answer")
            assert (await client.get("/healthz")).status_code == 200
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(away))
    assert (await client.get("/api/v1/calls")).status_code == 200
    async with asyncio.timeout(10):
        while (await client.get("/readyz")).status_code != 200:
            await asyncio.sleep(0.05)
    async with database.session() as session:
        assert await service.in_progress(session) == []


async def test_the_figures_for_prometheus(client: httpx.AsyncClient, database: Database) -> None:
    async with database.session() as session:
        await samples.store_answered(session, samples.call("1.1"))
    await client.get("/api/v1/calls/1.1")
    text = (await client.get("/metrics")).text
    assert 'zhitong_recordings{state="transcribed"} 1.0' in text
    assert 'zhitong_tickets{state="draft"} 1.0' in text
    assert 'route="/api/v1/calls/{call_ref}",status="200"' in text
    assert "1.1" not in text.replace("# HELP", ""), "references are no labels"


async def test_live_transcription_is_counted_over_all_workers(client: httpx.AsyncClient, database: Database) -> None:
    async with database.session() as session:
        claims = ClaimRepository(session)
        for number, worker in enumerate(("first", "second", "second", "third")):
            name = names.parse(f"1.{number}--8001--1763870004200000")
            assert name is not None
            await recordings.note_growing(session, name)
            await claims.take(name.recording_id, worker, timedelta(seconds=60))
            await claims.renew(worker, {name.recording_id: number + 0.5}, timedelta(seconds=60))
            if worker == "third":
                await claims.defer(name.recording_id, worker, "too much")
    text = (await client.get("/metrics")).text
    assert "\nzhitong_live_calls 3.0" in text
    assert "\nzhitong_live_lag_seconds 2.5" in text
    assert "\nzhitong_live_deferred_total 1.0" in text


async def test_changes_arrive_as_they_happen_and_a_cut_stream_resumes(
    address: str, database: Database, new_token: NewToken
) -> None:
    headers = {"Authorization": f"Bearer {await new_token('agent')}"}

    async def read(client: httpx.AsyncClient, number: int, **extra: str) -> list[tuple[str, dict[str, object]]]:
        events: list[tuple[str, dict[str, object]]] = []
        event_id = ""
        async with client.stream("GET", "/api/v1/stream", headers={**headers, **extra}) as answer:
            assert answer.headers["content-type"].startswith("text/event-stream")
            async for line in answer.aiter_lines():
                if line == ": connected":
                    connected.set()
                if line.startswith("data: "):
                    data = json.loads(line.removeprefix("data: "))
                if line.startswith("id: "):
                    event_id = line.removeprefix("id: ")
                if not line and event_id:
                    events.append((event_id, data))
                    event_id = ""
                if len(events) == number:
                    break
        return events

    async def store(*refs: str) -> None:
        for ref in refs:
            async with database.session() as session:
                await service.store_calls(session, [samples.call(ref)])

    async with httpx.AsyncClient(base_url=address, timeout=10) as client:
        connected = asyncio.Event()
        reading = asyncio.create_task(read(client, 1))
        await connected.wait()
        await asyncio.sleep(0.2)
        await store("1.1")
        first = await reading
        assert first[0][1]["call_ref"] == "1.1"
        call = first[0][1]["call"]
        assert isinstance(call, dict)
        assert call["outcome"] == "answered"
        await store("1.2", "1.3")
        missed = await read(client, 2, **{"Last-Event-ID": first[0][0]})
        assert [data["call_ref"] for _id, data in missed] == ["1.2", "1.3"]
        refused = await client.get("/api/v1/stream")
        assert refused.status_code == 401
