"""A system without telephony: settings on a data directory of the test's own, its web application, who may ask."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.accounts import service as accounts
from api.app import create_app
from api.kit.database import Database
from api.kit.settings import Settings, WorkerSettings, load

NewToken = Callable[[str], Awaitable[str]]


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    """Settings as shipped, on the test's own data directory and database; workers are impatient."""
    return load(tmp_path / "data").model_copy(
        update={
            "database_url": database_url,
            "worker": WorkerSettings(poll_seconds=0.1, stalled_seconds=2.0, unfinished_seconds=0.0),
        }
    )


@pytest.fixture
async def app(settings: Settings) -> AsyncIterator[FastAPI]:
    """The application, started."""
    app = create_app(settings)
    async with app.router.lifespan_context(app):
        yield app


@pytest.fixture
def new_token(database: Database) -> NewToken:
    """Make a token of a role."""

    async def make(role: str) -> str:
        async with database.session() as session:
            return await accounts.create_token(session, name=f"test {role}", role=role)

    return make


@pytest.fixture
async def nobody(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """A client without a token."""
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://zhitong.test") as client:
        yield client


@pytest.fixture
async def client(nobody: httpx.AsyncClient, new_token: NewToken) -> httpx.AsyncClient:
    """A client with a supervisor's token."""
    nobody.headers["Authorization"] = f"Bearer {await new_token('supervisor')}"
    return nobody


@pytest.fixture
async def address(settings: Settings) -> AsyncIterator[str]:
    """The application behind a real server on loopback."""
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    config = uvicorn.Config(create_app(settings), log_config=None, timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    while not server.started:
        await asyncio.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await task
    listener.close()
