"""Which record does a person mean: an id, an email, a domain, or an address pasted from HubSpot?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from syncworker.hubspot.records import Filter, Sort
from syncworker.registration.rules.domains import registrable
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind

# The address of a record in HubSpot: .../contacts/{hub id}/record/0-1/{id}, or the older .../contact/{id}.
_ADDRESS = re.compile(r"/contacts/(\d+)/(?:record/0-([12])|(contact|company))/(\d+)")
_ID = re.compile(r"\d{1,19}")


class NotFound(Exception):
    """No record is meant by it, or more than one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A record of a portal."""

    hub_id: int
    kind: Kind
    object_id: str


def find(context: Context, hub_id: int, text: str) -> Meant:
    """The record that is meant; raises NotFound, and what HubSpot raises."""
    given = text.strip()
    address = _ADDRESS.search(given)
    if address:
        kind = Kind.COMPANY if address[2] == "2" or address[3] == "company" else Kind.CONTACT
        if int(address[1]) != hub_id:
            raise NotFound(f"that address belongs to portal {address[1]}, not to {hub_id}: name it with --portal")
        return Meant(hub_id=hub_id, kind=kind, object_id=address[4])
    if _ID.fullmatch(given):
        return Meant(hub_id=hub_id, kind=Kind.CONTACT, object_id=given)
    if "@" in given and "/" not in given:
        return _by_email(context, hub_id, given.lower())
    return _by_domain(context, hub_id, given)


def _by_email(context: Context, hub_id: int, email: str) -> Meant:
    read = context.client(hub_id).batch_read("contact", [email], properties=["email"], id_property="email")
    if email not in read.found:
        raise NotFound(f"no contact has the email {email}")
    return Meant(hub_id=hub_id, kind=Kind.CONTACT, object_id=read.found[email].id)


def _by_domain(context: Context, hub_id: int, text: str) -> Meant:
    domain = registrable(text, context.domain_rules)
    if not isinstance(domain, str):
        raise NotFound(f"{text[:80]!r} is neither an id, an email, a domain nor an address of HubSpot")
    page = context.client(hub_id).search(
        "company",
        filter_groups=[[Filter(property_name="domain", operator="EQ", value=domain)]],
        sort=Sort("hs_object_id"),
        properties=["domain"],
        limit=2,
    )
    if len(page.records) != 1:
        found = "no company has" if not page.records else f"{page.total} companies have"
        raise NotFound(f"{found} the domain {domain}: name the record by its id")
    return Meant(hub_id=hub_id, kind=Kind.COMPANY, object_id=page.records[0].id)


def find_contact(context: Context, hub_id: int, text: str) -> str:
    """The contact that is meant; of a company, its contact if it has but one. Raises NotFound."""
    meant = find(context, hub_id, text)
    if meant.kind is Kind.CONTACT:
        return meant.object_id
    contacts = context.client(hub_id).associations("company", "contact", [meant.object_id])[meant.object_id]
    ids = sorted({one.to_id for one in contacts})
    if len(ids) != 1:
        listed = ", ".join(ids[:5]) or "none"
        raise NotFound(f"company {meant.object_id} has {len(ids)} contacts ({listed}): name the lead by its id")
    return ids[0]
