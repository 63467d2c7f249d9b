"""The parts of one machine, in the order in which they need each other."""

import asyncio
import contextlib
import fcntl
import signal
import socket
import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import httpx
import psycopg

from api.heartbeats.service import fresh
from api.kit.database import Database, url_of
from api.kit.migrate import upgrade
from api.kit.postgres_address import make_database
from api.kit.settings import Settings, load
from api.supervisor.part import Part
from api.supervisor.ports import Ports, PortTakenError, choose, claim, tcp_is_free, write
from api.supervisor.site import asterisk_site
from api.supervisor.state import read_states
from telephony.asterisk.process import check_ports


class AlreadyUpError(RuntimeError):
    """Another `zhitong up` runs on this data directory."""

    error_id = "up.already"


@contextlib.contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Hold a data directory for one supervisor. Raises AlreadyUpError."""
    (data_dir / "run").mkdir(parents=True, exist_ok=True)
    with (data_dir / "run" / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise AlreadyUpError(
                f"zhitong is up on {data_dir} already. Stop it, or give another --data DIR."
            ) from error
        yield


@contextlib.contextmanager
def settle(data_dir: Path | None, http_port: int | None) -> Iterator[Settings]:
    """Give the settings of a data directory, with ports of its own that are kept from its first start on.

    No other system chooses them before the block ends. Raises PortTakenError when a port that was settled belongs to
    another program now.
    """
    settings = load(data_dir)
    wanted = Ports(
        http_port or settings.http.port,
        settings.ami.port,
        settings.sip.port,
        settings.sip.rtp_first_port,
        settings.sip.rtp_last_port,
    )
    running = {name for name, state in read_states(settings.data_dir / "run").items() if state.alive}
    # A carrier sends calls to one port: with a trunk, what is configured is what must be free.
    held: socket.socket | None
    if not settings.ports_file.exists() and settings.trunk is None:
        wanted, held = choose(wanted, settings.sip.host)
    else:
        held = claim(settings.sip.host, wanted.sip)
    if held is None:
        raise PortTakenError(
            f"SIP port {wanted.sip} on {settings.sip.host} belongs to another zhitong that is up on this machine. "
            f"Stop that one, or set another port under [sip] in {settings.ports_file}."
        )
    with held:
        write(settings.ports_file, wanted)
        yield _checked(load(data_dir), running)


def _checked(settled: Settings, running: Collection[str]) -> Settings:
    if "api" not in running and not tcp_is_free(settled.http.host, settled.http.port):
        raise PortTakenError(
            f"Port {settled.http.port} for the pages on {settled.http.host} is taken by another program. "
            "Stop it, or give another one: zhitong up --port N."
        )
    if "asterisk" not in running:
        check_ports(asterisk_site(settled))
    return settled


def parts(settings: Settings) -> list[Part]:
    """Return what `up` keeps running for `settings`."""
    data = settings.data_dir

    def service(name: str) -> tuple[str, ...]:
        return (sys.executable, "-m", "api.cli", name, "--data", str(data))

    async def postgres_ready() -> bool:
        try:
            await asyncio.to_thread(make_database, data)
        except psycopg.OperationalError:
            return False
        await asyncio.to_thread(upgrade, url_of(settings))
        return True

    async def asterisk_ready() -> bool:
        return await asterisk_greets(settings)

    async def api_ready() -> bool:
        return await answers(settings, "/readyz")

    def beating(name: str) -> Part:
        async def ready() -> bool:
            state = read_states(data / "run").get(name)
            return state is not None and state.pid in await pids_alive(settings, name)

        return Part(name, service(name), ready)

    embedded = Part(
        "postgres",
        service("postgres"),
        postgres_ready,
        outlives=True,
        stop_signal=signal.SIGINT,
        ready_within_seconds=90,
    )
    return [
        *([] if settings.database_url else [embedded]),
        Part("asterisk", service("asterisk"), asterisk_ready, outlives=True),
        beating("router"),
        beating("worker"),
        Part("api", service("api"), api_ready),
    ]


async def pids_alive(settings: Settings, process: str) -> set[int]:
    """Return the pids of the processes of this name that gave a sign of life lately."""
    database = Database(url_of(settings), pool_size=1)
    try:
        return {row.pid for row in await fresh(database) if row.process == process}
    finally:
        await database.close()


async def asterisk_greets(settings: Settings) -> bool:
    """Whether Asterisk's manager interface answers."""
    try:
        async with asyncio.timeout(2):
            reader, writer = await asyncio.open_connection(settings.ami.host, settings.ami.port)
            greeting = await reader.read(64)
            writer.close()
    except OSError:
        return False
    return greeting.startswith(b"Asterisk Call Manager")


async def answers(settings: Settings, path: str) -> bool:
    """Whether our HTTP server answers `path` with 200."""
    try:
        async with httpx.AsyncClient(timeout=2, trust_env=False) as client:
            answer = await client.get(f"http://{settings.http.host}:{settings.http.port}{path}")
    except httpx.HTTPError:
        return False
    return answer.status_code == httpx.codes.OK
