"""What would a form have done, had it registered leads by itself these last days?

Its submissions are read, their contacts as they are now, and each is decided by the rules; nothing is kept, nothing is
locked. Calls to HubSpot are bounded, and of the bulk lane: whoever waits for a form goes first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from syncworker.hubspot.client import MOST_IN_BATCH, HubSpotClient
from syncworker.hubspot.quota import Lane
from syncworker.hubspot.records import Submission
from syncworker.registration.ledger import capacity
from syncworker.registration.ledger.deciding import Subject
from syncworker.registration.ledger.gather import gather
from syncworker.registration.ledger.requests import NewRequest
from syncworker.registration.rules.decide import decide
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.facts import Request
from syncworker.registration.rules.terms import Action, Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.privacy import privacy
from syncworker.sync.reconcile.leads import read_contacts, subject
from syncworker.sync.triggers import submissions

DAYS = 30
# Twenty calls' worth of submissions, and some forty more for their contacts: what a page may spend.
MOST_PAGES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class FormTrial:
    """What became of the submissions. All but `submissions` count contacts, each once."""

    since: datetime
    submissions: int
    more: bool
    """There were more than are read for this; the newest were."""
    registered: int = 0
    already: int = 0
    """Their domain is registered by the partner already, or by one of these: they would join it."""
    pending: int = 0
    """They would wait: capacity is used up."""
    unavailable: int = 0
    invalid: int = 0
    unresolved: int = 0
    """No contact of the submission's email was found."""


def form_trial(context: Context, hub_id: int, form_id: str, *, days: int = DAYS) -> FormTrial:
    """Say what the form's submissions of the last days would have come to, as contacts and capacity are now.

    Raises UnknownPortal, and what HubSpot raises: Gone for a form that is not there.
    """
    with context.database.transaction() as tx:
        portals.get(tx, hub_id)
        since = tx.now - timedelta(days=days)
    reader = context.in_lane(Lane.BULK)
    found, more = _submissions(reader, hub_id, form_id, since)
    with context.database.transaction() as tx:
        asked = [submissions.request(context.secrets, form_id, one) for one in found]
        counted = privacy.without_erased(tx, context.secrets, hub_id, asked)
    first = _first_of_each(counted)
    contacts = _contacts(reader.client(hub_id), [email for email in first if email is not None])
    subjects = _subjects(reader, hub_id, contacts.values())
    with context.database.transaction() as tx:
        decided = _decided(tx, context, hub_id, subjects)
        free = _free(tx, context, hub_id)
    # Whoever asked first is served first.
    order = [contacts[email] for email in first if email in contacts and contacts[email] in decided]
    counts = _count([decided[contact_id] for contact_id in dict.fromkeys(order)], free)
    unresolved = len(first) - len(order)
    return FormTrial(since=since, submissions=len(found), more=more, unresolved=unresolved, **counts)


def _submissions(context: Context, hub_id: int, form_id: str, since: datetime) -> tuple[list[Submission], bool]:
    found, more = submissions.read_some(context, hub_id, form_id, since, pages=MOST_PAGES)
    return [one for one in found if one.submitted_at >= since], more


def _first_of_each(asked: Iterable[NewRequest]) -> list[str | None]:
    """The emails, whoever asked first coming first; None for each submission without a usable one."""
    ordered = sorted(asked, key=lambda one: one.requested_at)
    emails = dict.fromkeys(one.email for one in ordered if one.email is not None)
    return [*emails, *(None for one in ordered if one.email is None)]


def _contacts(client: HubSpotClient, emails: list[str]) -> dict[str | None, str]:
    found: dict[str | None, str] = {}
    for at in range(0, len(emails), MOST_IN_BATCH):
        found.update(submissions.contacts_of(client, emails[at : at + MOST_IN_BATCH]).items())
    return found


def _subjects(context: Context, hub_id: int, contact_ids: Iterable[str]) -> dict[str, Subject]:
    ids = list(dict.fromkeys(contact_ids))
    found: dict[str, Subject] = {}
    for at in range(0, len(ids), MOST_IN_BATCH):
        read = read_contacts(context.client(hub_id), context.names, ids[at : at + MOST_IN_BATCH])
        for contact_id, record in read.contacts.items():
            company = read.companies.get(read.primary_company.get(contact_id, ""))
            found[contact_id] = subject(record, company, context.domain_rules)
    return found


def _decided(tx: Tx, context: Context, hub_id: int, subjects: Mapping[str, Subject]) -> dict[str, Decision]:
    """Each as if a slot were free; whether one is left is counted afterwards."""
    portal = portals.get(tx, hub_id)
    known = gather(
        tx,
        partner_id=portal.partner.id,
        hub_id=hub_id,
        leads={key: (of.lead, of.domain if isinstance(of.domain, str) else None) for key, of in subjects.items()},
        # Each has one, so that holds are looked for; which it is does not matter.
        open_requests=dict.fromkeys(subjects, ()),
        free=1,
    )
    request = Request(id=0, action=Action.REGISTER, source=Source.FORM, requested_at=tx.now)
    rules = context.conditions(tx).rules
    return {
        key: decide(of.lead, request, replace(known[key].facts, capacity_free=True), of.domain, rules)
        for key, of in subjects.items()
    }


def _free(tx: Tx, context: Context, hub_id: int) -> int:
    partner = portals.get(tx, hub_id).partner
    picture = capacity.capacity(tx, partner, context.terms(partner, tx))
    return picture.free - picture.waiting


_COUNTED_AS = {Outcome.JOIN: "already", Outcome.REFUSE: "unavailable", Outcome.INVALID: "invalid"}


def _count(decided: Iterable[Decision], free: int) -> dict[str, int]:
    counts = dict.fromkeys(("registered", "already", "pending", "unavailable", "invalid"), 0)
    waiting: set[str | None] = set()
    taken: set[str | None] = set()
    for one in decided:
        if one.outcome is Outcome.REGISTER:
            name = "already" if one.domain in taken else "registered"
            if one.domain in waiting or (name == "registered" and len(taken) >= free):
                name = "pending"
            (waiting if name == "pending" else taken).add(one.domain)
            counts[name] += 1
        elif one.outcome in _COUNTED_AS:
            counts[_COUNTED_AS[one.outcome]] += 1
    return counts
