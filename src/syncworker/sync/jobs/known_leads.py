"""Which contact, and which domain, does each lead of a file mean?

As far as we know it; for a domain of which we know nothing, as HubSpot's companies say.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.records import Filter, Sort
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx
from syncworker.sync.jobs.lead_rows import ID

# HubSpot's CRM search guide: a request is 3,000 characters at most, and a page 200 records.
_MOST_CHARACTERS = 2_000
_A_PAGE = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """Who is meant by a lead."""

    contact_id: str | None = None
    domain: str | None = None
    candidates: int = 0
    """Of a domain: how many contacts could stand for it. With more than one nobody said which."""

    @property
    def is_open(self) -> bool:
        """Whether HubSpot may know more of it: a domain without any contact that we know."""
        return self.contact_id is None and self.domain is not None and not self.candidates


def is_domain(lead: str) -> bool:
    """Whether a lead of a file is named by its domain, and by no id or email."""
    return "@" not in lead and not ID.fullmatch(lead)


def known(tx: Tx, hub_id: int, leads: Sequence[str]) -> dict[str, Meant]:
    """Who is meant by each, as far as we know; an email may belong to a contact that we know nothing of."""
    ids = {lead for lead in leads if ID.fullmatch(lead)}
    emails = {lead for lead in leads if "@" in lead}
    domains = {lead for lead in leads if is_domain(lead)}
    values = {"hub_id": hub_id, "ids": joined(ids), "emails": joined(emails), "domains": joined(domains)}
    by_id: dict[str, str | None] = {}
    by_email: dict[str, Meant] = {}
    by_domain: dict[str, set[str]] = {}
    for row in tx.connection.execute(_CONTACTS, values):
        by_id[row.object_id] = row.domain
        by_email[row.email or ""] = Meant(contact_id=row.object_id, domain=row.domain)
        by_domain.setdefault(row.domain or "", set()).add(row.object_id)
    found: dict[str, Meant] = {}
    for lead in leads:
        if lead in ids:
            found[lead] = Meant(contact_id=lead, domain=by_id.get(lead))
        elif lead in emails:
            found[lead] = by_email.get(lead, Meant())
        else:
            found[lead] = of_domain(lead, by_domain.get(lead, set()))
    return found


def of_domain(domain: str, contact_ids: Collection[str]) -> Meant:
    """Who is meant by a domain that these contacts have: the one, if it is one."""
    one = next(iter(contact_ids)) if len(contact_ids) == 1 else None
    return Meant(contact_id=one, domain=domain, candidates=len(contact_ids))


def in_hubspot(client: HubSpotClient, domains: Sequence[str]) -> Mapping[str, Meant]:
    """Who is meant by each domain: the contact of the company that has it; two calls for many. Raises HubSpot's."""
    found: dict[str, set[str]] = {domain: set() for domain in domains}
    for part in _parts(domains):
        after: str | None = None
        while True:
            page = client.search(
                "company",
                filter_groups=[[Filter(property_name="domain", operator="IN", values=tuple(part))]],
                sort=Sort("hs_object_id"),
                properties=["domain"],
                limit=_A_PAGE,
                after=after,
            )
            contacts = client.associations("company", "contact", [one.id for one in page.records])
            for company in page.records:
                # A search may give a record that matches no more.
                of = found.get((company.properties.get("domain") or "").lower(), set())
                of.update(one.to_id for one in contacts[company.id])
            after = page.after
            if after is None:
                break
    return {domain: of_domain(domain, ids) for domain, ids in found.items()}


def _parts(domains: Sequence[str]) -> list[list[str]]:
    parts: list[list[str]] = []
    room = 0
    for domain in domains:
        room -= len(domain) + 3
        if room < 0:
            parts.append([])
            room = _MOST_CHARACTERS - len(domain) - 3
        parts[-1].append(domain)
    return parts


_CONTACTS = text(f"""
    SELECT object_id, email, domain FROM records
     WHERE hub_id = :hub_id AND kind = 'contact' AND presence = 'live'
       AND (object_id = ANY({split("ids")}) OR email = ANY({split("emails")}) OR domain = ANY({split("domains")}))
""")
