"""Which of the records that were found may the ledger have something new to say about, or to?

Those with a request, a ledger entry or a registered domain that differ from what we know. All others come to nothing
here: an email blast to half a million contacts marks nobody, and our own write-backs end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import select

from syncworker.hubspot.properties import PropertyNames
from syncworker.hubspot.records import Record
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import Presence
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.tables import requests
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind
from syncworker.sync.reconcile import known_records, merges
from syncworker.sync.reconcile.known_records import KnownRecord
from syncworker.sync.reconcile.leads import seen
from syncworker.sync.reconcile.shown import differences

# A contact's primary company, as a property of the contact: searches bring it along at no cost.
COMPANY_OF_CONTACT = "associatedcompanyid"


def of_interest(tx: Tx, context: Context, portal: Portal, kind: Kind, found: Sequence[Record]) -> set[str]:
    """The ids of those. Of a contact's company as much is seen as COMPANY_OF_CONTACT, where it was read, tells."""
    names = context.names
    ids = {record.id for record in found}
    known = known_records.of(tx, portal.hub_id, kind, ids)
    asked = _with_requests(tx, portal.hub_id, ids) if kind is Kind.CONTACT else set()
    domains = _domains(tx, context, portal, kind, found)
    registered = known_records.registered_domains(
        tx, portal.partner.id, {domain for domain in domains.values() if domain is not None}
    )
    # One that took over from a record we know: its merge may be told by nothing else.
    chosen = merges.of_interest(tx, portal.hub_id, kind, found)
    for record in found:
        before = known.get(record.id)
        if kind is Kind.CONTACT and record.properties.get(names.request):
            chosen.add(record.id)
        elif before is not None:
            if _differs(names, kind, record, before):
                chosen.add(record.id)
        elif record.id in asked or domains[record.id] in registered or record.id == portal.partner_company_id:
            chosen.add(record.id)
    return chosen


def _differs(names: PropertyNames, kind: Kind, record: Record, known: KnownRecord) -> bool:
    if known.presence != Presence.LIVE or seen(kind.value, record.properties) != known.seen:
        return True
    company = record.properties.get(COMPANY_OF_CONTACT, known.company_id)
    if kind is Kind.CONTACT and (company or None) != known.company_id:
        return True  # it is in another company now, or in none
    return bool(differences(names, known.written, record.properties))


def _domains(tx: Tx, context: Context, portal: Portal, kind: Kind, found: Sequence[Record]) -> Mapping[str, str | None]:
    """The domain of each record by id: a contact without one has its primary company's, if that is known."""
    field = "website" if kind is Kind.CONTACT else "domain"
    domains = {record.id: _domain(context, record.properties.get(field)) for record in found}
    if kind is Kind.CONTACT:
        companies = {
            record.id: company
            for record in found
            if domains[record.id] is None and (company := record.properties.get(COMPANY_OF_CONTACT))
        }
        if companies:
            of_company = known_records.of(tx, portal.hub_id, Kind.COMPANY, set(companies.values()))
            domains |= {
                contact: of_company[company].domain for contact, company in companies.items() if company in of_company
            }
    return domains


def _domain(context: Context, website: str | None) -> str | None:
    domain = registrable(website, context.domain_rules)
    return domain if isinstance(domain, str) else None


def _with_requests(tx: Tx, hub_id: int, ids: Collection[str]) -> set[str]:
    query = select(requests.c.contact_id).where(requests.c.hub_id == hub_id, among(requests.c.contact_id, ids))
    return set(tx.connection.execute(query.distinct()).scalars())
