"""What would become of a request for a lead, if it were made now?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from syncworker.languages import to_translate
from syncworker.registration.ledger import capacity, holds, overdue
from syncworker.registration.ledger.capacity import Capacity
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.deciding import Conditions, Subject, foresee, lock_and_end_overdue
from syncworker.registration.ledger.overdue import Concerned
from syncworker.registration.ledger.requests import State, Stored
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.facts import Lead
from syncworker.registration.rules.lead_domain import website_of
from syncworker.registration.rules.terms import Action, HoldKind, Reason, Source
from syncworker.registration.rules.text import quote
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.context import Context
from syncworker.sync.lists.answers import Answer, answer
from syncworker.sync.lists.finding import NotFound, find_contact
from syncworker.sync.lists.waiting_line import ahead_of
from syncworker.sync.reconcile.leads import read_contacts, subject


class ReadFrom(StrEnum):
    """Which rule says what a lead's domain is read from; see `registration/rules/lead_domain.py`."""

    WEBSITE = "website"
    """The contact's website, which goes first."""
    COMPANY = "company"
    """The domain of its primary company, because it has no website."""
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A lead as HubSpot has it, and what asking to register it would come to. Its texts are untrusted."""

    portal: Portal
    contact_id: str
    company_id: str | None
    """Its primary company."""
    name: str
    email: str
    company: str
    country: str
    read_from: ReadFrom
    typed: str
    """What the domain is read from, as somebody typed it."""
    domain: str | None
    """What would be registered, in the ledger's spelling; None where the website yields none."""
    decision: Decision
    hold: HoldKind | None
    capacity: Capacity
    """With the slots that are free given to those who wait for them."""
    position: int | None
    """The place in the waiting list that it has, or would get; None where it would not wait."""

    @property
    def answer(self) -> Answer | None:
        """Why it would not be registered, and what now; None where it would be, or is."""
        state = _STATES.get(self.decision.outcome)
        if state is None:
            return None
        of = self.decision
        return answer(state=state, reason=of.reason, detail=of.detail, domain=of.domain)

    @property
    def is_worth_asking(self) -> bool:
        """Whether a request changes anything: it does not where the lead is registered already, or is refused."""
        return self.decision.outcome in {Outcome.REGISTER, Outcome.WAIT, Outcome.INVALID}

    @property
    def digest(self) -> str:
        """What a person agreed to by this: another outcome, or another domain, has another one."""
        return f"{self.decision.outcome}:{self.decision.domain or ''}"


_STATES = {Outcome.WAIT: State.WAITING, Outcome.INVALID: State.INVALID_DATA, Outcome.REFUSE: State.UNAVAILABLE}


def check(context: Context, hub_id: int, contact_id: str, *, source: Source) -> Checked:
    """Read the contact and decide as if `source` asked for it now; nothing is changed.

    Raises UnknownPortal, NotFound where the contact is gone, and what HubSpot raises.
    """
    with context.database.transaction() as tx:
        portals.get(tx, hub_id)
    read = read_contacts(context.client(hub_id), context.names, [contact_id])
    if contact_id in read.merged.moved:
        raise NotFound(_MERGED, contact=contact_id, into=read.merged.moved[contact_id])
    record = read.contacts.get(contact_id)
    if record is None:
        raise NotFound(_NO_CONTACT, contact=contact_id, portal=str(hub_id))
    company_id = read.primary_company.get(contact_id)
    lead = subject(record, read.companies.get(company_id or ""), context.domain_rules)
    return context.database.run(lambda tx: _preview(tx, context, hub_id, lead, source))


def check_meant(context: Context, hub_id: int, meant: str, *, source: Source) -> Checked:
    """The same for a contact that is named by its id, its email, its company's domain or its address in HubSpot.

    Raises UnknownPortal, NotFound where none, or more than one, is meant, and what HubSpot raises.
    """
    return check(context, hub_id, find_contact(context, hub_id, meant), source=source)


def _preview(tx: Tx, context: Context, hub_id: int, of: Subject, source: Source) -> Checked:
    portal = portals.get(tx, hub_id)
    conditions = context.conditions(tx)
    lead = of.lead
    domain = of.domain if isinstance(of.domain, str) else None
    typed = website_of(lead)
    concerned = Concerned(domains={domain} if domain else (), hub_id=hub_id, contacts=[lead.contact_id])
    with _as_if_ended(tx, portal.partner.id, conditions, concerned):
        granted = conditions.terms_of(portal.partner)
        used = capacity.held(tx, portal.partner.id, at_most=2**31)
        line = ahead_of(tx, portal.partner.id, domain)
        room = max(0, granted.limit - used)
        # The same code decides that would, were it asked for. Of the free slots the lead has what those leave who
        # stand before it; really to give these away, and to take them back, is thousands of registrations.
        asking = _asking(tx, portal, lead, source)
        decision = foresee(tx, portal, of, asking, conditions, free=room - line.served_before)
        hold = holds.on(tx, [domain]).get(domain) if domain else None
    given = min(room, line.served)
    waits = decision.outcome is Outcome.WAIT and domain is not None
    return Checked(
        portal=portal,
        contact_id=lead.contact_id,
        company_id=lead.company_id,
        name=" ".join(part for part in (lead.first_name, lead.last_name) if part),
        email=lead.email or "",
        company=lead.company or lead.company_name or "",
        country=lead.country or "",
        read_from=_read_from(lead, typed),
        typed=quote(typed or ""),
        domain=domain,
        decision=decision,
        hold=hold,
        capacity=Capacity(
            limit=granted.limit, used=used + given, waiting=line.waiting - given, source=granted.limit_source
        ),
        position=line.before - given + 1 if waits else None,
    )


def _read_from(lead: Lead, typed: str | None) -> ReadFrom:
    if typed is None:
        return ReadFrom.NOTHING
    return ReadFrom.WEBSITE if typed is lead.website else ReadFrom.COMPANY


@contextmanager
def _as_if_ended(tx: Tx, partner_id: int, conditions: Conditions, concerned: Concerned) -> Iterator[None]:
    """What is overdue has ended meanwhile. Where nothing is, as nearly always, nobody is kept waiting by a lock."""
    if not overdue.is_any_overdue(tx, partner_id, concerned.domains):
        yield
        return
    # Ended for real, and taken back, with the locks: not a likeness of it.
    trial = tx.connection.begin_nested()
    try:
        lock_and_end_overdue(tx, partner_id, conditions, Changes(), concerned=concerned, gives_away=False)
        yield
    finally:
        trial.rollback()


def _asking(tx: Tx, portal: Portal, lead: Lead, source: Source) -> Stored:
    """The request that would be made."""
    return Stored(
        id=_NEWEST,
        partner_id=portal.partner.id,
        hub_id=portal.hub_id,
        action=Action.REGISTER,
        source=source,
        who="check",
        requested_at=tx.now,
        contact_id=lead.contact_id,
        state=State.PROCESSING,
        reason=Reason.PROCESSING,
        detail="",
        domain=None,
        company_id=None,
        confirmed_by=None,
        decided_at=None,
        registration_id=None,
    )


# Behind the id of every other request.
_NEWEST = 2**63 - 1
_MERGED = to_translate("contact %(contact)s was merged into %(into)s: name that one")
_NO_CONTACT = to_translate("portal %(portal)s has no contact %(contact)s, or it was deleted")
