"""What does a batch of marked contacts, as it was just read, come to?

One transaction: requests that were asked for in the CRM, the decisions, the ledger, marks for whoever else is
affected, and a claim on the companies that are written along. What is to be written is returned as a plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from syncworker.registration.ledger import history
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.deciding import Decided, Subject, decide_batch, preview_batch
from syncworker.registration.ledger.history import Event
from syncworker.registration.rules.terms import Presence, Status
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Portal
from syncworker.sync import claims
from syncworker.sync.claims import Claim
from syncworker.sync.context import Context, program
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile import fan_out, known_records
from syncworker.sync.reconcile.companies import Came, plan_companies
from syncworker.sync.reconcile.hand_edits import hand_edits
from syncworker.sync.reconcile.known_records import KnownRecord, Seen
from syncworker.sync.reconcile.leads import ContactsRead, gone_subject, seen, subject
from syncworker.sync.reconcile.plan import Plan, as_json
from syncworker.sync.reconcile.shown import Properties, contact_properties, differences
from syncworker.sync.triggers import crm_requests


def commit_contacts(
    tx: Tx, context: Context, portal: Portal, claim: Claim, read: ContactsRead, *, read_after: datetime | None = None
) -> Plan:
    """Bring the ledger to what was read, and say what to write.

    `read_after`: the database's time at a moment before that; without it nothing was written meanwhile.
    """
    plan = Plan()
    # What was theirs is the survivor's already, which is marked.
    plan.done |= {(Kind.CONTACT, old) for old in read.merged.moved} & claim.marks.keys()
    before = known_records.being_cleared(tx, portal.hub_id, read.request_history)
    handled = crm_requests.add_requests(tx, portal, context.names.request, read.request_history, handled=before)
    subjects = subjects_of(context, read)
    # One that was restored, or came late, may be whom a submission waits for.
    asked.look_again(tx, portal.hub_id, {of.lead.email.lower() for of in subjects.values() if of.lead.email})
    known = known_records.of(tx, portal.hub_id, Kind.CONTACT, subjects)
    conditions = context.conditions(tx)
    if portal.mode is not Mode.WRITE:
        decided = preview_batch(tx, portal, subjects, conditions)
        keep_contacts(tx, portal, subjects, decided, known, read)
        known_records.gone(tx, portal.hub_id, Kind.CONTACT, read.gone)
        plan.done |= set(claim.marks)
        return plan
    decided, changes = decide_batch(tx, portal, subjects, conditions)
    keep_contacts(tx, portal, subjects, decided, known, read)
    plan_contacts(tx, context, portal, claim, read, decided, known, plan, handled=handled)
    hear_of_moves(tx, portal.hub_id, subjects, known)
    known_records.note_being_cleared(tx, portal.hub_id, {**dict.fromkeys(before), **plan.being_cleared})
    plan.waiting_for = {
        of.decision.domain
        for of in decided.values()
        if of.decision.status is Status.PENDING and of.decision.domain is not None
    }
    touched = {company for hub_id, company in changes.companies if hub_id == portal.hub_id}
    plan_companies(
        tx, context, portal, claim, read.companies, plan, touched=touched, came=Came.ALONG, read_after=read_after
    )
    batch = {(portal.hub_id, contact_id) for contact_id in subjects}
    along = {(portal.hub_id, object_id) for kind, object_id in claim.marks if kind is Kind.COMPANY}
    plan.rings |= fan_out.mark_changes(
        tx, changes, cause="ledger", priority=Priority.PERSON, except_contacts=batch, except_companies=along
    )
    return plan


def subjects_of(context: Context, read: ContactsRead) -> dict[str, Subject]:
    """The contacts as leads, with those that are gone."""
    rules = context.domain_rules
    subjects = {
        contact_id: subject(record, read.companies.get(read.primary_company.get(contact_id, "")), rules)
        for contact_id, record in read.contacts.items()
    }
    return subjects | {contact_id: gone_subject(contact_id) for contact_id in read.gone}


def plan_contacts(
    tx: Tx,
    context: Context,
    portal: Portal,
    claim: Claim,
    read: ContactsRead,
    decided: Mapping[str, Decided],
    known: Mapping[str, KnownRecord],
    plan: Plan,
    *,
    handled: Mapping[str, datetime],
    came: Came = Came.MARKED,
) -> frozenset[str]:
    """Plan what these contacts show; return those that show it. Those that were listed and differ are claimed here."""
    wanted: dict[str, Properties] = {}
    changes: dict[str, Properties] = {}
    left_alone: set[str] = set()
    authority = program(portal.partner.program).authority
    for contact_id, record in read.contacts.items():
        key = (Kind.CONTACT, contact_id)
        if came is Came.MARKED and key not in claim.marks:
            continue
        of = decided[contact_id]
        before = known.get(contact_id)
        asked = bool(record.properties.get(context.names.request))
        if not of.touched and before is None and not asked:
            # Nobody asked about it and nothing is registered: nothing is written to it, ever. One that is kept may show
            # what was written and never noted, by a worker that was killed in between.
            plan.done.add(key)
            left_alone.add(contact_id)
            continue
        if asked and contact_id not in handled:
            # Cleared, nobody would ever know what was asked for.
            plan.failed[key] = f"{context.names.request} is set, and HubSpot gives no history of it yet"
            continue
        wanted[contact_id] = contact_properties(context.names, of.decision, authority)
        changes[contact_id] = differences(context.names, wanted[contact_id], record.properties)
        if asked:
            changes[contact_id][context.names.request] = ""
            plan.being_cleared[contact_id] = handled[contact_id]
    if came is Came.LISTED:
        held = {contact_id for contact_id, before in known.items() if before.held}
        differing = [contact_id for contact_id, some in changes.items() if some and contact_id not in held]
        claims.claim_unmarked(tx, claim, Kind.CONTACT, differing, cause="resync", priority=Priority.RESYNC)
    unchanged: dict[str, str] = {}
    edits: list[Event] = []
    for contact_id, properties in wanted.items():
        key = (Kind.CONTACT, contact_id)
        before = known.get(contact_id)
        if not changes[contact_id] and (before is None or before.written != properties):
            unchanged[contact_id] = as_json(properties)
        if key not in claim.marks:
            continue
        current = read.contacts[contact_id].properties
        plan.settle(key, changes=changes[contact_id], wanted=properties, current=current, known=before, now=tx.now)
        if key not in plan.writes:
            continue
        domain = decided[contact_id].decision.domain
        edits += hand_edits(portal, Kind.CONTACT, contact_id, changes[contact_id], properties, before, domain=domain)
    plan.done |= {(Kind.CONTACT, contact_id) for contact_id in read.gone} & set(claim.marks)
    known_records.gone(tx, portal.hub_id, Kind.CONTACT, read.gone)
    known_records.note_written(tx, portal.hub_id, Kind.CONTACT, unchanged, counted=False)
    history.record(tx, edits)
    return frozenset(left_alone | {contact_id for contact_id, some in changes.items() if not some})


def hear_of_moves(tx: Tx, hub_id: int, subjects: Mapping[str, Subject], known: Mapping[str, KnownRecord]) -> None:
    """A contact's company is another one now: the old one and the new one both show something else."""
    companies: set[str] = set()
    for contact_id, before in known.items():
        lead = subjects[contact_id].lead
        if lead.presence is Presence.LIVE and lead.company_id != before.company_id:
            companies |= {company for company in (lead.company_id, before.company_id) if company is not None}
    mark(tx, hub_id, Kind.COMPANY, companies, priority=Priority.POLL, cause="association changed")


def keep_contacts(
    tx: Tx,
    portal: Portal,
    subjects: Mapping[str, Subject],
    decided: Mapping[str, Decided],
    known: Mapping[str, KnownRecord],
    read: ContactsRead,
) -> None:
    """Keep what was read of those that the ledger touches, and of no others."""
    kept = []
    for contact_id, of in subjects.items():
        if of.lead.presence is not Presence.LIVE or not (decided[contact_id].touched or contact_id in known):
            continue
        lead = of.lead
        name = " ".join(part for part in (lead.first_name, lead.last_name) if part)
        kept.append(
            Seen(
                object_id=contact_id,
                name=name or None,
                email=lead.email,
                company=lead.company or lead.company_name,
                country=lead.country,
                domain=of.domain if isinstance(of.domain, str) else None,
                company_id=lead.company_id,
                seen=seen("contact", read.contacts[contact_id].properties),
            )
        )
    known_records.keep(tx, portal.hub_id, Kind.CONTACT, kept, known)
