"""What do companies, as they were just read, come to? The best of their states, from the ledger alone."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from enum import StrEnum
from itertools import groupby

from syncworker.hubspot.records import Record
from syncworker.registration.ledger import history
from syncworker.registration.ledger.capacity import capacity
from syncworker.registration.ledger.companies import decide_companies
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync import claims
from syncworker.sync.claims import Claim
from syncworker.sync.context import Context, program
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile import known_records
from syncworker.sync.reconcile.hand_edits import hand_edits
from syncworker.sync.reconcile.known_records import KnownRecord, Seen
from syncworker.sync.reconcile.leads import CompaniesRead, company_domain, seen
from syncworker.sync.reconcile.plan import Plan, as_json
from syncworker.sync.reconcile.shown import Properties, company_properties, differences, own_company_properties

_NOTHING = Decision(outcome=Outcome.NOTHING)
_MOVED = "company's domain changed"
_FIRST_SEEN = "company first seen"
_OVERTAKEN = "written while it was read"


class Came(StrEnum):
    """How a record came to be read."""

    MARKED = "marked"
    """It was claimed by its mark, and then read."""
    ALONG = "along"
    """A company, read with a batch of contacts."""
    LISTED = "listed"
    """In a page of a list: claimed only where it differs and nobody marked it meanwhile."""


def plan_companies(
    tx: Tx,
    context: Context,
    portal: Portal,
    claim: Claim,
    companies: Mapping[str, Record],
    plan: Plan,
    *,
    touched: Collection[str] = (),
    came: Came = Came.MARKED,
    known: Mapping[str, KnownRecord] | None = None,
    read_after: datetime | None = None,
) -> frozenset[str]:
    """Plan what these companies show, and keep what was read of those that show something; return those that show it.

    Those that came along and differ, or that the batch changed (`touched`), are claimed here, so that nobody else
    writes an older state over ours; those that are marked, because they are read. `read_after`: the database's time at
    a moment before those that came along were asked for; what was written since, or somebody is at, is marked, and read
    by itself.
    """
    if known is None:
        known = known_records.of(tx, portal.hub_id, Kind.COMPANY, companies)
    held = {key for key, before in known.items() if before.held}
    if came is Came.ALONG and read_after is not None:
        overtaken = held | {key for key, before in known.items() if before.was_written_since(read_after)}
        mark(tx, portal.hub_id, Kind.COMPANY, overtaken, priority=Priority.POLL, cause=_OVERTAKEN)
        companies = {key: record for key, record in companies.items() if key not in overtaken}
    domains = {key: company_domain(record, context.domain_rules) for key, record in companies.items()}
    decided = decide_companies(tx, partner_id=portal.partner.id, hub_id=portal.hub_id, companies=domains)
    wanted = _wanted(tx, context, portal, companies, decided, known)
    changes = {key: differences(context.names, wanted[key], companies[key].properties) for key in wanted}
    if came is Came.LISTED:
        differing = [key for key in wanted if changes[key] and key not in held]
        claims.claim_unmarked(tx, claim, Kind.COMPANY, differing, cause="resync", priority=Priority.RESYNC)
    if came is Came.ALONG:
        needed = {key for key in wanted if changes[key] or key in touched}
        marked = claims.marked(tx, portal.hub_id, Kind.COMPANY, companies)
        claims.claim_also(tx, claim, Kind.COMPANY, needed | marked, cause="ledger")
        _hear_of_moves(tx, context, portal, {key: companies[key] for key in marked}, known)
        plan.done |= {(Kind.COMPANY, key) for key in marked - wanted.keys()} & claim.marks.keys()
    unchanged: dict[str, str] = {}
    edits = []
    for company_id, properties in wanted.items():
        key = (Kind.COMPANY, company_id)
        before = known.get(company_id)
        read_for_it = key in claim.marks or came is Came.LISTED
        if read_for_it and not changes[company_id] and (before is None or before.written != properties):
            unchanged[company_id] = as_json(properties)
        if key not in claim.marks:
            continue
        current = companies[company_id].properties
        plan.settle(key, changes=changes[company_id], wanted=properties, current=current, known=before, now=tx.now)
        if key not in plan.writes:
            continue
        edits += hand_edits(
            portal,
            Kind.COMPANY,
            company_id,
            changes[company_id],
            properties,
            before,
            domain=decided.get(company_id, _NOTHING).domain,
        )
    _keep(tx, portal, companies, domains, wanted, known)
    known_records.note_written(tx, portal.hub_id, Kind.COMPANY, unchanged, counted=False)
    history.record(tx, edits)
    return frozenset(companies.keys() - {key for key, some in changes.items() if some})


def commit_companies(tx: Tx, context: Context, portal: Portal, claim: Claim, read: CompaniesRead) -> Plan:
    """Bring what we keep of these companies to what was read, and say what to write."""
    plan = Plan()
    companies = read.companies
    if portal.mode is not Mode.WRITE:
        # Nothing is written in a portal that is observed; in mode write all of this is looked at again.
        plan.done |= claim.marks.keys()
        return plan
    ids = claim.ids
    known = known_records.of(tx, portal.hub_id, Kind.COMPANY, ids)
    _hear_of_moves(tx, context, portal, companies, known)
    plan_companies(tx, context, portal, claim, companies, plan)
    known_records.gone(tx, portal.hub_id, Kind.COMPANY, read.gone)
    settled = plan.done | plan.writes.keys() | plan.park.keys()
    plan.done |= claim.marks.keys() - settled
    return plan


def _wanted(
    tx: Tx,
    context: Context,
    portal: Portal,
    companies: Mapping[str, Record],
    decided: Mapping[str, Decision],
    known: Mapping[str, KnownRecord],
) -> dict[str, Properties]:
    """What each company should show; one that nothing is known about, and of which nothing is kept, is left alone."""
    authority = program(portal.partner.program).authority
    tier = portal.partner.tier
    wanted: dict[str, Properties] = {}
    for company_id in companies:
        # Written and never noted, by a worker that was killed in between: what is kept was so before the write.
        if company_id in decided or company_id in known:
            decision = decided.get(company_id, _NOTHING)
            wanted[company_id] = company_properties(context.names, decision, authority, tier=tier)
        if company_id == portal.partner_company_id:
            picture = capacity(tx, portal.partner, context.terms(portal.partner, tx))
            own = own_company_properties(context.names, tier=tier, capacity=picture)
            wanted[company_id] = wanted.get(company_id, {}) | own
    return wanted


def _keep(
    tx: Tx,
    portal: Portal,
    companies: Mapping[str, Record],
    domains: Mapping[str, str | None],
    wanted: Mapping[str, Properties],
    known: Mapping[str, KnownRecord],
) -> None:
    kept = []
    for company_id in wanted:
        of = companies[company_id].properties
        kept.append(
            Seen(
                object_id=company_id,
                name=of.get("name"),
                company=of.get("name"),
                country=of.get("country"),
                domain=domains[company_id],
                seen=seen("company", of),
            )
        )
    known_records.keep(tx, portal.hub_id, Kind.COMPANY, kept, known)


def _hear_of_moves(
    tx: Tx,
    context: Context,
    portal: Portal,
    companies: Mapping[str, Record],
    known: Mapping[str, KnownRecord],
) -> None:
    """A company whose domain changed: its contacts without a website have another domain now.

    Whose domain was never read is new in the CRM, or its domain was only now registered or taken over.
    """
    domain_of = {company_id: company_domain(record, context.domain_rules) for company_id, record in companies.items()}
    moved = {
        company_id
        for company_id in companies.keys() & known.keys()
        if known[company_id].domain != domain_of[company_id]
    }
    contacts = known_records.contacts_of(tx, portal.hub_id, moved)
    mark(tx, portal.hub_id, Kind.CONTACT, contacts, priority=Priority.POLL, cause=_MOVED)
    # Whoever else is at a company of that domain shows its state.
    causes: dict[str, str] = {}
    for some, cause in ((companies.keys() - known.keys(), _FIRST_SEEN), (moved, _MOVED)):
        causes |= {domain: cause for company_id in some for domain in [domain_of[company_id]] if domain is not None}
    registered = known_records.registered_domains(tx, portal.partner.id, causes)
    # In the order of their keys, which is that of locks, whatever their causes.
    for cause, of_it in groupby(sorted(registered), key=causes.__getitem__):
        mark(tx, portal.hub_id, Kind.DOMAIN, of_it, priority=Priority.POLL, cause=cause)
