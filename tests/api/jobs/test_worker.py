import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from api.kit.settings import Settings
from asr.audio import Samples, Speaker
from asr.model import SpeechModel
from tests.api import samples
from tests.api.jobs.growing import RECORDING, GrowingCall, Words

WORKER = """
import asyncio
from api.jobs.worker import run_worker
from api.kit.settings import load
asyncio.run(run_worker(load()))
"""
# Long enough that the worker is caught in the middle of it.
LONG_SECONDS = 120.0


Start = Callable[[], AbstractAsyncContextManager[asyncio.subprocess.Process]]


@pytest.fixture
def start(settings: Settings, speech_model: SpeechModel, tmp_path: Path) -> Start:
    """Start a worker process on the test's data directory and database."""
    environment = {
        **os.environ,
        "ZHITONG_DATA": str(settings.data_dir),
        "ZHITONG_TOOLS": str(speech_model.path.parents[1]),
        "ZHITONG_DATABASE_URL": str(settings.database_url),
        "ZHITONG_WORKER__POLL_SECONDS": "0.1",
        "ZHITONG_WORKER__STALLED_SECONDS": "2",
        "ZHITONG_LIVE__LEASE_SECONDS": "2",
        "ZHITONG_SPEECH__PROCESSES": "1",
    }
    log = tmp_path / "worker.log"

    @asynccontextmanager
    async def run() -> AsyncIterator[asyncio.subprocess.Process]:
        with log.open("ab") as out:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-c", WORKER, env=environment, stdout=out, stderr=out
            )
        try:
            yield process
        finally:
            if process.returncode is None:
                process.send_signal(signal.SIGTERM)
                try:
                    await asyncio.wait_for(process.wait(), 20)
                except TimeoutError:
                    process.kill()
                    raise AssertionError(f"the worker did not stop: {log.read_text()}") from None
            await process.wait()

    return run


def _one(url: str, query: str) -> object:
    with psycopg.connect(url, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row[0] if row else None


async def _until(url: str, query: str, wanted: object, seconds: float = 40.0) -> float:
    began = time.monotonic()
    while (found := _one(url, query)) != wanted:
        assert time.monotonic() - began < seconds, f"{query}: {found!r} instead of {wanted!r}"
        await asyncio.sleep(0.02)
    return time.monotonic() - began


async def test_a_worker_killed_in_the_middle_of_a_job_costs_nothing_but_time(settings: Settings, start: Start) -> None:
    url = str(settings.database_url)
    samples.write_tracks(settings.recordings_dir, RECORDING, LONG_SECONDS)
    async with start() as worker:
        await _until(url, "SELECT status::text FROM procrastinate_jobs", "doing")
        worker.kill()
        await worker.wait()
    assert _one(url, "SELECT state FROM recordings") == "stored"
    async with start():
        await _until(url, "SELECT state FROM recordings", "transcribed")
        await _until(url, "SELECT count(*) FROM tickets", 1)
        await _until(url, "SELECT count(*) FROM procrastinate_jobs", 0)
    assert _one(url, "SELECT count(*) FROM transcripts") == 1


async def test_a_database_that_goes_away_is_waited_for(settings: Settings, start: Start) -> None:
    url = str(settings.database_url)
    name = url.partition("@/")[2].partition("?")[0]
    samples.write_tracks(settings.recordings_dir, RECORDING, 1.0)
    async with start() as worker:
        await _until(url, "SELECT count(*) FROM tickets", 1)
        with psycopg.connect(url.replace(name, "postgres"), autocommit=True) as connection:
            away = sql.Identifier(name)
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(away))
            connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
            await asyncio.sleep(3)
            samples.write_tracks(settings.recordings_dir, RECORDING.replace("1.1--", "1.2--"), 1.0)
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(away))
        await _until(url, "SELECT count(*) FROM tickets", 2)
        assert worker.returncode is None, "it is still the same process"


def _words(url: str) -> Words:
    query = (
        "SELECT speaker, word ->> 'text'"
        " FROM utterances, jsonb_array_elements(words) WITH ORDINALITY AS each (word, place)"
        " ORDER BY start_seconds, end_seconds, place"
    )
    found: Words = {"agent": [], "citizen": []}
    with psycopg.connect(url, autocommit=True) as connection:
        for speaker, word in connection.execute(query.encode()):
            found[speaker].append(word)
    return found


def _owner(url: str) -> int:
    return int(str(_one(url, "SELECT worker FROM live_claims")).split(":")[1])


async def test_a_worker_killed_during_a_call_is_replaced_by_another_and_no_word_is_lost_or_doubled(
    settings: Settings, start: Start, tracks: dict[Speaker, Samples], spoken: Words
) -> None:
    url = str(settings.database_url)
    call = GrowingCall(settings.data_dir, RECORDING, tracks)
    async with start() as first, start() as second:
        growing = asyncio.ensure_future(call.grow(0, call.seconds, 2.0))
        await _until(url, "SELECT count(*) > 0 FROM utterances", True)
        killed, other = (first, second) if _owner(url) == first.pid else (second, first)
        assert _owner(url) == killed.pid
        killed.kill()
        await killed.wait()
        await _until(url, "SELECT split_part(worker, ':', 2) FROM live_claims", str(other.pid), 10)
        assert _one(url, "SELECT count(*) FROM tickets") == 1
        await growing
        call.end()
        await _until(url, "SELECT state FROM recordings", "transcribed")
        assert _one(url, "SELECT count(*) FROM live_claims") == 0
        assert other.returncode is None
    assert _words(url) == spoken
    assert _one(url, "SELECT state FROM transcripts") == "complete"


async def test_the_only_worker_killed_during_a_call_leaves_the_rest_to_the_job(
    settings: Settings, start: Start, tracks: dict[Speaker, Samples], spoken: Words
) -> None:
    url = str(settings.database_url)
    call = GrowingCall(settings.data_dir, RECORDING, tracks)
    async with start() as worker:
        await call.grow(0, 8.0, 4.0)
        await _until(url, "SELECT count(*) > 0 FROM utterances", True)
        worker.kill()
        await worker.wait()
    call.end()
    async with start():
        await _until(url, "SELECT state FROM recordings", "transcribed")
        await _until(url, "SELECT count(*) FROM procrastinate_jobs", 0)
    assert _words(url) == spoken
    assert _one(url, "SELECT count(*) FROM tickets") == 1


async def test_a_worker_that_is_stopped_gives_its_calls_back_at_once(
    settings: Settings, start: Start, tracks: dict[Speaker, Samples]
) -> None:
    url = str(settings.database_url)
    GrowingCall(settings.data_dir, RECORDING, tracks).to(5.0)
    async with start() as worker:
        await _until(url, "SELECT count(*) FROM live_claims", 1)
        worker.send_signal(signal.SIGTERM)
        assert await worker.wait() == 0
    assert _one(url, "SELECT count(*) FROM live_claims") == 0
