"""How does the schema become the newest?"""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, text
from sqlalchemy.pool import NullPool

from syncworker.store.tables import metadata

# Any constant serves: it keeps two migrations that start at the same time one after the other.
_LOCK = 7_301_452_118


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def upgrade(database_url: str) -> None:
    """Bring the schema to the newest revision; do nothing if it is."""
    engine = create_engine(database_url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            lock(connection)
            upgrade_in(connection, "head")
    finally:
        engine.dispose()


def lock(connection: Connection) -> None:
    """Let nobody else change the schema until the transaction ends."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})


def upgrade_in(connection: Connection, revision: str) -> None:
    """Bring the schema to that revision, or to `head`, in the transaction of this connection."""
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def is_known(revision: str) -> bool:
    """Whether this version has that revision."""
    return any(one.revision == revision for one in ScriptDirectory.from_config(_config()).walk_revisions())


def is_current(connection: Connection) -> bool:
    """Whether the schema is at the newest revision."""
    return MigrationContext.configure(connection).get_current_revision() == newest()


def newest() -> str:
    """The newest revision."""
    head = ScriptDirectory.from_config(_config()).get_current_head()
    assert head is not None  # noqa: S101 - there is a first migration
    return head


def differences(connection: Connection) -> list[object]:
    """What the migrations and the tables disagree on; empty when they agree."""
    return list(compare_metadata(MigrationContext.configure(connection), metadata))
