"""How does a batch of leads become decided, registered and shown?

Under the partner's row lock: end what is overdue, decide, put what may be registered on the waiting list, give out
the free slots in order, and decide again with what that led to. The waiting list is the only way to a slot, so a
request can never overtake one that was made before it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from syncworker.program import NO_TERMS
from syncworker.registration.ledger import allocation, capacity, moves, overdue, registrations
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.capacity import Terms
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.gather import Known, gather, rule_request
from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.moves import Move
from syncworker.registration.ledger.overdue import NOBODY, Concerned
from syncworker.registration.ledger.requests import State, Stored
from syncworker.registration.rules.decide import decide
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.domains import Domain
from syncworker.registration.rules.facts import Lead, Rules
from syncworker.registration.rules.refused import Refused
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Partner, Portal

# Deciding once more after the slots were given out settles all but the losers of a race; those need a third look.
PASSES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A lead and what its website comes to."""

    lead: Lead
    domain: Domain | Refused | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What deciding depends on besides the lead."""

    terms_of: Callable[[Partner], Terms]
    rules: Rules
    undo: timedelta
    """How long a deregistration can be undone."""
    may_end: Callable[[], bool] = lambda: True
    """Whether the clock by which registrations end is to be trusted; asked only where one would end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a lead's record shows; `touched` says whether the ledger knows the record at all."""

    decision: Decision
    touched: bool


def decide_batch(
    tx: Tx, portal: Portal, subjects: Mapping[str, Subject], conditions: Conditions
) -> tuple[dict[str, Decided], Changes]:
    """Decide these leads of a portal, and bring the ledger to it."""
    changes = Changes()
    # Without an open request nothing can change, and the partner's row need not be locked: most of a resync.
    if not asked.open_of(tx, portal.hub_id, subjects):
        return standing_batch(tx, portal, subjects, conditions), changes
    domains = {s.domain for s in subjects.values() if isinstance(s.domain, str)}
    concerned = Concerned(domains=domains, hub_id=portal.hub_id, contacts=subjects.keys())
    partner = lock_and_end_overdue(tx, portal.partner.id, conditions, changes, concerned=concerned)
    began_to_wait: dict[int, Move] = {}
    for number in range(PASSES):
        known = _known(tx, portal, subjects, free=0)
        planned = _all_moves(tx, subjects, known, conditions, changes)
        began_to_wait |= {move.request.id: move for move in planned if move.quiet and move.tells_something}
        # Once in any case: a slot may have come free since a request began to wait.
        if not moves.settle(tx, planned) and number:
            break
        changes.add(allocation.allocate(tx, partner.id, conditions.terms_of(partner)))
    # Whoever got a slot at once has not waited.
    waiting = moves.still_waiting(tx, began_to_wait)
    moves.tell(tx, [began_to_wait[request_id] for request_id in waiting])
    known = _known(tx, portal, subjects, free=0)
    return _shown(subjects, known, conditions.rules), changes


def standing_batch(
    tx: Tx,
    portal: Portal,
    subjects: Mapping[str, Subject],
    conditions: Conditions,
    *,
    asked_before: Collection[str] | None = None,
) -> dict[str, Decided]:
    """Say what leads show that have no open request. Changes nothing, and locks nothing.

    `asked_before`: those that have ever had a request, where that is known.
    """
    known = _known(tx, portal, subjects, free=0, open_requests={}, asked_before=asked_before)
    return _shown(subjects, known, conditions.rules)


def preview_batch(
    tx: Tx, portal: Portal, subjects: Mapping[str, Subject], conditions: Conditions
) -> dict[str, Decided]:
    """Say what would be decided, and change nothing but the note of it on the requests."""
    picture = capacity.capacity(tx, portal.partner, conditions.terms_of(portal.partner))
    known = _known(tx, portal, subjects, free=picture.free - picture.waiting)
    shown = _shown(subjects, known, conditions.rules)
    for contact_id, of in known.items():
        decision = shown[contact_id].decision
        would = f"would be {decision.status or 'left alone'}; {decision.detail}".rstrip("; ")
        moves.preview(tx, of.requests, would=would, domain=decision.domain)
    return shown


def foresee(tx: Tx, portal: Portal, of: Subject, request: Stored, conditions: Conditions, *, free: int) -> Decision:
    """Say what would be decided of a lead if this, too, were asked for now, and changes nothing.

    `free`: the slots that would be left for it. What is overdue has been ended.
    """
    contact_id = of.lead.contact_id
    requests = [*asked.open_of(tx, portal.hub_id, [contact_id]).get(contact_id, ()), request]
    subjects = {contact_id: of}
    known = _known(tx, portal, subjects, free=free, open_requests={contact_id: requests})
    return _shown(subjects, known, conditions.rules)[contact_id].decision


def lock_and_end_overdue(
    tx: Tx,
    partner_id: int,
    conditions: Conditions,
    changes: Changes,
    *,
    concerned: Concerned = NOBODY,
    gives_away: bool = True,
) -> Partner:
    """Lock the partner, end what is overdue, give the slots away; likewise of others with such claims on the domains.

    Of very many a part ends at a time: of each partner at least what is `concerned`. Who is not to keep what is ended
    says that nothing is given away: that may be thousands of registrations.
    """
    others = overdue.partners_with_overdue(tx, concerned.domains) if concerned.domains else set()
    locked: dict[int, Partner] = {}
    for each in sorted({partner_id, *others}):
        # As it is now: what was read before the lock may have been changed by whoever held it.
        locked[each] = portals.lock_partner(tx, each)
        terms_of = conditions.terms_of if each == partner_id else partial(_terms_of_another, conditions)
        granted = terms_of(locked[each])
        zones = {portal.hub_id: portal.time_zone for portal in portals.everyone(tx, partner_id=each)}
        ended = overdue.end_overdue(
            tx,
            each,
            concerned=concerned,
            validity=granted.validity if granted else None,
            time_zones=zones,
            may_end=conditions.may_end,
        )
        changes.add(ended)
        if ended.domains and gives_away and granted:
            changes.add(allocation.allocate(tx, each, granted))
    return locked[partner_id]


