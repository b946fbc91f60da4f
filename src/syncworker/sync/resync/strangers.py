"""Of which listed contacts does nothing here know? Most of many portals: one look tells it of a whole page."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from syncworker.hubspot.reading import MERGED
from syncworker.hubspot.records import Record
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx, in_drivers_words
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.reconcile.leads import subject


def strangers(
    tx: Tx, context: Context, portal: Portal, contacts: Mapping[str, Record], companies: Collection[str]
) -> set[str]:
    """Those that are left alone, whatever else is known: nothing of them is kept, and nothing written to them.

    Never one that asked or asks for something, was merged, or is at a company that is kept or among `companies`:
    without it, their website alone tells their domain.
    """
    domains: dict[str, str | None] = {}
    employers: dict[str, set[str]] = {}
    for contact_id, record in contacts.items():
        of = record.properties
        at = {one.to_id for one in record.associations.get("company", ())}
        if of.get(context.names.request) or any(map(of.get, MERGED)) or not at.isdisjoint(companies):
            continue
        domain = subject(record, None, context.domain_rules).domain
        domains[contact_id] = domain if isinstance(domain, str) else None
        employers[contact_id] = at
    if not domains:
        return set()
    parameters = {
        "hub_id": portal.hub_id,
        "partner_id": portal.partner.id,
        "contacts": joined(domains),
        "companies": joined({company for at in employers.values() for company in at}),
        "domains": joined({domain for domain in domains.values() if domain is not None}),
    }
    named = set(tx.ask(_NAMED, parameters).rows)
    return {
        contact_id
        for contact_id, domain in domains.items()
        if ("contact", contact_id) not in named
        and ("domain", domain) not in named
        and named.isdisjoint(("company", company) for company in employers[contact_id])
    }


# Whatever deciding would find. Registrations as it looks for them: of the partner, and those in force of any other.
_NAMED = in_drivers_words(f"""
    SELECT kind, object_id FROM records
     WHERE hub_id = :hub_id AND kind = 'contact' AND object_id = ANY({split("contacts")})
    UNION ALL
    SELECT kind, object_id FROM records
     WHERE hub_id = :hub_id AND kind = 'company' AND object_id = ANY({split("companies")})
    UNION ALL
    SELECT 'contact', contact_id FROM requests WHERE hub_id = :hub_id AND contact_id = ANY({split("contacts")})
    UNION ALL
    SELECT 'contact', contact_id FROM registrations WHERE hub_id = :hub_id AND contact_id = ANY({split("contacts")})
    UNION ALL
    SELECT 'domain', domain FROM registrations
     WHERE domain = ANY({split("domains")}) AND (partner_id = :partner_id OR ended_at IS NULL)
""")
