"""Whose records show the state of a domain?

A domain mark says that the state of a domain changed. Its companies and contacts are looked up, in pages and outside
any lock, and marked. Those that were reconciled after the change have seen it already.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, union

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.records import Filter, Sort
from syncworker.registration.ledger.moves import recall_taken
from syncworker.store.arrays import among
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.tables import records, registrations, requests
from syncworker.sync.claims import Claim
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.reconcile.plan import Plan

Ids = dict[str, set[str]]
"""Record ids by domain."""

# A search's body is at most 3000 characters (HubSpot CRM search guide); some are needed for all the rest.
_BODY = 2500
_SEARCH_ENDS = 10_000
_PAGE = 200
# No transaction waits and works longer (it waits for a lock 20 s at most, and for each of very few).
_LONGEST_TRANSACTION = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What HubSpot knows of some domains."""

    companies: Mapping[str, set[str]]
    contacts: Mapping[str, set[str]]


def find_records(client: HubSpotClient, domains: Collection[str]) -> Found:
    """The companies of these domains, their contacts, and the contacts with such a website."""
    companies = _search(client, "company", "domain", {domain: [domain, f"www.{domain}"] for domain in domains})
    contacts = _search(client, "contact", "website", {domain: _spellings(domain) for domain in domains})
    everyone = sorted({company_id for ids in companies.values() for company_id in ids})
    for start in range(0, len(everyone), 100):
        some = everyone[start : start + 100]
        associated = client.associations("company", "contact", some)
        for domain, ids in companies.items():
            for company_id in ids & associated.keys():
                contacts[domain] |= {one.to_id for one in associated[company_id]}
    return Found(companies=companies, contacts=contacts)


def commit_domains(tx: Tx, portal: Portal, claim: Claim, found: Found) -> Plan:
    """Mark what was found and what the ledger knows, unless it was reconciled after the domain was marked."""
    plan = Plan()
    since = {object_id: of.marked_at for (_, object_id), of in claim.marks.items()}
    for kind, ids in ((Kind.CONTACT, found.contacts), (Kind.COMPANY, found.companies)):
        known = _known(tx, portal.hub_id, kind, since)
        by_domain = {domain: ids.get(domain, set()) | known.get(domain, set()) for domain in since}
        fresh = _reconciled_since(tx, portal.hub_id, kind, by_domain, since)
        for domain, some in sorted(by_domain.items()):
            mark(
                tx,
                portal.hub_id,
                kind,
                some - fresh[domain],
                priority=Priority.POLL,
                cause=f"domain {domain}",
            )
    taken = recall_taken(tx, since)
    plan.rings |= mark_changes(tx, taken, cause="domain taken", priority=Priority.PERSON)
    plan.done |= set(claim.marks)
    return plan


def _spellings(domain: str) -> list[str]:
    """How people write the website of a domain. Other spellings are found when their record changes."""
    hosts = (domain, f"www.{domain}")
    return [f"{scheme}{host}{end}" for scheme in ("", "https://", "http://") for host in hosts for end in ("", "/")]


def _search(client: HubSpotClient, kind: str, property_name: str, spelled: Mapping[str, list[str]]) -> Ids:
    of_value = {value: domain for domain, values in spelled.items() for value in values}
    found: Ids = defaultdict(set)
    for values in _in_bodies(of_value):
        group = [Filter(property_name=property_name, operator="IN", values=tuple(values))]
        after: str | None = None
        while True:
            page = client.search(
                "contact" if kind == "contact" else "company",
                filter_groups=[group],
                sort=Sort("hs_object_id"),
                properties=[property_name],
                limit=_PAGE,
                after=after,
            )
            for record in page.records:
                domain = of_value.get((record.properties.get(property_name) or "").lower())
                if domain is not None:
                    found[domain].add(record.id)
            after = page.after
            if after is None or int(after) + _PAGE > _SEARCH_ENDS:
                break
    return found


def _in_bodies(values: Iterable[str]) -> Iterable[list[str]]:
    """The values in portions that fit the body of a search."""
    some: list[str] = []
    length = 0
    for value in values:
        if some and (length + len(value) + 4 > _BODY or len(some) == 100):
            yield some
            some, length = [], 0
        some.append(value)
        length += len(value) + 4
    if some:
        yield some


def _known(tx: Tx, hub_id: int, kind: Kind, domains: Mapping[str, datetime]) -> Ids:
    """Records that the ledger, or what we keep of the CRM, connects with these domains."""
    wanted = sorted(domains)
    column = "contact_id" if kind is Kind.CONTACT else "company_id"
    both = union(
        select(records.c.domain, records.c.object_id).where(
            records.c.hub_id == hub_id, records.c.kind == kind.value, among(records.c.domain, wanted)
        ),
        *(
            select(table.c.domain, table.c[column]).where(
                table.c.hub_id == hub_id, among(table.c.domain, wanted), table.c[column].is_not(None)
            )
            for table in (requests, registrations)
        ),
    )
    found: Ids = defaultdict(set)
    for domain, object_id in tx.connection.execute(both):
        found[domain].add(object_id)
    return found


def _reconciled_since(
    tx: Tx, hub_id: int, kind: Kind, by_domain: Mapping[str, set[str]], since: Mapping[str, datetime]
) -> Ids:
    everyone = sorted({object_id for ids in by_domain.values() for object_id in ids})
    rows = tx.connection.execute(
        select(records.c.object_id, records.c.reconciled_at).where(
            records.c.hub_id == hub_id, records.c.kind == kind.value, among(records.c.object_id, everyone)
        )
    )
    reconciled = {row.object_id: row.reconciled_at for row in rows}

    def knew(at: datetime, changed: datetime) -> bool:
        # Decided in the very transaction of the change; or begun when that was committed for sure. Both times are of
        # a transaction's beginning: one that began a moment later may not have seen what was not committed yet.
        return at == changed or at > changed + _LONGEST_TRANSACTION

    return {
        domain: {i for i in ids if i in reconciled and knew(reconciled[i], since[domain])}
        for domain, ids in by_domain.items()
    }
