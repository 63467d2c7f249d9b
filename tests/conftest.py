"""What all tests share: one real PostgreSQL, a fresh database for each test, one real Asterisk, no net but loopback."""

import shutil
import tempfile
import uuid
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from pytest_socket import socket_allow_hosts

from api.kit.database import Database
from api.kit.migrate import upgrade
from api.kit.postgres import EmbeddedPostgres
from api.kit.postgres_address import url_for
from telephony.asterisk.install import AsteriskInstall, find_or_fetch
from telephony.asterisk.process import AsteriskProcess
from tests.telephony.conftest import ROOT, Hotline, site_for


def pytest_runtest_setup() -> None:
    """Nothing in a test may reach beyond this machine."""
    socket_allow_hosts(["127.0.0.0/8", "::1"], allow_unix_socket=True)


@pytest.fixture(scope="session")
def postgres() -> Iterator[EmbeddedPostgres]:
    """One cluster for all tests, with a migrated database `template_zhitong` to copy."""
    directory = Path(tempfile.mkdtemp(prefix="zhitong-test-"))
    server = EmbeddedPostgres(directory)
    server.start()
    with psycopg.connect(server.url, autocommit=True) as connection:
        # No test outlives a power cut; kills are survived without it.
        connection.execute("ALTER SYSTEM SET fsync = off")
        connection.execute("SELECT pg_reload_conf()")
        connection.execute("CREATE DATABASE template_zhitong")
    upgrade(url_for(directory, "template_zhitong"))
    yield server
    server.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def database_url(postgres: EmbeddedPostgres) -> Iterator[str]:
    """A migrated, empty database of the test's own."""
    name = f"test_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template_zhitong STRATEGY file_copy").format(sql.Identifier(name))
        )
        yield url_for(postgres.data_dir, name)
        connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """The test's database, as the program sees it."""
    database = Database(database_url, pool_size=5)
    yield database
    await database.close()


@pytest.fixture(scope="session")
def install() -> AsteriskInstall:
    return find_or_fetch(ROOT / ".tools", print)


@pytest.fixture(scope="session")
def hotline(install: AsteriskInstall) -> Iterator[Hotline]:
    """The running hotline that all tests share who do not harm it."""
    folder = Path(tempfile.mkdtemp(prefix="zhitong-test-"))
    folder.chmod(0o755)
    with AsteriskProcess(site_for(folder / "data"), install) as process:
        yield Hotline(process, folder)
    shutil.rmtree(folder, ignore_errors=True)
