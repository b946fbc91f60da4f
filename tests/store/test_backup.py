"""A backup is all of the database or nothing, and restoring it makes the database what it was, standing still."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect, select, text
from sqlalchemy.pool import NullPool

from syncworker.store import backup, migrate, portals
from syncworker.store.backup import BadBackup, NotEmpty, NotWritten, OldSchema, OtherKey
from syncworker.store.database import Database
from syncworker.store.portals import Mode
from syncworker.store.secrets import PortalCredentials, Secrets
from syncworker.store.tables import metadata

SECRETS = Secrets("the key of these tests, long enough")
ODD = "back\\slash\ttab\nline åäö 🦀 \\N"


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url)
    yield made
    made.close()


def fill(database: Database) -> None:
    """One portal in mode write with a mark that somebody holds, and one that a person paused."""
    with database.transaction() as tx:
        portals.bind_to(tx, "sandbox")
        partner = portals.ensure_partner(tx, name=ODD, program="p", tier="t", capacity=None)
        for hub_id in (1, 2):
            portals.add(
                tx,
                hub_id=hub_id,
                partner=partner,
                name="portal",
                mode=Mode.WRITE,
                time_zone="UTC",
                ui_domain="app.hubspot.com",
                app_id=None,
                partner_company_id=None,
                sealed=SECRETS.seal(PortalCredentials(access_token="secret")),
            )
        portals.pause(tx, 2, who="eva", reason="an audit")
        tx.connection.execute(
            text("""
            INSERT INTO marks (hub_id, kind, object_id, priority, cause, marked_at, not_before, claim_token)
            VALUES (1, 'contact', '7', 0, :odd, now(), now() + interval '1 minute', gen_random_uuid())
            """),
            {"odd": ODD},
        )
        tx.connection.execute(
            text("""
            INSERT INTO registrations (id, partner_id, domain, hub_id, source, registered_on, expires_on, expires_at,
                                       created_at)
            VALUES (41, :partner, 'fjordline-tools.se', 1, 'form', '2026-01-01', '2026-12-31', '2027-01-01', now())
            """),
            {"partner": partner.id},
        )
        tx.connection.execute(
            text("""
            INSERT INTO history (at, partner_id, event, source, who) VALUES (now(), :p, 'registered', 'form', :odd)
            """),
            {"p": partner.id, "odd": ODD},
        )
        tx.connection.execute(text('INSERT INTO inbox (events) VALUES (\'[[1, "contact", "7", "creation"]]\')'))


def rows(url: str) -> dict[str, list[dict[str, object]]]:
    """All that a database holds."""
    engine = create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        return {
            name: sorted((dict(row._mapping) for row in connection.execute(select(table))), key=str)
            for name, table in metadata.tables.items()
        }


def test_what_is_restored_is_what_was_there_but_every_portal_stands_still(
    database: Database, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    fill(database)
    file = tmp_path / "day.backup"
    made = backup.back_up(database_url, SECRETS, file)
    assert (file.stat().st_mode & 0o777, b"secret" in file.read_bytes()) == (0o600, False)
    assert {t.name: t.rows for t in made.tables}["portals"] == 2
    before = rows(database_url)
    backup.restore(empty_database_url, SECRETS, file, force=False, other_key=False)
    after = rows(empty_database_url)
    untouched = {name for name in before if name not in {"portals", "marks", "cursors", "clock_skew"}}
    assert {name: after[name] for name in untouched} == {name: before[name] for name in untouched}
    one, two = after["portals"]
    assert (one["mode"], one["mode_before"], one["paused_by"]) == ("paused", "write", "restore")
    assert "run `syncworker rebuild`" in str(one["paused_reason"])
    assert (two["paused_by"], two["paused_reason"], two["mode_before"]) == ("eva", "an audit", "write")
    assert one["restored_from"] == two["restored_from"] == made.taken_at
    [mark] = after["marks"]
    assert mark["claim_token"] is None
    assert mark["cause"] == ODD
    engine = create_engine(empty_database_url, poolclass=NullPool)
    with engine.begin() as connection:
        assert migrate.differences(connection) == []
        # What is numbered from now on was never numbered so, before the backup or after it
        assert connection.execute(text("SELECT nextval('mark_generation')")).scalar_one() > 1_000_000
        number = text("SELECT nextval(pg_get_serial_sequence('registrations', 'id'))")
        assert connection.execute(number).scalar_one() == 42
        with pytest.raises(Exception, match="append-only"):
            connection.execute(text("DELETE FROM history"))


def test_a_database_that_holds_something_is_not_overwritten_unless_that_is_said(
    database: Database, database_url: str, tmp_path: Path
) -> None:
    fill(database)
    file = tmp_path / "day.backup"
    backup.back_up(database_url, SECRETS, file)
    with database.transaction() as tx:
        tx.connection.execute(text("UPDATE registrations SET domain = 'newer.se'"))
    before = rows(database_url)
    with pytest.raises(NotEmpty):
        backup.restore(database_url, SECRETS, file, force=False, other_key=False)
    assert rows(database_url) == before
    backup.restore(database_url, SECRETS, file, force=True, other_key=False)
    assert [row["domain"] for row in rows(database_url)["registrations"]] == ["fjordline-tools.se"]


def test_another_key_is_noticed(database: Database, database_url: str, empty_database_url: str, tmp_path: Path) -> None:
    fill(database)
    file = tmp_path / "day.backup"
    backup.back_up(database_url, SECRETS, file)
    other = Secrets("another key, just as long as that one")
    with pytest.raises(OtherKey, match="SYNCWORKER_SECRET_KEY"):
        backup.restore(empty_database_url, other, file, force=False, other_key=False)
    backup.restore(empty_database_url, other, file, force=False, other_key=True)
    assert len(rows(empty_database_url)["portals"]) == 2


def test_a_backup_of_an_older_schema_is_brought_to_the_newest(
    database: Database, database_url: str, empty_database_url: str, postgres_url: str, tmp_path: Path
) -> None:
    # Given what the first version's backup holds: its own columns only
    fill(database)
    file, old = tmp_path / "day.backup", tmp_path / "old.backup"
    backup.back_up(database_url, SECRETS, file)
    first = {"0001": {"deployment": ["one", "hubspot"], "partners": ["id", "name", "program", "tier"]}}
    engine = create_engine(database_url, poolclass=NullPool)
    with zipfile.ZipFile(old, "w") as archive, engine.connect() as connection:
        tables = [backup.Table(name=name, columns=columns, rows=1) for name, columns in first["0001"].items()]
        for table in tables:
            lines = connection.execute(text(f"SELECT {', '.join(table.columns)} FROM {table.name}")).all()
            escaped = [
                "\t".join(
                    "t" if value is True else str(value).replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n")
                    for value in line
                )
                for line in lines
            ]
            archive.writestr(f"{table.name}.copy", "\n".join(escaped) + "\n")
        manifest = json.loads(zipfile.ZipFile(file).read("manifest.json"))
        manifest |= {
            "revision": "0001",
            "tables": [{"name": t.name, "columns": t.columns, "rows": t.rows} for t in tables],
        }
        archive.writestr("manifest.json", json.dumps(manifest))
    backup.restore(empty_database_url, SECRETS, old, force=False, other_key=False)
    assert [row["name"] for row in rows(empty_database_url)["partners"]] == [ODD]
    with create_engine(empty_database_url, poolclass=NullPool).connect() as connection:
        assert migrate.is_current(connection)


def _cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-200])


def _changed(**values: object) -> Callable[[Path], None]:
    def change(file: Path) -> None:
        with zipfile.ZipFile(file) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        parts["manifest.json"] = json.dumps({**json.loads(parts["manifest.json"]), **values}).encode()
        with zipfile.ZipFile(file, "w") as archive:
            for name, part in parts.items():
                archive.writestr(name, part)

    return change


BROKEN: list[tuple[Callable[[Path], object], str]] = [
    (_cut, "no backup"),
    (lambda file: file.write_text("hello"), "no backup"),
    (lambda file: file.unlink(), "cannot be read"),
    (_changed(revision="9999"), "newer version"),
    (_changed(format=2), "newer version"),
    (_changed(taken_at="yesterday"), "no backup"),
]


@pytest.mark.parametrize(("spoil", "why"), BROKEN)
def test_what_is_no_backup_is_refused_in_words(
    database_url: str, tmp_path: Path, spoil: Callable[[Path], object], why: str
) -> None:
    file = tmp_path / "day.backup"
    backup.back_up(database_url, SECRETS, file)
    spoil(file)
    with pytest.raises(BadBackup, match=why):
        backup.restore(database_url, SECRETS, file, force=True, other_key=False)


def test_a_database_without_a_schema_is_not_backed_up_and_leaves_no_file(
    empty_database_url: str, tmp_path: Path
) -> None:
    with pytest.raises(OldSchema):
        backup.back_up(empty_database_url, SECRETS, tmp_path / "day.backup")
    assert list(tmp_path.iterdir()) == []


def test_a_backup_is_of_one_instant(database: Database, database_url: str, tmp_path: Path) -> None:
    fill(database)
    made = backup.back_up(database_url, SECRETS, tmp_path / "day.backup")
    assert abs((made.taken_at - datetime.now(UTC)).total_seconds()) < 60
    assert made == backup.read_manifest(tmp_path / "day.backup")


def test_what_is_damaged_is_told_and_changes_nothing(
    database: Database, database_url: str, empty_database_url: str, tmp_path: Path
) -> None:
    fill(database)
    whole, damaged = tmp_path / "whole", tmp_path / "damaged"
    backup.back_up(database_url, SECRETS, whole)
    for marks, told in ((None, "lacks marks.copy"), (b"1\t2\n", "missing data")):
        with zipfile.ZipFile(whole) as archive, zipfile.ZipFile(damaged, "w") as other:
            for name in archive.namelist():
                kept = archive.read(name) if name != "marks.copy" else marks
                if kept is not None:
                    other.writestr(name, kept)
        with pytest.raises(BadBackup, match=told):
            backup.restore(empty_database_url, SECRETS, damaged, force=False, other_key=False)
    engine = create_engine(empty_database_url, poolclass=NullPool)
    with engine.connect() as connection:
        assert inspect(connection).get_table_names() == []


def test_a_backup_that_cannot_be_written_says_so(database: Database, database_url: str, tmp_path: Path) -> None:
    fill(database)
    with pytest.raises(NotWritten, match="No such file or directory"):
        backup.back_up(database_url, SECRETS, tmp_path / "not there" / "day.backup")


def test_a_backup_takes_no_place_but_that_of_a_file(database: Database, database_url: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    link = tmp_path / "device"
    link.symlink_to(pipe)
    for place in (pipe, link):
        with pytest.raises(NotWritten, match="it is no file"):
            backup.back_up(database_url, SECRETS, place)
        assert pipe.is_fifo()
    assert not list(tmp_path.glob("*.part"))


def test_a_link_to_the_newest_backup_stays_one(database: Database, database_url: str, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    link = tmp_path / "newest"
    link.symlink_to(tmp_path / "disk" / "day.backup")
    for _ in range(2):
        backup.back_up(database_url, SECRETS, link)
        assert link.is_symlink()
        assert backup.read_manifest(tmp_path / "disk" / "day.backup").tables
