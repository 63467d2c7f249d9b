"""Where the PostgreSQL of a data directory is reached, whether it runs or not: a unix socket, and one database."""

import hashlib
import os
import tempfile
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

DATABASE = "zhitong"
_SOCKET_NAME = ".s.PGSQL.5432.lock"
# sockaddr_un.sun_path, unix(7): 108 bytes with the closing zero.
_SOCKET_PATH_BYTES = 107


def socket_dir(data_dir: Path) -> Path:
    """Where the server of `data_dir` has its socket: beside the data, or in a short path where that is too long."""
    inside = data_dir / "run" / "postgres"
    if len(os.fsencode(inside / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES:
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"zhitong-{os.geteuid()}-{digest}"


def url_for(data_dir: Path, database: str = DATABASE) -> str:
    """Return the libpq address of the server of `data_dir`, whether it runs or not."""
    return f"postgresql://{DATABASE}@/{database}?host={quote(str(socket_dir(data_dir.resolve())), safe='')}"


def make_database(data_dir: Path) -> None:
    """Make the database `zhitong` in the running server of `data_dir` unless it is there.

    Raises psycopg.OperationalError while the server does not answer.
    """
    with psycopg.connect(url_for(data_dir.resolve(), "postgres"), autocommit=True, connect_timeout=5) as connection:
        found = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone()
        if found is None:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
