"""One service each, in the foreground: what `up`, compose and systemd start."""

import asyncio
import os

from api.cli.options import Data
from api.kit.settings import load


def api(data: Data = None) -> None:
    """HTTP API and pages."""
    from api.app import serve  # noqa: PLC0415 - each service loads only what it runs

    asyncio.run(serve(load(data)))


def router(data: Data = None) -> None:
    """AMI events to calls in the database."""
    from api.router import run_router  # noqa: PLC0415

    asyncio.run(run_router(load(data)))


def worker(data: Data = None) -> None:
    """Finished recordings to transcripts and draft tickets."""
    from api.jobs.worker import run_worker  # noqa: PLC0415

    asyncio.run(run_worker(load(data)))


def asterisk(data: Data = None) -> None:
    """Asterisk itself, configured from config/asterisk; this process becomes it."""
    from api.setup.parts import asterisk as install  # noqa: PLC0415
    from api.supervisor.site import asterisk_site  # noqa: PLC0415
    from telephony.asterisk.process import prepare  # noqa: PLC0415

    settings = load(data)
    argv, environment = prepare(asterisk_site(settings), install(settings.tools_dir, print))
    os.chdir("/")
    os.execvpe(argv[0], argv, environment)  # noqa: S606 - to become it is the point: its pid stays ours


def postgres(data: Data = None) -> None:
    """Embedded PostgreSQL of the data directory; this process becomes it."""
    from api.kit.postgres import EmbeddedPostgres  # noqa: PLC0415

    argv = EmbeddedPostgres(load(data).data_dir).prepare_command()
    os.chdir("/")
    os.execvp(argv[0], argv)  # noqa: S606 - as above


def migrate(data: Data = None) -> None:
    """Bring the database's tables up to date."""
    from api.kit.database import url_of  # noqa: PLC0415
    from api.kit.migrate import upgrade  # noqa: PLC0415

    print(upgrade(url_of(load(data))))  # noqa: T201 - this is the terminal
