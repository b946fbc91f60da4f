"""Which records were merged away, and whose is what was theirs?

HubSpot makes a new record of two, with an id of its own; reading an old id gives the new record. So a merge is seen
from either side, whichever is looked at: an old id that answers with another one, or a record that names the ids it
had before. What it means stands in a transaction of its own, before the batch is decided: it is true whoever holds
the lease, and doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from sqlalchemy import text

from syncworker.hubspot.reading import merged_ids
from syncworker.hubspot.records import BatchRead, Record
from syncworker.registration.ledger import lead_contacts
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.rules.domains import registrable
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile import known_records
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.wake import Bell, Ring


@dataclass(frozen=True, slots=True, kw_only=True)
class Merged:
    """What a read told of merges: old ids with the ids that their records have now, and those records."""

    moved: Mapping[str, str] = field(default_factory=dict)
    survivors: Mapping[str, Record] = field(default_factory=dict)
    """By their present id."""
    instead: frozenset[str] = frozenset()
    """Present ids of those that were asked for by an old one."""


NOTHING_MERGED = Merged()


def merged(read: BatchRead) -> Merged:
    """What a batch read tells of merges."""
    survivors = {record.id: record for key, record in read.found.items() if key in read.moved or merged_ids(record)}
    return Merged(
        moved=former_ids(survivors.values()) | read.moved,
        survivors=survivors,
        instead=frozenset(read.moved.values()),
    )


def former_ids(records: Iterable[Record]) -> dict[str, str]:
    """The ids that these records had before they were merged, with their present ones."""
    return {old: record.id for record in records for old in merged_ids(record) if old != record.id}


def of_interest(tx: Tx, hub_id: int, kind: Kind, found: Iterable[Record]) -> set[str]:
    """Which of these records took over from others that something here still names."""
    former = former_ids(found)
    return {former[old] for old in _named(tx, hub_id, kind, former)} if former else set()


def follow(context: Context, hub_id: int, kind: Kind, of: Merged) -> None:
    """Re-point requests, registrations, marks and what we keep from old ids to new ones, and mark the new ones."""
    if of.moved:
        rings = context.database.run(lambda tx: _follow(tx, context, hub_id, kind, of))
        context.waker.ring(*rings)


def _follow(tx: Tx, context: Context, hub_id: int, kind: Kind, of: Merged) -> set[Ring]:
    named = _named(tx, hub_id, kind, of.moved)
    moved = {old: new for old, new in of.moved.items() if old in named}
    portal = portals.find(tx, hub_id)
    if portal is None:
        return set()
    if not moved:
        # Somebody wanted it looked at, and whoever it was does not know where it is now.
        mark(tx, hub_id, kind, of.instead, priority=Priority.WEBHOOK, cause="merge")
        return {Ring(Bell.SERVE_INTERACTIVE, hub_id)} if of.instead else set()
    portals.lock_partner(tx, portal.partner.id)
    if kind is Kind.CONTACT:
        shows = {new: _website(context, of.survivors.get(new)) for new in moved.values()}
        changes = lead_contacts.re_point_contacts(tx, hub_id, moved, shows=shows)
        contacts: set[str] = set()
    else:
        changes = lead_contacts.re_point_companies(tx, hub_id, moved)
        portals.company_merged(tx, hub_id, moved)
        # Those without a website of their own may have another domain by it.
        contacts = known_records.contacts_of(tx, hub_id, {*moved, *moved.values()})
    known_records.move(tx, hub_id, kind, moved)
    return _mark(tx, hub_id, kind, moved, changes, contacts, instead={*moved.values(), *of.instead})


def _mark(
    tx: Tx,
    hub_id: int,
    kind: Kind,
    moved: Mapping[str, str],
    changes: Changes,
    contacts: Collection[str],
    *,
    instead: Collection[str],
) -> set[Ring]:
    # Last, by the order of the locks. What somebody holds at this moment ends by itself: it finds the same.
    tx.connection.execute(_DROP_MARKS, {"hub_id": hub_id, "kind": kind.value, "ids": sorted(moved), "now": tx.now})
    own = changes.contacts if kind is Kind.CONTACT else changes.companies
    own -= {(hub_id, old) for old in moved}
    own |= {(hub_id, new) for new in instead}
    rings = mark_changes(tx, changes, cause="merge", priority=Priority.WEBHOOK)
    mark(tx, hub_id, Kind.CONTACT, contacts, priority=Priority.POLL, cause="company merged")
    return rings


_DROP_MARKS = text("""
    DELETE FROM marks WHERE hub_id = :hub_id AND kind = :kind AND object_id = ANY(:ids)
       AND (claim_token IS NULL OR not_before <= :now)
""")

# A mark alone is no reason, unless it waits for a person: whoever reads it finds the new record, and marks that.
_MARKED_OR_KEPT = text("""
    SELECT object_id FROM records WHERE hub_id = :hub_id AND kind = :kind AND object_id = ANY(:ids)
     UNION SELECT object_id FROM marks WHERE hub_id = :hub_id AND kind = :kind AND object_id = ANY(:ids)
       AND parked_at IS NOT NULL
""")
_OWN_COMPANY = text("""
    SELECT partner_company_id FROM portals WHERE hub_id = :hub_id AND partner_company_id = ANY(:ids)
""")


def _named(tx: Tx, hub_id: int, kind: Kind, ids: Collection[str]) -> set[str]:
    """Which of these ids something here names."""
    if not ids:
        return set()
    parameters = {"hub_id": hub_id, "kind": kind.value, "ids": sorted(ids)}
    found = set(tx.connection.execute(_MARKED_OR_KEPT, parameters).scalars())
    if kind is Kind.CONTACT:
        return found | lead_contacts.named_by(tx, hub_id, contacts=ids)
    own = tx.connection.execute(_OWN_COMPANY, {"hub_id": hub_id, "ids": sorted(ids)}).scalars()
    return found | set(own) | lead_contacts.named_by(tx, hub_id, companies=ids)


def _website(context: Context, record: Record | None) -> str | None:
    found = registrable(record.properties.get("website"), context.domain_rules) if record else None
    return found if isinstance(found, str) else None
