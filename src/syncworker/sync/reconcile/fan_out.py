"""What must be marked because the ledger changed?

Written in the transaction of the change, so that it cannot be forgotten. A domain mark stands for all records of the
domain; they are found and marked later, outside the partner's lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from syncworker.registration.ledger.changes import Changes
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.wake import Bell, Ring


def mark_changes(
    tx: Tx,
    changes: Changes,
    *,
    cause: str,
    priority: Priority,
    except_contacts: Collection[tuple[int, str]] = (),
    except_companies: Collection[tuple[int, str]] = (),
) -> set[Ring]:
    """Mark what the changes concern, but not what this very transaction has just decided; return whom to wake."""
    rings: set[Ring] = set()
    by_hub: dict[tuple[int, Kind], set[str]] = defaultdict(set)
    for hub_id, contact_id in changes.contacts - set(except_contacts):
        by_hub[hub_id, Kind.CONTACT].add(contact_id)
    for hub_id, company_id in changes.companies - set(except_companies):
        by_hub[hub_id, Kind.COMPANY].add(company_id)
    partner_portals = {
        partner_id: portals.everyone(tx, partner_id=partner_id)
        for partner_id in sorted({partner for partner, _ in changes.domains} | changes.partners)
    }
    domains: dict[int, set[str]] = defaultdict(set)
    own_companies: dict[int, set[str]] = defaultdict(set)
    for partner_id, domain in changes.domains:
        for portal in partner_portals[partner_id]:
            domains[portal.hub_id].add(domain)
    for partner_id in changes.partners:
        for portal in partner_portals[partner_id]:
            if portal.partner_company_id:
                own_companies[portal.hub_id].add(portal.partner_company_id)
    for (hub_id, kind), ids in sorted(by_hub.items()):
        mark(tx, hub_id, kind, ids, priority=priority, cause=cause)
        rings.add(_ring(hub_id, priority))
    for hub_id, ids in sorted(own_companies.items()):
        mark(tx, hub_id, Kind.COMPANY, ids, priority=Priority.POLL, cause="capacity")
        rings.add(_ring(hub_id, Priority.POLL))
    for hub_id, ids in sorted(domains.items()):
        mark(tx, hub_id, Kind.DOMAIN, ids, priority=Priority.POLL, cause=cause)
        rings.add(_ring(hub_id, Priority.POLL))
    return rings


def _ring(hub_id: int, priority: Priority) -> Ring:
    bell = Bell.SERVE_INTERACTIVE if priority.resets else Bell.SERVE_BULK
    return Ring(bell, hub_id)
