"""Where does the sandbox keep its data? One SQLite file, written by one process.

records       contacts, companies, partner clients and services: values in a JSON column, what is searched by in others
redirects     ids that a merge retired, and the record they lead to now
history       changes of a property; the value a record was created with is not stored here (see history.py)
associations  contact to company, once per pair
properties    definitions and groups made through the API (HubSpot's own are in catalogue.py)
submissions   forms sent in
portals       settings of each portal
tokens        access tokens issued by OAuth
outbox        webhook events that are not delivered yet
sequences     the next id of each kind
temp.lagging  what search still sees of records that changed a moment ago; in memory, a restart indexes everything
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "sandbox.sqlite3"
FIRST_ID = 120_000_000_001
"""Real ids are longer than 32 bits. Contacts and companies, and all portals, start alike, so that a client that
confuses two types or two portals meets somebody else's record."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records(
  portal INTEGER NOT NULL, type INTEGER NOT NULL, id INTEGER NOT NULL,
  created INTEGER NOT NULL, modified INTEGER NOT NULL, archived INTEGER,
  email TEXT, domain TEXT, props TEXT NOT NULL, source_type TEXT NOT NULL, source_id TEXT NOT NULL,
  PRIMARY KEY (portal, type, id)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS records_email ON records(portal, type, email) WHERE email IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_domain ON records(portal, type, domain) WHERE domain IS NOT NULL;