def _terms_of_another(conditions: Conditions, partner: Partner) -> Terms | None:
    """None for a tier or a program that is not there: that is a mistake in their settings, and stops nobody else."""
    try:
        return conditions.terms_of(partner)
    except NO_TERMS:
        return None


def _known(
    tx: Tx,
    portal: Portal,
    subjects: Mapping[str, Subject],
    *,
    free: int,
    open_requests: Mapping[str, list[Stored]] | None = None,
    asked_before: Collection[str] | None = None,
) -> dict[str, Known]:
    leads = {
        contact_id: (subject.lead, subject.domain if isinstance(subject.domain, str) else None)
        for contact_id, subject in subjects.items()
    }
    if open_requests is None:
        open_requests = asked.open_of(tx, portal.hub_id, leads)
    return gather(
        tx,
        partner_id=portal.partner.id,
        hub_id=portal.hub_id,
        leads=leads,
        open_requests=open_requests,
        free=free,
        asked_before=asked_before,
    )


def _intended(requests: tuple[Stored, ...]) -> tuple[list[Stored], list[Stored]]:
    """The requests that count, and those that a later one of the opposite action overtook."""
    action = requests[-1].action
    return [r for r in requests if r.action is action], [r for r in requests if r.action is not action]


def _decide(subject: Subject, known: Known, rules: Rules) -> Decision:
    if not known.requests:
        return decide(subject.lead, None, known.facts, subject.domain, rules)
    intended, _ = _intended(tuple(known.requests))
    # A person's word or a manager's confirmation among several requests counts for all of them.
    strongest = max(intended, key=lambda r: (r.confirmed_by is not None, r.source.is_person, -r.id))
    return decide(subject.lead, rule_request(strongest), known.facts, subject.domain, rules)


def _shown(subjects: Mapping[str, Subject], known: Mapping[str, Known], rules: Rules) -> dict[str, Decided]:
    shown = {}
    for contact_id, subject in subjects.items():
        decision = _decide(subject, known[contact_id], rules)
        touched = decision.status is not None or bool(known[contact_id].requests)
        shown[contact_id] = Decided(decision=decision, touched=touched)
    return shown


def _all_moves(
    tx: Tx, subjects: Mapping[str, Subject], known: Mapping[str, Known], conditions: Conditions, changes: Changes
) -> list[Move]:
    """What brings all open requests to what is decided."""
    planned: list[Move] = []
    for contact_id, subject in sorted(subjects.items()):
        of = known[contact_id]
        if of.requests:
            decision = _decide(subject, of, conditions.rules)
            planned += _moves(tx, subject, of, decision, conditions, changes)
    for move in planned:
        # The company before, too: of a contact that is gone, or has moved, it shows something else now.
        for company_id in {move.company_id, move.request.company_id} - {None} if move.changes else ():
            changes.companies.add((move.request.hub_id, str(company_id)))
    return planned


_SETTLED = {
    Outcome.JOIN: (State.REGISTERED, Happened.JOINED),
    Outcome.REFUSE: (State.UNAVAILABLE, Happened.UNAVAILABLE),
    Outcome.INVALID: (State.INVALID_DATA, Happened.INVALID_DATA),
    Outcome.WAIT: (State.WAITING, Happened.PENDING),
    Outcome.REGISTER: (State.WAITING, Happened.PENDING),
    Outcome.CONFIRM: (State.CONFIRMING, Happened.DEREGISTRATION_ASKED),
    Outcome.WITHDRAW: (State.WITHDRAWN, Happened.WITHDRAWN),
    Outcome.END: (State.ENDED, Happened.ENDED),
    Outcome.DEREGISTER: (State.DEREGISTERED, Happened.DEREGISTERED),
}


def _moves(
    tx: Tx, subject: Subject, known: Known, decision: Decision, conditions: Conditions, changes: Changes
) -> list[Move]:
    intended, overtaken = _intended(tuple(known.requests))
    state, happened = _SETTLED[decision.outcome]
    claim = _claim_meant(known, decision)
    if decision.outcome is Outcome.DEREGISTER and claim is not None:
        last = intended[-1]
        who = last.confirmed_by or last.who
        ended = registrations.deregister(tx, [claim], who=who, source=last.source, undo=conditions.undo)
        changes.add(ended)
    overtaking = [
        Move(
            request=request,
            state=State.WITHDRAWN,
            happened=Happened.WITHDRAWN,
            detail="overtaken by a later request",
        )
        for request in overtaken
    ]
    return overtaking + [
        Move(
            request=request,
            state=state,
            happened=happened,
            reason=decision.reason,
            detail=decision.detail,
            # A record that is gone says nothing of either: its request ends with what was known of it.
            domain=request.domain if decision.outcome is Outcome.END else decision.domain,
            company_id=request.company_id if decision.outcome is Outcome.END else subject.lead.company_id,
            registration_id=claim.id if claim is not None else None,
            quiet=state is State.WAITING,
        )
        for request in intended
    ]


def _claim_meant(known: Known, decision: Decision) -> registrations.Registration | None:
    held = [claim for claim in known.claims.values() if claim.is_active and claim.domain == decision.domain]
    return held[0] if held else None
