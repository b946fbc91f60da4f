"""What is read of contacts and companies, and what of it do decisions rest on?"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.properties import PropertyNames
from syncworker.hubspot.reading import MERGED_IDS
from syncworker.hubspot.records import BatchRead, PropertyVersion, Record
from syncworker.registration.ledger.deciding import Subject
from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.facts import Lead
from syncworker.registration.rules.lead_domain import lead_domain
from syncworker.registration.rules.terms import Presence
from syncworker.sync.marks import Kind
from syncworker.sync.reconcile.absent import confirmed
from syncworker.sync.reconcile.merges import NOTHING_MERGED, Merged, merged
from syncworker.sync.reconcile.shown import read_by_us

CONTACT_FIELDS = (
    "firstname",
    "lastname",
    "email",
    "company",
    "country",
    "website",
    "num_conversion_events",
    "recent_conversion_date",
)
COMPANY_FIELDS = ("name", "domain", "country")
# The time of a conversion changes with each one; that there was one is all that a decision rests on.
_SEEN_OF_CONTACT = CONTACT_FIELDS[:6]


@dataclass(frozen=True, slots=True, kw_only=True)
class ContactsRead:
    """A batch of contacts with their primary companies, as HubSpot gave them."""

    contacts: Mapping[str, Record]
    """By the id that was asked for."""
    gone: frozenset[str] = frozenset()
    merged: Merged = NOTHING_MERGED
    primary_company: Mapping[str, str] = field(default_factory=dict)
    """By contact id."""
    companies: Mapping[str, Record] = field(default_factory=dict)
    request_history: Mapping[str, list[PropertyVersion]] = field(default_factory=dict)
    """Of contacts whose request property is set, or was being cleared; newest first."""


def read_contacts(
    client: HubSpotClient,
    names: PropertyNames,
    ids: Collection[str],
    *,
    being_cleared: Collection[str] = (),
    known: Collection[str] = (),
) -> ContactsRead:
    """One contact read, one association read, at most one company read; one more where a request is or was set.

    `being_cleared`: contacts whose request property was about to be cleared when a worker was stopped. `known`:
    those that are asked for alone before they count as gone.
    """
    properties = properties_read(names, Kind.CONTACT)
    read = client.batch_read("contact", ids, properties=properties)
    read = confirmed(client, "contact", read, known, properties=properties)
    contacts = _live(read)
    associated = client.associations("contact", "company", list(contacts)) if contacts else {}
    primary = {
        contact_id: next(one.to_id for one in companies if one.primary)
        for contact_id, companies in associated.items()
        if any(one.primary for one in companies)
    }
    asked = [
        contact_id
        for contact_id, record in contacts.items()
        if record.properties.get(names.request) or contact_id in being_cleared
    ]
    return ContactsRead(
        contacts=contacts,
        gone=_gone(read),
        merged=merged(read),
        primary_company=primary,
        companies=read_companies(client, names, set(primary.values())),
        request_history=read_request_history(client, names, asked),
    )


def read_companies(client: HubSpotClient, names: PropertyNames, ids: Collection[str]) -> Mapping[str, Record]:
    """Companies by id; those that are gone or merged away are left out."""
    return read_marked_companies(client, names, ids).companies


@dataclass(frozen=True, slots=True, kw_only=True)
class CompaniesRead:
    """A batch of companies, as HubSpot gave them."""

    companies: Mapping[str, Record]
    gone: frozenset[str] = frozenset()
    merged: Merged = NOTHING_MERGED


def read_marked_companies(
    client: HubSpotClient, names: PropertyNames, ids: Collection[str], *, known: Collection[str] = ()
) -> CompaniesRead:
    """Companies by id, and where those went that are gone or were merged; `known`: see `read_contacts`."""
    if not ids:
        return CompaniesRead(companies={})
    properties = properties_read(names, Kind.COMPANY)
    read = client.batch_read("company", sorted(ids), properties=properties)
    read = confirmed(client, "company", read, known, properties=properties)
    return CompaniesRead(companies=_live(read), gone=_gone(read), merged=merged(read))


def properties_read(names: PropertyNames, kind: Kind) -> tuple[str, ...]:
    """What is read of a record: what decisions rest on, and our own properties."""
    fields = CONTACT_FIELDS if kind is Kind.CONTACT else COMPANY_FIELDS
    return (*fields, *read_by_us(names, kind.value), MERGED_IDS)


def _live(read: BatchRead) -> dict[str, Record]:
    """Those that are neither archived nor merged away."""
    return {key: record for key, record in read.found.items() if key not in read.moved and not record.archived}


def _gone(read: BatchRead) -> frozenset[str]:
    return read.missing | {key for key, record in read.found.items() if record.archived and key not in read.moved}


def read_request_history(
    client: HubSpotClient, names: PropertyNames, ids: Collection[str]
) -> dict[str, list[PropertyVersion]]:
    """Who set the request property of these contacts, and when."""
    if not ids:
        return {}
    read = client.batch_read("contact", ids, properties=[names.request], history=[names.request])
    return {key: record.history.get(names.request, []) for key, record in read.found.items()}


def subject(record: Record, company: Record | None, rules: DomainRules) -> Subject:
    """A contact as a lead."""
    of = record.properties
    conversions = of.get("num_conversion_events") or "0"
    lead = Lead(
        contact_id=record.id,
        first_name=of.get("firstname"),
        last_name=of.get("lastname"),
        email=of.get("email"),
        company=of.get("company"),
        country=of.get("country") or (company.properties.get("country") if company else None),
        website=of.get("website"),
        converted=conversions not in {"", "0"} or bool(of.get("recent_conversion_date")),
        company_id=company.id if company else None,
        company_name=company.properties.get("name") if company else None,
        company_domain=company.properties.get("domain") if company else None,
    )
    return Subject(lead=lead, domain=lead_domain(lead, rules))


def gone_subject(contact_id: str) -> Subject:
    """A contact that is no longer in the CRM."""
    return Subject(lead=Lead(contact_id=contact_id, presence=Presence.ARCHIVED), domain=None)


def company_domain(record: Record, rules: DomainRules) -> str | None:
    """The registrable domain of a company, if its domain yields one."""
    found = registrable(record.properties.get("domain"), rules)
    return found if isinstance(found, str) else None


def seen(kind: str, properties: Mapping[str, str | None]) -> str:
    """A digest of the fields that decisions rest on: the same digest, nothing new to decide."""
    fields = _SEEN_OF_CONTACT if kind == "contact" else COMPANY_FIELDS
    # The unit separator cannot be typed into a field of the CRM, so two fields never run into one another.
    text = "\x1f".join([properties.get(name) or "" for name in fields])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()
