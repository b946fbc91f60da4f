"""How is all that the database holds put into one file, and back?

A file of its own form, so that no program of PostgreSQL needs to be at hand: a zip with a `manifest.json` and each
table as `COPY` writes it, of one snapshot. It names the schema it was made of: it is restored into that schema, and
brought to the newest from there. Credentials are in it as they are stored, encrypted with `SYNCWORKER_SECRET_KEY`; the
file holds a print of that key, to know another one by. What else is in it is the CRM's: keep it like the database.
"""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.pool import NullPool

from syncworker.store import migrate
from syncworker.store.secrets import Secrets
from syncworker.store.tables import metadata

FORMAT = 1
_MANIFEST = "manifest.json"
_CHUNK = 1 << 16
# Whoever had claimed marks of the database before must not finish any of this one.
_GENERATIONS_BETWEEN = 1_000_000
PAUSED_BY = "restore"


class BadBackup(Exception):
    """The file is no backup that this version can restore; says why."""


class NotWritten(Exception):
    """There is no backup: the file cannot be written."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            f"{path} cannot be written: {error.strerror or error}; no backup was made, choose another place"
        )


class OtherKey(Exception):
    """The credentials in the backup were encrypted with another secret key."""

    def __init__(self) -> None:
        super().__init__(
            "this backup was made with another SYNCWORKER_SECRET_KEY: set the one that was used then; or add "
            "--other-key, and connect each portal again with `syncworker portals add`"
        )


class NotEmpty(Exception):
    """The database holds something already."""

    def __init__(self) -> None:
        super().__init__(
            "the database of SYNCWORKER_DATABASE_URL holds portals or registrations: restore into an empty one, or "
            "stop the workers and add --force, which deletes what it holds"
        )


class OldSchema(Exception):
    """The database is not at this version's schema."""

    def __init__(self) -> None:
        super().__init__("the database has no schema, or an older one: run `syncworker migrate`, then back up")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table of a backup."""

    name: str
    columns: list[str]
    rows: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a backup is of."""

    format: int
    revision: str
    taken_at: datetime
    key: str
    """A print of the secret key that its credentials are encrypted with."""
    hubspot: str | None
    """Which HubSpot the database had met: `sandbox` or `hubspot`."""
    generation: int
    tables: list[Table]


def back_up(database_url: str, secrets: Secrets, path: Path) -> Manifest:
    """Write all tables to a file, as they are at one instant, while the workers work.

    Raises OldSchema, NotWritten.
    """
    # A link stays one: it may be the newest backup's, or a device's, whose place no file may take.
    path = Path(os.path.realpath(path))
    if path.exists() and not path.is_file():
        raise NotWritten(path, FileExistsError("it is no file"))
    unfinished = path.with_name(path.name + ".part")
    try:
        # Nobody else's to read: it holds what the CRM knows of people.
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                manifest = _write(database_url, secrets, archive)
            file.flush()
            # On the disk before it takes the older one's place: a machine that stops now has one of them.
            os.fsync(file.fileno())
        unfinished.replace(path)
    except OSError as error:
        raise NotWritten(path, error) from error
    finally:
        with suppress(OSError):
            unfinished.unlink(missing_ok=True)
    return manifest


