"""What do we keep of the CRM's records? Only of those that the ledger touches, and only what pages show."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson
from sqlalchemy import select, text, update

from syncworker.hubspot.properties import PropertyNames
from syncworker.store.arrays import among, joined, split
from syncworker.store.database import Tx, in_drivers_words
from syncworker.store.tables import records, registrations
from syncworker.store.texts import storable
from syncworker.sync.marks import Kind

# What we keep of a person.
_PERSONAL = ("name", "email", "company", "country", "seen")
# SQL that sets a row to nothing of it; `:detail` is the property's name. What was written stays known but for its
# sentence, which may quote what somebody typed: a restored record that still shows something is thereby found, and
# brought to what is so.
FORGET_PERSON = ", ".join([*(f"{column} = NULL" for column in _PERSONAL), "written = written - :detail ::text"])
_UNLESS_ERASED = ", ".join(
    f"{column} = CASE WHEN records.erased_at IS NULL THEN excluded.{column} END" for column in _PERSONAL
)

# The same values written this often within this time: the CRM does not keep them, and a person must look.
SAME_WRITES = 3
SAME_WITHIN = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class KnownRecord:
    """A record as we last saw and wrote it."""

    object_id: str
    company: str | None
    country: str | None
    domain: str | None
    company_id: str | None
    presence: str
    reconciled_at: datetime
    seen: str | None
    written: Mapping[str, str]
    written_times: int
    written_since: datetime | None
    written_at: datetime | None
    held: bool
    """Whether somebody was at it when this was looked up, who may have written it before it is claimed."""

    def was_written_since(self, read_after: datetime) -> bool:
        """Whether what was read of it at some time after that may be what was there before our write."""
        return self.written_at is not None and self.written_at > read_after

    def does_not_keep(self, wanted: Mapping[str, str], now: datetime) -> bool:
        """Whether these very values were written too often to believe that the CRM keeps them."""
        return (
            dict(self.written) == dict(wanted)
            and self.written_times >= SAME_WRITES
            and self.written_since is not None
            and self.written_since > now - SAME_WITHIN
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A record as it was just read."""

    object_id: str
    name: str | None = None
    email: str | None = None
    company: str | None = None
    country: str | None = None
    domain: str | None = None
    company_id: str | None = None
    presence: str = "live"
    seen: str | None = None

    def is_kept(self, known: KnownRecord) -> bool:
        """Whether all of it is known. The name and the email are in the digest of what was seen."""
        return (
            self.seen == known.seen
            and self.domain == known.domain
            and self.company_id == known.company_id
            and (self.company == known.company or _cut(self.company) == known.company)
            and (self.country == known.country or _cut(self.country) == known.country)
            and self.presence == known.presence
        )


def of(tx: Tx, hub_id: int, kind: Kind, ids: Collection[str]) -> dict[str, KnownRecord]:
    """What is known of these records."""
    if not ids:
        return {}
    rows = tx.ask(_OF, {"hub_id": hub_id, "kind": kind.value, "ids": joined(ids)}).rows
    return {row[0]: _known(row) for row in rows}


def _known(row: Sequence[Any]) -> KnownRecord:
    fields = list(row)
    fields[8] = orjson.loads(row[8]) if row[8] else {}
    return KnownRecord(*fields)


# One text and no list of parameters: compiled once, whatever the number of ids. What was written as text: parsing
# it in the driver costs more than all the rest. Who is at a record lets go of it as it notes what it wrote: one look
# sees one or the other.
_OF = in_drivers_words(f"""
    SELECT object_id, company, country, domain, company_id, presence, reconciled_at, seen,
           CAST(written AS text), written_times, written_since, written_at,
           (SELECT m.claim_token FROM marks AS m
             WHERE m.hub_id = r.hub_id AND m.kind = r.kind AND m.object_id = r.object_id) IS NOT NULL
      FROM records AS r WHERE hub_id = :hub_id AND kind = :kind AND object_id = ANY({split("ids")})
""")


@dataclass(frozen=True, slots=True)
class KnownCompany:
    """What we know of a company's fields."""

    object_id: str
    name: str | None
    country: str | None
    domain: str | None


def companies(tx: Tx, hub_id: int, ids: Collection[str]) -> dict[str, KnownCompany]:
    """What is known of these companies."""
    if not ids:
        return {}
    rows = tx.ask(_COMPANIES, {"hub_id": hub_id, "ids": joined(ids)}).rows
    return {row[0]: KnownCompany(*row) for row in rows}


