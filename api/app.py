"""The web application: routes, pages and push over one database."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles
from starlette.responses import Response

from api.agents.desks import desk_names
from api.agents.routes import router as agents
from api.agents.routing import load_routing
from api.callbacks.routes import router as callbacks
from api.calls.routes import router as calls
from api.commands.routes import router as commands
from api.console.pages import render
from api.console.promise_pages import router as promise_pages
from api.console.routes import SignInNeeded, sign_in_answer
from api.console.routes import router as console
from api.console.staffing import router as staffing_page
from api.console.wall_routes import router as wall
from api.enforcement.routes import router as enforcement
from api.kit import problems
from api.kit.database import Database, url_of
from api.kit.feed import Feed
from api.kit.guard import Guard
from api.kit.metrics import Metrics, RequestTimer
from api.kit.settings import Settings
from api.live import partials
from api.live.routes import router as live
from api.outward.routes import router as outward
from api.queues.routes import router as queues
from api.queues.targets import load_policies
from api.reconciliations.routes import router as reconciliations
from api.recordings.routes import router as recordings
from api.recordings.upload import router as uploads
from api.speech.routes import router as speech
from api.staffing.policy import load_policy
from api.staffing.routes import router as staffing
from api.system.routes import render_changes
from api.system.routes import router as system
from api.tickets.routes import router as tickets
from asr.draft import load_taxonomy

STATIC = Path(__file__).resolve().parent / "console" / "static"
_GRACE_SECONDS = 3


class CannotListen(Exception):
    """The address to answer on cannot be had; the message says what to do."""

    error_id = "http.cannot_listen"


def create_app(settings: Settings) -> FastAPI:
    """Build the application of one system; its database is opened when it starts."""
    app = FastAPI(
        title="直通 zhitong",
        version=version("zhitong"),
        summary="The 12345 hotline: calls, what was said, draft tickets with their evidence.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.settings = settings
    app.state.metrics = Metrics()
    app.state.taxonomy = load_taxonomy(settings.config_dir / "taxonomy.toml")
    app.state.service_levels = load_policies(settings.config_dir)
    app.state.breaks = load_routing(settings.config_dir).breaks
    app.state.desks = desk_names(settings)
    app.state.staffing_policy = load_policy(settings.config_dir)
    problems.install(app)

    @app.exception_handler(SignInNeeded)
    async def _sign_in(_request: Request, error: SignInNeeded) -> Response:
        return sign_in_answer(error)

    for router in (
        *(calls, agents, commands, live, recordings, uploads, tickets, speech, queues, reconciliations, staffing),
        *(callbacks, outward, enforcement, system, console, promise_pages, staffing_page, wall),
    ):
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")

    @app.get("/docs", include_in_schema=False)
    async def docs(request: Request) -> Response:
        return HTMLResponse(render(request, "docs.html"))

    app.add_middleware(Guard)
    app.add_middleware(RequestTimer, metrics=app.state.metrics)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    database = Database(url_of(app.state.settings), pool_size=20)
    app.state.partials = partials.Partials()
    feed = Feed(database, render_changes, {partials.CHANNEL: app.state.partials.take})
    app.state.database = database
    app.state.feed = feed
    reader = asyncio.create_task(feed.run(), name="change feed")
    try:
        yield
    finally:
        reader.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await reader
        await database.close()


async def serve(settings: Settings) -> None:
    """Answer HTTP until SIGTERM or SIGINT; streams that stay open are cut after a short grace.

    Raises CannotListen.
    """
    with _listen(settings.http.host, settings.http.port) as listener:
        config = uvicorn.Config(
            create_app(settings),
            log_config=None,
            access_log=False,
            timeout_graceful_shutdown=_GRACE_SECONDS,
            server_header=False,
        )
        await uvicorn.Server(config).serve(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise CannotListen(
            f"Cannot listen on {host}, port {port}: {error.strerror}. "
            "End what listens there, or set another port: --port, or ZHITONG_HTTP__PORT."
        ) from error