def read_manifest(path: Path) -> Manifest:
    """What a file is a backup of; raises BadBackup."""
    try:
        with zipfile.ZipFile(path) as archive:
            found = json.loads(archive.read(_MANIFEST))
        tables = [Table(**table) for table in found.pop("tables")]
        taken_at = datetime.fromisoformat(found.pop("taken_at"))
        manifest = Manifest(**found, taken_at=taken_at, tables=tables)
    except OSError as error:
        raise BadBackup(f"{path.name} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
        raise BadBackup(f"{path.name} is no backup of `syncworker backup`, or only a part of one") from error
    if manifest.format > FORMAT or not migrate.is_known(manifest.revision):
        raise BadBackup(f"{path.name} was made by a newer version of syncworker: restore it with that one")
    return manifest


def restore(database_url: str, secrets: Secrets, path: Path, *, force: bool, other_key: bool) -> Manifest:
    """Make the database what it was when the backup was made, all of it or nothing; every portal comes up paused.

    `force` deletes what is there, `other_key` restores credentials that cannot be read. Raises BadBackup, OtherKey,
    NotEmpty.
    """
    manifest = read_manifest(path)
    with zipfile.ZipFile(path) as archive:
        missing = {f"{table.name}.copy" for table in manifest.tables} - set(archive.namelist())
    if missing:
        raise BadBackup(f"{path.name} is damaged: it lacks {', '.join(sorted(missing))}")
    if manifest.key != secrets.fingerprint and not other_key:
        raise OtherKey
    engine = create_engine(database_url, poolclass=NullPool)
    try:
        with engine.begin() as connection, zipfile.ZipFile(path) as archive:
            migrate.lock(connection)
            if _holds_something(connection) and not force:
                raise NotEmpty
            _drop_all(connection, manifest)
            migrate.upgrade_in(connection, manifest.revision)
            for table in manifest.tables:
                _copy_in(connection, archive, table)
            _set_counters(connection, manifest)
            migrate.upgrade_in(connection, "head")
            _stand_still(connection, manifest)
    except (zipfile.BadZipFile, EOFError, psycopg.DataError) as error:
        raise BadBackup(f"{path.name} is damaged: {str(error).splitlines()[0]}; nothing was changed") from error
    finally:
        engine.dispose()
    return manifest


def _write(database_url: str, secrets: Secrets, archive: zipfile.ZipFile) -> Manifest:
    engine = create_engine(database_url, poolclass=NullPool)
    try:
        with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
            if not migrate.is_current(connection):
                raise OldSchema
            taken_at, generation = connection.execute(
                text("SELECT now(), (SELECT last_value FROM mark_generation)")
            ).one()
            hubspot = connection.execute(text("SELECT hubspot FROM deployment")).scalar_one_or_none()
            # What is made of other tables makes itself when those are restored.
            kept = [table.name for table in metadata.sorted_tables if not table.info.get("derived")]
            tables = [_copy_out(connection, archive, name) for name in kept]
    finally:
        engine.dispose()
    manifest = Manifest(
        format=FORMAT,
        revision=migrate.newest(),
        taken_at=taken_at,
        key=secrets.fingerprint,
        hubspot=hubspot,
        generation=generation,
        tables=tables,
    )
    # Last: a file that ends before it is no backup.
    archive.writestr(_MANIFEST, json.dumps({**asdict(manifest), "taken_at": taken_at.isoformat()}, indent=2))
    return manifest


def _copy_out(connection: Connection, archive: zipfile.ZipFile, table: str) -> Table:
    columns = [column.name for column in metadata.tables[table].columns if column.computed is None]
    with (
        _cursor(connection) as cursor,
        archive.open(f"{table}.copy", "w", force_zip64=True) as file,
        cursor.copy(_copy(table, columns, "TO STDOUT")) as copy,
    ):
        for block in copy:
            file.write(block)
        rows = cursor.rowcount
    if rows < 0:
        rows = connection.execute(text(f'SELECT count(*) FROM "{table}"')).scalar_one()
    return Table(name=table, columns=columns, rows=rows)


def _copy_in(connection: Connection, archive: zipfile.ZipFile, table: Table) -> None:
    with (
        _cursor(connection) as cursor,
        archive.open(f"{table.name}.copy") as file,
        cursor.copy(_copy(table.name, table.columns, "FROM STDIN")) as copy,
    ):
        while block := file.read(_CHUNK):
            copy.write(block)


def _copy(table: str, columns: Sequence[str], direction: str) -> psycopg.sql.Composed:
    sql = psycopg.sql
    names = sql.SQL(", ").join(map(sql.Identifier, columns))
    return sql.SQL("COPY {} ({}) {}").format(sql.Identifier(table), names, sql.SQL(direction))


def _cursor(connection: Connection) -> psycopg.Cursor[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - the driver of SYNCWORKER_DATABASE_URL
    return driver.cursor()


def _holds_something(connection: Connection) -> bool:
    there = set(inspect(connection).get_table_names())
    tables = [name for name in ("portals", "registrations", "history") if name in there]
    return any(connection.execute(text(f"SELECT EXISTS (SELECT FROM {name})")).scalar_one() for name in tables)


def _drop_all(connection: Connection, manifest: Manifest) -> None:
    ours = {*metadata.tables, *(table.name for table in manifest.tables), "alembic_version"}
    for name in sorted(ours & set(inspect(connection).get_table_names())):
        connection.execute(text(f'DROP TABLE "{name}" CASCADE'))
    connection.execute(text("DROP SEQUENCE IF EXISTS mark_generation"))
    connection.execute(text("DROP FUNCTION IF EXISTS history_is_append_only"))


def _set_counters(connection: Connection, manifest: Manifest) -> None:
    """What is numbered from here on is new."""
    for table in manifest.tables:
        if "id" in table.columns:
            name = connection.execute(
                text("SELECT pg_get_serial_sequence(:table, 'id')"), {"table": table.name}
            ).scalar()
            if name is not None:
                connection.execute(text(f"SELECT setval('{name}', coalesce(max(id), 0) + 1, false) FROM {table.name}"))
    connection.execute(
        text("SELECT setval('mark_generation', :next)"), {"next": manifest.generation + _GENERATIONS_BETWEEN}
    )


def _stand_still(connection: Connection, manifest: Manifest) -> None:
    """What had been claimed is free, and no portal writes before its ledger was compared with the CRM."""
    values = {
        "by": PAUSED_BY,
        "why": f"restored from a backup of {manifest.taken_at:%Y-%m-%d %H:%M} UTC: run `syncworker rebuild`",
        "from": manifest.taken_at,
    }
    connection.execute(text("UPDATE marks SET claim_token = NULL, not_before = now() WHERE claim_token IS NOT NULL"))
    connection.execute(text("UPDATE cursors SET leased_until = NULL, due_at = now(), spent_until = NULL"))
    connection.execute(text("UPDATE resyncs SET leased_until = NULL"))
    connection.execute(text("DELETE FROM clock_skew"))
    connection.execute(text("UPDATE portals SET restored_from = :from"), values)
    connection.execute(
        text("""
            UPDATE portals SET mode_before = mode, mode = 'paused', paused_at = now(), paused_by = :by,
                   paused_reason = :why
             WHERE mode <> 'paused'
        """),
        values,
    )
