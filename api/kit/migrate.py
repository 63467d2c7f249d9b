"""The database's shape: brought up to date by one process at a time, never by two at once."""

from pathlib import Path

from alembic.command import upgrade as alembic_upgrade
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.pool import NullPool

from api.kit.database import sqlalchemy_url

SCRIPTS = Path(__file__).resolve().parents[1] / "migrations"
# Any fixed number of our own; whoever holds it migrates, the others wait.
_LOCK = 0x12345


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SCRIPTS).replace("%", "%%"))
    return config


def head() -> str:
    """Return the newest migration this program knows."""
    revision = ScriptDirectory.from_config(_config()).get_current_head()
    if revision is None:
        raise RuntimeError(f"{SCRIPTS} holds no migrations: the installation is not whole.")
    return revision


def upgrade(url: str, to: str = "head") -> str:
    """Bring the database at `url` up to date, or to the migration `to`; all or nothing. Returns the newest revision.

    Blocks while another process does the same. Raises sqlalchemy.exc.OperationalError when the database is away.
    """
    engine = create_engine(sqlalchemy_url(url), poolclass=NullPool)
    try:
        with engine.connect() as connection, connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            config = _config()
            config.attributes["connection"] = connection
            alembic_upgrade(config, to)
    finally:
        engine.dispose()
    return head()


async def revision(connection: AsyncConnection) -> str | None:
    """Return the revision the database is at, None for an empty one."""
    return await connection.run_sync(lambda sync: MigrationContext.configure(sync).get_current_revision())
