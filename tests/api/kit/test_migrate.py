import threading

import psycopg
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from psycopg import sql
from sqlalchemy import create_engine

from api.kit.database import Database, sqlalchemy_url
from api.kit.migrate import head, revision, upgrade
from api.kit.postgres import EmbeddedPostgres
from api.kit.postgres_address import url_for
from api.kit.tables import METADATA


async def test_the_database_is_at_the_newest_revision(database: Database) -> None:
    async with database.engine.connect() as connection:
        assert await revision(connection) == head()


def test_the_migrations_make_exactly_the_tables_of_the_models(database_url: str) -> None:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return not (kind == "table" and (name or "").startswith("procrastinate"))

    engine = create_engine(sqlalchemy_url(database_url))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": ours})
        assert compare_metadata(context, METADATA) == []
    engine.dispose()


def test_two_upgrades_at_once_make_one(postgres: EmbeddedPostgres) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE raced"))
        url = url_for(postgres.data_dir, "raced")
        found: list[str] = []
        threads = [threading.Thread(target=lambda: found.append(upgrade(url))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert found == [head()] * 3
        connection.execute("DROP DATABASE raced WITH (FORCE)")