_COMPANIES = in_drivers_words(f"""
    SELECT object_id, name, country, domain FROM records
     WHERE hub_id = :hub_id AND kind = 'company' AND object_id = ANY({split("ids")})
""")


def keep(tx: Tx, hub_id: int, kind: Kind, read: Sequence[Seen], known: Mapping[str, KnownRecord]) -> None:
    """Keep what was read, cut to what a page can show; of what is `known` already, only that it was looked at."""
    same = [one.object_id for one in read if one.object_id in known and one.is_kept(known[one.object_id])]
    _looked_at(tx, hub_id, kind, same)
    new = [one for one in read if one.object_id not in known or not one.is_kept(known[one.object_id])]
    if new:
        _keep(tx, hub_id, kind, new)


def _looked_at(tx: Tx, hub_id: int, kind: Kind, ids: Collection[str]) -> None:
    """Note that these were looked at, and are as they were."""
    if ids:
        parameters = {"hub_id": hub_id, "kind": kind.value, "ids": joined(sorted(ids)), "now": tx.now}
        tx.ask(_LOOKED_AT, parameters)


_LOOKED_AT = in_drivers_words(f"""
    UPDATE records SET reconciled_at = :now
     WHERE hub_id = :hub_id AND kind = :kind AND object_id = ANY({split("ids")})
""")


def _keep(tx: Tx, hub_id: int, kind: Kind, read: Sequence[Seen]) -> None:
    rows = [
        {
            "object_id": one.object_id,
            "name": _cut(one.name),
            "email": _cut(one.email),
            "company": _cut(one.company),
            "country": _cut(one.country),
            "domain": one.domain,
            "company_id": one.company_id,
            "presence": one.presence,
            "seen": one.seen,
        }
        for one in sorted(read, key=lambda r: r.object_id)
    ]
    parameters = {"hub_id": hub_id, "kind": kind.value, "now": tx.now, "rows": json.dumps(rows)}
    tx.ask(_KEEP, parameters)


# Rows as JSON: one statement however many there are, and compiled once.
_KEEP = in_drivers_words(f"""
    INSERT INTO records (hub_id, kind, object_id, name, email, company, country, domain, company_id, presence, seen,
                         reconciled_at)
    SELECT :hub_id, :kind, r.object_id, r.name, r.email, r.company, r.country, r.domain, r.company_id, r.presence,
           r.seen, :now ::timestamptz
      FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r (object_id text, name text, email text, company text,
           country text, domain text, company_id text, presence text, seen text)
    ON CONFLICT (hub_id, kind, object_id) DO UPDATE SET
        -- Read before a privacy deletion, and kept after it: a person who was erased stays so.
        {_UNLESS_ERASED},
        domain = excluded.domain, company_id = excluded.company_id, presence = excluded.presence,
        reconciled_at = excluded.reconciled_at
""")


def gone(tx: Tx, hub_id: int, kind: Kind, ids: Collection[str]) -> None:
    """Note that these are no longer in the CRM, and keep nothing of a person.

    A privacy deletion cannot be told from another one afterwards; a record that is restored is read anew.
    """
    if ids:
        parameters = {"hub_id": hub_id, "kind": kind.value, "ids": sorted(ids), "now": tx.now}
        tx.connection.execute(_NOTE_REGISTERED, parameters)
        tx.connection.execute(_GONE_CONTACTS if kind is Kind.CONTACT else _GONE_COMPANIES, parameters)


# One that stands for a registration is noted even if it was never seen: else nobody could tell that it is gone.
_NOTE_REGISTERED = text("""
    INSERT INTO records (hub_id, kind, object_id, reconciled_at)
    SELECT DISTINCT :hub_id, :kind, named.id, CAST(:now AS timestamptz)
      FROM (SELECT CASE WHEN :kind = 'contact' THEN contact_id ELSE company_id END AS id FROM registrations
             WHERE hub_id = :hub_id AND ended_at IS NULL
               AND ((:kind = 'contact' AND contact_id = ANY(:ids))
                    OR (:kind = 'company' AND company_id = ANY(:ids)))) AS named
    ON CONFLICT (hub_id, kind, object_id) DO NOTHING
""")
_GONE = """
    UPDATE records SET presence = CASE WHEN presence = 'erased' THEN presence ELSE 'archived' END,
           reconciled_at = :now {personal}
     WHERE hub_id = :hub_id AND kind = :kind AND object_id = ANY(:ids)
"""
_GONE_COMPANIES = text(_GONE.format(personal=""))
_GONE_CONTACTS = text(_GONE.format(personal=f", {FORGET_PERSON}")).bindparams(detail=PropertyNames().detail)


