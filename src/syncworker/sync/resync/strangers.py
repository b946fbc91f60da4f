"""Of which listed contacts does nothing here know? Most of many portals: one look tells it of a whole page.

Those are left alone, whatever else is known: nothing of them is kept, and nothing written to them. Never one that asked
or asks for something, was merged, or is at a company that is kept: without it, their website alone tells their domain.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from syncworker.hubspot.reading import MERGED
from syncworker.hubspot.records import Record
from syncworker.store.arrays import joined, split
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.reconcile.leads import subject


@dataclass(frozen=True, slots=True, kw_only=True)
class MayBe:
    """Contacts that are strangers unless something of theirs is NAMED: themselves, their domain, or a company."""

    domains: Mapping[str, str | None]
    employers: Mapping[str, frozenset[str]]

    def parameters(self, portal: Portal) -> dict[str, object]:
        """Those of NAMED."""
        return {
            "hub_id": portal.hub_id,
            "partner_id": portal.partner.id,
            "contacts": joined(self.domains),
            "companies": joined({company for at in self.employers.values() for company in at}),
            "domains": joined({domain for domain in self.domains.values() if domain is not None}),
        }

    def without(self, named: Collection[tuple[str, str]]) -> set[str]:
        """Those that are strangers, given all that NAMED found."""
        found = set(named)
        return {
            contact_id
            for contact_id, domain in self.domains.items()
            if ("contact", contact_id) not in found
            and ("domain", domain) not in found
            and found.isdisjoint(("company", company) for company in self.employers[contact_id])
        }


def may_be(context: Context, contacts: Mapping[str, Record]) -> MayBe:
    """Those of these contacts of whom nothing that was read says that they are none."""
    domains: dict[str, str | None] = {}
    employers: dict[str, frozenset[str]] = {}
    for contact_id, record in contacts.items():
        of = record.properties
        if of.get(context.names.request) or any(map(of.get, MERGED)):
            continue
        domain = subject(record, None, context.domain_rules).domain
        domains[contact_id] = domain if isinstance(domain, str) else None
        employers[contact_id] = frozenset(one.to_id for one in record.associations.get("company", ()))
    return MayBe(domains=domains, employers=employers)


# Whatever deciding would find. Registrations as it looks for them: of the partner, and those in force of any other.
NAMED = f"""
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
"""
