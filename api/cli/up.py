import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated

import typer

from api.cli.options import Data
from api.kit.database import url_of
from api.kit.migrate import upgrade
from api.kit.settings import Settings, load
from api.supervisor import Supervisor
from api.supervisor.machine import alone, parts, settle

Port = Annotated[int | None, typer.Option("--port", help="网页端口 port of the pages (default: 8012)")]


def up(data: Data = None, port: Port = None) -> None:
    """Everything on this machine: PostgreSQL, Asterisk, router, worker, API and pages, restarted when they die."""
    asyncio.run(_up(data, port))


async def _up(data: Path | None, port: int | None) -> None:
    stop = asyncio.Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(sign, stop.set)
    async with running(data, port, stop) as settings:
        typer.echo(
            f"直通已就绪 ready: http://{settings.http.host}:{settings.http.port}/desk  SIP {settings.sip.host}:"
            f"{settings.sip.port}  数据 data {settings.data_dir}\n停止 stop: Ctrl-C"
        )
        await stop.wait()
        typer.echo("正在停止 stopping …")


@contextlib.asynccontextmanager
async def running(data: Path | None, port: int | None, stop: asyncio.Event) -> AsyncIterator[Settings]:
    """Keep the whole system running for the length of the block; `stop` set while it starts gives up."""
    with alone(load(data).data_dir), settle(data, port) as settings:
        async with _running(settings, stop):
            yield settings


@contextlib.asynccontextmanager
async def _running(settings: Settings, stop: asyncio.Event) -> AsyncIterator[None]:
    if settings.database_url:
        await asyncio.to_thread(upgrade, url_of(settings))
    supervisor = Supervisor(parts(settings), settings.data_dir / "log", settings.data_dir / "run", _say)
    starting = asyncio.create_task(supervisor.start(), name="start")
    given_up = asyncio.create_task(stop.wait(), name="stop")
    try:
        await asyncio.wait({starting, given_up}, return_when=asyncio.FIRST_COMPLETED)
        if not starting.done():
            starting.cancel()
            await asyncio.wait({starting})
            raise typer.Exit(1)
        await starting
        yield
    finally:
        given_up.cancel()
        await supervisor.stop()


def _say(line: str) -> None:
    typer.echo(f"  {line}")