def move(tx: Tx, hub_id: int, kind: Kind, moved: Mapping[str, str]) -> None:
    """What we keep of merged records is of the record that they are now, to be looked at anew."""
    for old, new in sorted(moved.items()):
        parameters = {"hub_id": hub_id, "kind": kind.value, "old": old, "new": new}
        tx.connection.execute(_MOVE, parameters)
        tx.connection.execute(_FORGET, parameters)
        if kind is Kind.COMPANY:
            of_company = update(records).where(records.c.hub_id == hub_id, records.c.company_id == old)
            tx.connection.execute(of_company.values(company_id=new))


# Without the digest: whoever compares by it looks at the record anew.
_MOVE = text("""
    UPDATE records SET object_id = :new, seen = NULL
     WHERE hub_id = :hub_id AND kind = :kind AND object_id = :old
       AND NOT EXISTS (SELECT FROM records AS there
            WHERE there.hub_id = :hub_id AND there.kind = :kind AND there.object_id = :new)
""")
_FORGET = text("DELETE FROM records WHERE hub_id = :hub_id AND kind = :kind AND object_id = :old")


# By their ids, too: joined alone, all records of the portal would be read for a hundred.
_WRITTEN = in_drivers_words(f"""
    UPDATE records AS r
       SET written = w.values,
           written_times = CASE WHEN r.written = w.values AND r.written_since > :since
               THEN r.written_times + :one ELSE :one END,
           written_since = CASE WHEN r.written = w.values AND r.written_since > :since
               THEN r.written_since ELSE :now END,
           written_at = CASE WHEN :one = 1 THEN :now ELSE r.written_at END
      FROM jsonb_each(CAST(:written AS jsonb)) AS w (object_id, values)
     WHERE r.hub_id = :hub_id AND r.kind = :kind AND r.object_id = w.object_id
       AND r.object_id = ANY({split("ids")})
""")


def note_written(tx: Tx, hub_id: int, kind: Kind, values: Mapping[str, str], *, counted: bool) -> None:
    """Note what these records hold now, as JSON by id; `counted`: because we wrote it."""
    if values:
        # One document: as an array of documents, the driver would escape each of them once more.
        ids = sorted(values)
        written = ", ".join(f"{json.dumps(object_id)}: {values[object_id]}" for object_id in ids)
        parameters = {
            "hub_id": hub_id,
            "kind": kind.value,
            "ids": joined(ids),
            "written": f"{{{written}}}",
            "one": 1 if counted else 0,
            "now": tx.now,
            "since": tx.now - SAME_WITHIN,
        }
        tx.ask(_WRITTEN, parameters)


def being_cleared(tx: Tx, hub_id: int, ids: Collection[str]) -> dict[str, datetime]:
    """Contacts whose request property was being cleared, and up to when its history is handled."""
    query = select(records.c.object_id, records.c.request_cleared).where(
        records.c.hub_id == hub_id,
        records.c.kind == Kind.CONTACT.value,
        among(records.c.object_id, ids),
        records.c.request_cleared.is_not(None),
    )
    return {row.object_id: row.request_cleared for row in tx.connection.execute(query)}


def note_being_cleared(tx: Tx, hub_id: int, handled: Mapping[str, datetime | None]) -> None:
    """Note up to when the history of request properties is handled; None once they are cleared for good."""
    for contact_id, moment in sorted(handled.items()):
        tx.connection.execute(
            update(records)
            .where(records.c.hub_id == hub_id, records.c.kind == Kind.CONTACT.value, records.c.object_id == contact_id)
            .values(request_cleared=moment)
        )


def contacts_of(tx: Tx, hub_id: int, company_ids: Collection[str]) -> set[str]:
    """The known contacts of these companies."""
    query = select(records.c.object_id).where(
        records.c.hub_id == hub_id,
        records.c.kind == Kind.CONTACT.value,
        among(records.c.company_id, company_ids),
    )
    return set(tx.connection.execute(query).scalars())


def registered_domains(tx: Tx, partner_id: int, domains: Collection[str]) -> set[str]:
    """Which of these domains the partner has, or had, a registration on."""
    query = select(registrations.c.domain).where(
        registrations.c.partner_id == partner_id, among(registrations.c.domain, domains)
    )
    return set(tx.connection.execute(query).scalars()) if domains else set()


def _cut(value: str | None) -> str | None:
    # A page shows no more than this.
    return None if value is None else storable(value[:200])
