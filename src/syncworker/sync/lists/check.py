"""What would become of a request for a lead, if it were made now?"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from syncworker.registration.ledger import capacity, holds
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.capacity import Capacity
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.deciding import Subject, lock_and_end_overdue, preview_batch
from syncworker.registration.ledger.requests import NewRequest
from syncworker.registration.rules.decision import Decision
from syncworker.registration.rules.terms import Action, HoldKind, Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.lists.finding import NotFound, find_contact
from syncworker.sync.reconcile.leads import read_contacts, subject


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A lead as HubSpot has it, and what asking to register it would come to. Its texts are untrusted."""

    portal: Portal
    contact_id: str
    name: str
    email: str
    company: str
    domain: str | None
    """What would be registered; None where the website yields none."""
    decision: Decision
    hold: HoldKind | None
    capacity: Capacity


def check(context: Context, hub_id: int, contact_id: str, *, source: Source) -> Checked:
    """Read the contact and decide as if `source` asked for it now; nothing is changed.

    Raises UnknownPortal, NotFound where the contact is gone, and what HubSpot raises.
    """
    with context.database.transaction() as tx:
        portals.get(tx, hub_id)
    read = read_contacts(context.client(hub_id), context.names, [contact_id])
    if contact_id in read.merged.moved:
        raise NotFound(f"contact {contact_id} was merged into {read.merged.moved[contact_id]}: name that one")
    record = read.contacts.get(contact_id)
    if record is None:
        raise NotFound(f"portal {hub_id} has no contact {contact_id}, or it was deleted")
    company_id = read.primary_company.get(contact_id)
    lead = subject(record, read.companies.get(company_id or ""), context.domain_rules)
    return context.database.run(lambda tx: _preview(tx, context, hub_id, lead, source))


def check_meant(context: Context, hub_id: int, text: str, *, source: Source) -> Checked:
    """The same for a contact that is named by its id, its email, its company's domain or its address in HubSpot.

    Raises UnknownPortal, NotFound where none, or more than one, is meant, and what HubSpot raises.
    """
    return check(context, hub_id, find_contact(context, hub_id, text), source=source)


def _preview(tx: Tx, context: Context, hub_id: int, of: Subject, source: Source) -> Checked:
    portal = portals.get(tx, hub_id)
    conditions = context.conditions(tx)
    lead = of.lead
    domain = of.domain if isinstance(of.domain, str) else None
    # Asked for real, decided, and taken back: what is shown is what the same code would do, not a likeness
    # of it.
    trial = tx.connection.begin_nested()
    try:
        domains = {domain} if domain else None
        lock_and_end_overdue(tx, portal.partner.id, conditions, Changes(), domains=domains)
        new = NewRequest(
            key=f"check:{uuid.uuid4()}",
            action=Action.REGISTER,
            source=source,
            who="check",
            requested_at=tx.now,
            contact_id=lead.contact_id,
        )
        asked.add(tx, partner_id=portal.partner.id, hub_id=hub_id, new=[new])
        decided = preview_batch(tx, portal, {lead.contact_id: of}, conditions)[lead.contact_id]
        picture = capacity.capacity(tx, portal.partner, conditions.terms_of(portal.partner))
    finally:
        trial.rollback()
    return Checked(
        portal=portal,
        contact_id=lead.contact_id,
        name=" ".join(part for part in (lead.first_name, lead.last_name) if part),
        email=lead.email or "",
        company=lead.company or lead.company_name or "",
        domain=domain,
        decision=decided.decision,
        hold=holds.on(tx, [domain]).get(domain) if domain else None,
        capacity=picture,
    )