CREATE INDEX IF NOT EXISTS records_website ON records(portal, type, lower(json_extract(props, '$."website"')));
CREATE INDEX IF NOT EXISTS records_modified ON records(portal, type, modified, id, archived);
CREATE TABLE IF NOT EXISTS redirects(
  portal INTEGER NOT NULL, type INTEGER NOT NULL, id INTEGER NOT NULL, target INTEGER NOT NULL,
  PRIMARY KEY (portal, type, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history(
  portal INTEGER NOT NULL, type INTEGER NOT NULL, id INTEGER NOT NULL, property TEXT NOT NULL, seq INTEGER NOT NULL,
  at INTEGER NOT NULL, value TEXT NOT NULL, source_type TEXT NOT NULL, source_id TEXT NOT NULL,
  PRIMARY KEY (portal, type, id, property, seq)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS associations(
  portal INTEGER NOT NULL, contact INTEGER NOT NULL, company INTEGER NOT NULL,
  is_primary INTEGER NOT NULL, hidden INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (portal, contact, company)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS associations_company ON associations(portal, company, contact);
CREATE TABLE IF NOT EXISTS properties(
  portal INTEGER NOT NULL, type INTEGER NOT NULL, what TEXT NOT NULL, name TEXT NOT NULL, definition TEXT NOT NULL,
  PRIMARY KEY (portal, type, what, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS submissions(
  seq INTEGER PRIMARY KEY, portal INTEGER NOT NULL, form TEXT NOT NULL, at INTEGER NOT NULL,
  body TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS submissions_form ON submissions(portal, form, at, seq);
CREATE TABLE IF NOT EXISTS portals(hub_id INTEGER PRIMARY KEY, settings TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS tokens(token TEXT PRIMARY KEY, hub_id INTEGER NOT NULL, expires INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox(
  seq INTEGER PRIMARY KEY AUTOINCREMENT, portal INTEGER NOT NULL, event TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0, due INTEGER NOT NULL, sending INTEGER NOT NULL DEFAULT 0);
CREATE INDEX IF NOT EXISTS outbox_due ON outbox(portal, sending, due, seq);
CREATE TABLE IF NOT EXISTS sequences(portal INTEGER, type INTEGER, next INTEGER NOT NULL, PRIMARY KEY (portal, type));
CREATE TEMP TABLE lagging(
  portal INTEGER NOT NULL, type INTEGER NOT NULL, id INTEGER NOT NULL, visible INTEGER NOT NULL,
  present INTEGER NOT NULL, created INTEGER NOT NULL, modified INTEGER NOT NULL, email TEXT, domain TEXT,
  props TEXT, early INTEGER NOT NULL DEFAULT 0,
  seq INTEGER PRIMARY KEY);
CREATE INDEX temp.lagging_id ON lagging(portal, type, id, seq);
CREATE INDEX temp.lagging_visible ON lagging(visible);
"""

_STATISTICS = (
    ("records", "records", "1000000 500000 250000 1"),
    ("records", "records_email", "1000000 500000 250000 1 1"),
    ("records", "records_domain", "100000 50000 50000 1 1"),
    ("records", "records_website", "1000000 500000 250000 2"),
    ("records", "records_modified", "1000000 500000 250000 2 1 1"),
    ("history", "history", "4000000 2000000 1000000 4 2 1"),
    ("associations", "associations", "1000000 500000 1 1"),
    ("associations", "associations_company", "1000000 500000 10 1"),
)
"""What ANALYZE would find in a full sandbox. Told beforehand, since without it SQLite takes portal and type for a
narrow choice and reads all contacts of a portal to find one email."""

DATA_TABLES = (
    "records",
    "redirects",
    "history",
    "associations",
    "properties",
    "submissions",
    "portals",
    "tokens",
    "outbox",
    "sequences",
    "lagging",
)


class Database:
    """The one connection, with transactions as context managers."""

    def __init__(self, data_dir: Path) -> None:
        data_dir.mkdir(parents=True, exist_ok=True)
        self.connection = sqlite3.connect(
            data_dir / FILE, isolation_level=None, cached_statements=512, check_same_thread=False
        )
        # A killed process loses nothing with synchronous=OFF; only a killed machine does, and then nobody minds.
        for pragma in (
            "page_size=8192",
            "journal_mode=WAL",
            "synchronous=OFF",
            "wal_autocheckpoint=4000",
            "temp_store=MEMORY",
            "cache_size=-65536",
            "mmap_size=1073741824",
        ):
            self.connection.execute(f"PRAGMA {pragma}")
        self.connection.executescript(_SCHEMA)
        self.connection.execute("ANALYZE sqlite_schema")  # creates sqlite_stat1
        self.connection.execute("DELETE FROM sqlite_stat1")
        self.connection.executemany("INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", _STATISTICS)
        self.connection.execute("ANALYZE sqlite_schema")  # loads it
        self.connection.execute("UPDATE outbox SET sending = 0 WHERE sending = 1")
        self._number = time.time_ns()
        self.execute = self.connection.execute
        self.executemany = self.connection.executemany

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; not nested."""
        self.execute("BEGIN")
        try:
            yield
        except BaseException:
            self.connection.rollback()
            raise
        self.connection.commit()

    def next_number(self) -> int:
        """A number larger than all before it, across restarts too: the order of a property's versions."""
        self._number += 1
        return self._number

    def next_ids(self, portal: int, kind: int, count: int = 1) -> range:
        """Take `count` ids of a sequence."""
        row = self.execute(
            "INSERT INTO sequences VALUES (?, ?, ?) "
            "ON CONFLICT (portal, type) DO UPDATE SET next = next + ? RETURNING next",
            (portal, kind, FIRST_ID + count, count),
        ).fetchone()
        return range(row[0] - count, row[0])

    def count_issued(self, portal: int, kind: int) -> int:
        """How many ids of a sequence were taken: at least as many as there are records."""
        row = self.execute("SELECT next FROM sequences WHERE portal = ? AND type = ?", (portal, kind)).fetchone()
        return 0 if row is None else int(row[0]) - FIRST_ID

    def wipe(self, *, keep_properties: bool = False) -> None:
        """Forget everything, or everything but the definitions of properties; call it inside a transaction."""
        for table in DATA_TABLES:
            if not (keep_properties and table == "properties"):
                self.execute(f"DELETE FROM {table}")

    def close(self) -> None:
        """Close the file."""
        self.connection.close()


def marks(count: int) -> str:
    """`?,?,?`: placeholders for an IN list."""
    return ",".join("?" * count)
