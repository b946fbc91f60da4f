"""How does Alembic reach the database? Through the connection that `store.migrate` hands it."""

from alembic import context

from syncworker.store.tables import metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, compare_type=True, compare_server_default=False)
with context.begin_transaction():
    context.run_migrations()
