"""Which record does a person mean: an id, an email, a domain, or an address pasted from HubSpot?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from syncworker.hubspot.records import Filter, Sort
from syncworker.languages import Words, to_translate
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.refused import Refusal
from syncworker.registration.rules.text import quote
from syncworker.sync.context import Context
from syncworker.sync.lists import refusal_words
from syncworker.sync.marks import Kind

# The address of a record in HubSpot: .../contacts/{hub id}/record/0-1/{id}, or the older .../contact/{id}.
ADDRESS = re.compile(r"/contacts/(\d+)/(?:record/0-([12])|(contact|company))/(\d+)")
_ID = re.compile(r"[0-9]{1,19}")
_LONG_NUMBER = re.compile(r"[0-9]{20,}")
_MOST_LISTED = 5
_MOST_NAMED = 20


class NotFound(Exception):
    """No record is meant by it, or more than one. `words` says so, to be translated."""

    def __init__(self, text: str, **values: str) -> None:
        self.words = Words(text, values)
        super().__init__(str(self.words))


class SeveralContacts(NotFound):
    """A company is meant that has more than one contact."""

    def __init__(self, company_id: str, contact_ids: Sequence[str]) -> None:
        self.company_id = company_id
        self.contact_ids = tuple(contact_ids)
        listed = ", ".join(self.contact_ids[:_MOST_LISTED])
        super().__init__(_SEVERAL, company=company_id, count=str(len(self.contact_ids)), listed=listed)


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """A record of a portal."""

    hub_id: int
    kind: Kind
    object_id: str


def find(context: Context, hub_id: int, text: str) -> Meant:
    """The record that is meant; raises NotFound, and what HubSpot raises."""
    given = text.strip()
    address = ADDRESS.search(given)
    if address:
        kind = Kind.COMPANY if address[2] == "2" or address[3] == "company" else Kind.CONTACT
        if int(address[1]) != hub_id:
            raise NotFound(_OF_ANOTHER_PORTAL, other=address[1], portal=str(hub_id))
        return Meant(hub_id=hub_id, kind=kind, object_id=address[4])
    if _ID.fullmatch(given):
        return Meant(hub_id=hub_id, kind=Kind.CONTACT, object_id=given)
    if _LONG_NUMBER.fullmatch(given):
        raise NotFound(_NO_ID, typed=quote(given))
    if "@" in given and "/" not in given:
        return _by_email(context, hub_id, given.lower())
    return _by_domain(context, hub_id, given)


def _by_email(context: Context, hub_id: int, email: str) -> Meant:
    read = context.client(hub_id).batch_read("contact", [email], properties=["email"], id_property="email")
    if email not in read.found:
        raise NotFound(_NO_EMAIL, email=quote(email))
    return Meant(hub_id=hub_id, kind=Kind.CONTACT, object_id=read.found[email].id)


def _by_domain(context: Context, hub_id: int, text: str) -> Meant:
    domain = registrable(text, context.domain_rules)
    if not isinstance(domain, str):
        if domain.reason in _NAMES_NO_COMPANY:
            raise NotFound(refusal_words.REFUSAL_WORDS[domain.reason], typed=quote(text))
        raise NotFound(_NOTHING, typed=quote(text))
    page = context.client(hub_id).search(
        "company",
        filter_groups=[[Filter(property_name="domain", operator="EQ", value=domain)]],
        sort=Sort("hs_object_id"),
        properties=["domain"],
        limit=2,
    )
    if not page.records:
        raise NotFound(_NO_COMPANY, domain=domain)
    if len(page.records) > 1:
        raise NotFound(_COMPANIES, domain=domain, count=str(page.total))
    return Meant(hub_id=hub_id, kind=Kind.COMPANY, object_id=page.records[0].id)


def find_contact(context: Context, hub_id: int, text: str) -> str:
    """The contact that is meant; of a company, its contact if it has but one. Raises NotFound."""
    meant = find(context, hub_id, text)
    if meant.kind is Kind.CONTACT:
        return meant.object_id
    contacts = context.client(hub_id).associations("company", "contact", [meant.object_id])[meant.object_id]
    ids = sorted({one.to_id for one in contacts})
    if not ids:
        raise NotFound(_NO_CONTACTS, company=meant.object_id)
    if len(ids) > 1:
        raise SeveralContacts(meant.object_id, ids)
    return ids[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A contact that may be meant. Its texts are untrusted."""

    contact_id: str
    name: str
    email: str


def names_of(context: Context, hub_id: int, contact_ids: Sequence[str]) -> tuple[Named, ...]:
    """The first of these contacts by their names, in their order; raises what HubSpot raises."""
    asked = contact_ids[:_MOST_NAMED]
    read = context.client(hub_id).batch_read("contact", asked, properties=["firstname", "lastname", "email"])
    return tuple(
        Named(
            contact_id=one,
            name=" ".join(filter(None, (of.get("firstname"), of.get("lastname")))),
            email=of.get("email") or "",
        )
        for one in asked
        for of in ([read.found[one].properties] if one in read.found else [])
    )


# A domain, or what looks like one, and yet of no company: why says more than that nothing is meant.
_NAMES_NO_COMPANY = frozenset(
    {
        Refusal.SHARED_PLATFORM,
        Refusal.FREE_MAIL,
        Refusal.PUBLIC_SUFFIX,
        Refusal.RESERVED,
        Refusal.UNKNOWN_TLD,
        Refusal.IP_ADDRESS,
    }
)
_OF_ANOTHER_PORTAL = to_translate("that address belongs to portal %(other)s, not to %(portal)s: choose that portal")
_NO_ID = to_translate("“%(typed)s” is no id of HubSpot: it has more than 19 digits")
_NO_EMAIL = to_translate("no contact has the email %(email)s")
_NOTHING = to_translate("“%(typed)s” is neither an id, an email, a domain nor an address of HubSpot")
_NO_COMPANY = to_translate("no company has the domain %(domain)s: name the contact by its id or email")
_COMPANIES = to_translate("%(count)s companies have the domain %(domain)s: name the record by its id")
_NO_CONTACTS = to_translate("company %(company)s has no contacts: add one in HubSpot, or name the lead by its id")
_SEVERAL = to_translate("company %(company)s has %(count)s contacts (%(listed)s): name the lead by its id")
