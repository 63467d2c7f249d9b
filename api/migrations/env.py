"""Alembic's entry: runs on the connection that `api.kit.migrate` gives it."""

from alembic import context

from api.kit.tables import METADATA

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=METADATA, transaction_per_migration=False)
with context.begin_transaction():
    context.run_migrations()
