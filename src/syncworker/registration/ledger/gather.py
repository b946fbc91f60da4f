"""What does the ledger know about these leads?

One query a question for a whole batch, however many leads it has.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import text

from syncworker.registration.ledger import holds as kept_holds
from syncworker.registration.ledger import registrations as claimed
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.ledger.requests import CONSUMED, State, Stored
from syncworker.registration.rules.facts import Claim, Consumed, Facts, Lead, Request
from syncworker.registration.rules.terms import EndReason, Status
from syncworker.store.arrays import joined, split
from syncworker.store.database import Tx

_STATUS_OF = {
    State.REGISTERED: Status.REGISTERED,
    State.UNAVAILABLE: Status.UNAVAILABLE,
    State.DEREGISTERED: Status.DEREGISTERED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of one lead: its facts, its open requests, and the registration its record shows, if any."""

    facts: Facts
    requests: Sequence[Stored] = ()
    claims: Mapping[int, Registration] = field(default_factory=dict)


_NOTHING_KNOWN = Known(facts=Facts())


def gather(
    tx: Tx,
    *,
    partner_id: int,
    hub_id: int,
    leads: Mapping[str, tuple[Lead, str | None]],
    open_requests: Mapping[str, Sequence[Stored]],
    free: int,
    asked_before: Collection[str] | None = None,
) -> dict[str, Known]:
    """Read all else that is needed to decide these leads, given with the domain of each.

    `free` slots are left. `asked_before`: those that have ever had a request, where that is known.
    """
    domains = {domain for _, domain in leads.values() if domain is not None}
    consumed = _last_consumed(tx, hub_id, leads if asked_before is None else asked_before)
    # Only a request is ever refused for a hold.
    on_hold = kept_holds.on(tx, domains) if open_requests else {}
    by_domain, by_contact = _claims(tx, partner_id=partner_id, hub_id=hub_id, domains=domains, contacts=leads)
    known: dict[str, Known] = {}
    for contact_id, (lead, domain) in leads.items():
        mine = by_contact.get(contact_id, [])
        there = by_domain.get(domain, []) if domain is not None else []
        if not mine and not there and contact_id not in consumed and contact_id not in open_requests:
            known[contact_id] = _NOTHING_KNOWN  # most of any portal
            continue
        ours_there = [claim for claim in there if claim.partner_id == partner_id]
        domain_claim = next((claim for claim in ours_there if claim.is_active), None)
        lead_claim = next((claim for claim in mine if claim.is_active and _still_with(claim, lead)), None)
        ended = [claim for claim in (*ours_there, *mine) if not claim.is_active]
        last_ended = max(ended, key=_ended_at, default=None)
        facts = Facts(
            lead_claim=_claim(lead_claim),
            domain_claim=_claim(domain_claim),
            taken_by_another=any(claim.partner_id != partner_id for claim in there),
            hold=on_hold.get(domain) if domain is not None else None,
            last_ended=_claim(last_ended),
            last_consumed=consumed.get(contact_id),
            capacity_free=free > 0,
        )
        claims = {claim.id: claim for claim in (*ours_there, *mine)}
        known[contact_id] = Known(facts=facts, requests=open_requests.get(contact_id, []), claims=claims)
    return known


def rule_request(request: Stored) -> Request:
    """The request as the rules see it."""
    return Request(
        id=request.id,
        action=request.action,
        source=request.source,
        requested_at=request.requested_at,
        confirmed=request.confirmed_by is not None,
    )


def rule_claim(claim: Registration) -> Claim:
    """The registration as the rules see it."""
    # Within its undo time a deregistered claim is still held, and shows as deregistered.
    end_reason = EndReason.DEREGISTERED if claim.deregistered_at is not None else claim.end_reason
    return Claim(
        id=claim.id,
        domain=claim.domain,
        registered_on=claim.registered_on,
        expires_on=claim.expires_on,
        source=claim.source,
        contact_id=claim.contact_id,
        company_id=claim.company_id,
        confirmation=claim.confirmation,
        hold=claim.hold,
        end_reason=end_reason,
        ended_at=None if claim.is_active else _ended_at(claim),
    )


def _claim(claim: Registration | None) -> Claim | None:
    return rule_claim(claim) if claim is not None else None


def _still_with(claim: Registration, lead: Lead) -> bool:
    """A contact who moved to another company shows that company's state; the registration stays with the old one."""
    return claim.company_id is None or lead.company_id is None or claim.company_id == lead.company_id


def _ended_at(claim: Registration) -> datetime:
    return claim.deregistered_at or claim.ended_at or claim.expires_at


# One text and no lists of parameters: compiled once, whatever the number of leads.
_LAST_CONSUMED = text(f"""
    SELECT DISTINCT ON (contact_id) contact_id, state, reason, domain, decided_at FROM requests
     WHERE hub_id = :hub_id AND contact_id = ANY({split("contacts")}) AND state = ANY({split("consumed")})
     ORDER BY contact_id, decided_at DESC, id DESC
""")
# A union of two index look-ups; an OR over both would scan.
_CLAIMS = text(f"""
    SELECT * FROM registrations
     WHERE domain = ANY({split("domains")}) AND (partner_id = :partner_id OR ended_at IS NULL)
    UNION
    SELECT * FROM registrations WHERE hub_id = :hub_id AND contact_id = ANY({split("contacts")})
""")
_CONSUMED = joined(state.value for state in CONSUMED)


def _last_consumed(tx: Tx, hub_id: int, contacts: Collection[str]) -> dict[str, Consumed]:
    if not contacts:
        return {}
    parameters = {"hub_id": hub_id, "contacts": joined(contacts), "consumed": _CONSUMED}
    return {
        row.contact_id: Consumed(
            status=_STATUS_OF[State(row.state)],
            reason=asked.reason(row.reason),
            domain=row.domain,
            decided_at=row.decided_at,
        )
        for row in tx.connection.execute(_LAST_CONSUMED, parameters).all()
    }


def _claims(
    tx: Tx, *, partner_id: int, hub_id: int, domains: set[str], contacts: Mapping[str, object]
) -> tuple[dict[str, list[Registration]], dict[str, list[Registration]]]:
    parameters = {"hub_id": hub_id, "partner_id": partner_id, "domains": joined(domains), "contacts": joined(contacts)}
    by_domain: dict[str, list[Registration]] = defaultdict(list)
    by_contact: dict[str, list[Registration]] = defaultdict(list)
    rows = [claimed.registration(row) for row in tx.connection.execute(_CLAIMS, parameters).all()]
    for claim in sorted(rows, key=lambda c: c.id, reverse=True):
        by_domain[claim.domain].append(claim)
        if claim.hub_id == hub_id and claim.partner_id == partner_id and claim.contact_id is not None:
            by_contact[claim.contact_id].append(claim)
    return by_domain, by_contact
