"""What does a page of listed records come to?

The records are there already, and go the way of marked ones from there: decide, commit, claim what differs, write
back. What a page cannot tell (an open request, a request property, which of several companies is the primary one) is
marked, and read properly. A record that anybody marked or reconciled since the page was read is left to them; one that
was decided before and written since is marked, for the page may show what it was before: as if somebody had edited it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from syncworker.hubspot.listing import Listing
from syncworker.hubspot.records import Record
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.deciding import standing_batch
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync.claims import Claim
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind
from syncworker.sync.reconcile import known_records, merges
from syncworker.sync.reconcile.companies import Came, plan_companies
from syncworker.sync.reconcile.contacts import hear_of_moves, keep_contacts, plan_contacts, subjects_of
from syncworker.sync.reconcile.known_records import KnownCompany, KnownRecord
from syncworker.sync.reconcile.leads import ContactsRead, properties_read
from syncworker.sync.reconcile.plan import Plan
from syncworker.sync.resync import settled
from syncworker.sync.resync.place import Place
from syncworker.sync.resync.scope import kind_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Come:
    """What a page came to: a plan, the records that need a read of their own, and the known ones that are right."""

    plan: Plan
    to_mark: frozenset[str] = frozenset()
    right: frozenset[str] = frozenset()


def read(context: Context, hub_id: int, place: Place) -> Listing:
    """The page at this place of a list; raises what HubSpot raises."""
    kind = kind_of(place.stage)
    return context.client(hub_id).listing(
        "contact" if kind is Kind.CONTACT else "company",
        properties=properties_read(context.names, kind),
        after=place.after,
        associations=("company",) if kind is Kind.CONTACT else (),
    )


@dataclass(frozen=True, slots=True)
class _Companies:
    """The primary companies of contacts, as far as a list tells."""

    primary: dict[str, str] = field(default_factory=dict)
    doubtful: set[str] = field(default_factory=set)
    listed: set[str] = field(default_factory=set)


def commit_listed(
    tx: Tx,
    context: Context,
    portal: Portal,
    claim: Claim,
    listed: Mapping[str, Record],
    *,
    digests: Mapping[str, str],
    read_after: datetime,
    companies: Mapping[str, KnownCompany] | None = None,
) -> Come:
    """Bring what we keep to what was listed of these records, and say what to write.

    `digests`: what was read of each, in short; without them none is settled. `read_after`: the database's time at a
    moment before they were asked for. `companies`: some that are known without being kept, by id.
    """
    if not listed:
        return Come(plan=Plan())
    known = known_records.of(tx, portal.hub_id, claim.kind, listed)
    fresh = {
        key: record for key, record in listed.items() if key not in known or known[key].reconciled_at <= read_after
    }
    written_since = {key for key in fresh.keys() & known.keys() if known[key].was_written_since(read_after)}
    fresh = {key: record for key, record in fresh.items() if key not in written_since}
    known = {key: before for key, before in known.items() if key in fresh}
    come = (
        _companies(tx, context, portal, claim, fresh, known)
        if claim.kind is Kind.COMPANY
        else _contacts(tx, context, portal, claim, fresh, known, companies or {})
    )
    settled.note(tx, context, portal, claim.kind, {key: digests[key] for key in sorted(come.right & digests.keys())})
    return replace(come, to_mark=come.to_mark | written_since) if written_since else come


def _companies(
    tx: Tx,
    context: Context,
    portal: Portal,
    claim: Claim,
    fresh: Mapping[str, Record],
    known: Mapping[str, KnownRecord],
) -> Come:
    plan = Plan()
    if portal.mode is not Mode.WRITE:
        return Come(plan=plan)
    # No mark for the contacts of a company that moved: in a list of everything they follow.
    right = plan_companies(tx, context, portal, claim, fresh, plan, came=Came.LISTED, known=known)
    return Come(plan=plan, right=right & known.keys())


def _contacts(
    tx: Tx,
    context: Context,
    portal: Portal,
    claim: Claim,
    fresh: Mapping[str, Record],
    known: Mapping[str, KnownRecord],
    more_companies: Mapping[str, KnownCompany],
) -> Come:
    plan = Plan()
    at = _primary_companies(fresh.values())
    companies = {
        **known_records.companies(tx, portal.hub_id, at.listed),
        **{key: more_companies[key] for key in at.listed & more_companies.keys()},
    }
    asked_before = asked.asked_before(tx, portal.hub_id, fresh)
    to_mark = {key for key, is_open in asked_before.items() if is_open} | {
        key for key, record in fresh.items() if record.properties.get(context.names.request)
    }
    to_mark |= {key for key in at.doubtful if key in known or _companies_of(fresh[key]) & companies.keys()}
    # What was another's by a merge is theirs first: the read of a mark sees to that.
    to_mark |= merges.of_interest(tx, portal.hub_id, Kind.CONTACT, fresh.values())
    contacts = {key: record for key, record in fresh.items() if key not in to_mark}
    if not contacts:
        return Come(plan=plan, to_mark=frozenset(to_mark))
    read = ContactsRead(
        contacts=contacts,
        primary_company=at.primary,
        companies={
            company_id: _as_kept(company_id, companies.get(company_id), known.get(contact_id))
            for contact_id, company_id in at.primary.items()
            if contact_id in contacts
        },
    )
    subjects = subjects_of(context, read)
    decided = standing_batch(
        tx, portal, subjects, context.conditions(tx), asked_before=asked_before.keys() & contacts.keys()
    )
    known = {key: known[key] for key in known.keys() & contacts.keys()}
    keep_contacts(tx, portal, subjects, decided, known, read)
    if portal.mode is not Mode.WRITE:
        return Come(plan=plan, to_mark=frozenset(to_mark))
    right = plan_contacts(tx, context, portal, claim, read, decided, known, plan, handled={}, came=Came.LISTED)
    hear_of_moves(tx, portal.hub_id, subjects, known)
    # Which company is the primary one is looked up for those in doubt, each time.
    return Come(plan=plan, to_mark=frozenset(to_mark), right=(right & known.keys()) - at.doubtful)


def _primary_companies(contacts: Iterable[Record]) -> _Companies:
    """Whether a list tells the primary company from others is not documented: unless one is named, it is in doubt."""
    found = _Companies()
    for record in contacts:
        associated = record.associations.get("company", ())
        primaries = {one.to_id for one in associated if one.primary}
        if len(primaries) == 1:
            [primary] = primaries
            found.primary[record.id] = primary
            found.listed.add(primary)
        elif associated:
            found.doubtful.add(record.id)
            found.listed.update(one.to_id for one in associated)
    return found


def _companies_of(record: Record) -> set[str]:
    return {one.to_id for one in record.associations.get("company", ())}


def _as_kept(company_id: str, company: KnownCompany | None, contact: KnownRecord | None) -> Record:
    """A company as far as we know it: read moments ago, or at least what its contact showed of it."""
    if company is not None:
        of: dict[str, str | None] = {"name": company.name, "country": company.country, "domain": company.domain}
    elif contact is not None and contact.company_id == company_id:
        of = {"name": contact.company, "country": contact.country}
    else:
        of = {}
    return Record(object_type="company", id=company_id, properties=of)
