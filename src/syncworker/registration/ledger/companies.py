"""What does a company's record show? The best state of all its domains, and of the leads that work there."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from sqlalchemy import ARRAY, Text, any_, cast, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from syncworker.registration.ledger import registrations as claimed
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.gather import rule_claim
from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.ledger.requests import State, Stored
from syncworker.registration.rules.company import best
from syncworker.registration.rules.decision import Decision, Outcome
from syncworker.registration.rules.facts import Facts
from syncworker.registration.rules.standing import standing
from syncworker.registration.rules.terms import Action, Status
from syncworker.store.database import Tx
from syncworker.store.tables import requests

_STATUS_OF = {
    State.PROCESSING: Status.PENDING,
    State.WAITING: Status.PENDING,
    State.INVALID_DATA: Status.INVALID_DATA,
    State.UNAVAILABLE: Status.UNAVAILABLE,
}


def decide_companies(
    tx: Tx, *, partner_id: int, hub_id: int, companies: Mapping[str, str | None]
) -> dict[str, Decision]:
    """What each company shows, given the domain of each; those of which the ledger knows nothing are left out."""
    claims = _claims(tx, partner_id=partner_id, hub_id=hub_id, companies=companies)
    asked_for = _latest_requests(tx, hub_id, companies)
    decided = {}
    for company_id in companies:
        states = _states(claims.get(company_id, []), asked_for.get(company_id, []))
        if states:
            decided[company_id] = best(states)
    return decided


def _states(claims: list[Registration], requests_: list[Stored]) -> list[Decision]:
    # The newest claim on a domain is the one that counts; an active one is always the newest.
    newest = {claim.domain: claim for claim in sorted(claims, key=lambda c: c.id)}
    states = [_shown(claim) for claim in newest.values()]
    for request in requests_:
        claim = newest.get(request.domain or "")
        if claim is not None and request.decided_at is not None and claim.created_at >= request.decided_at:
            continue  # what was refused then has been registered since
        states.append(
            Decision(
                outcome=Outcome.NOTHING,
                status=_STATUS_OF[request.state],
                reason=request.reason,
                detail=request.detail,
                domain=request.domain,
            )
        )
    return states


def _shown(claim: Registration) -> Decision:
    of = rule_claim(claim)
    facts = Facts(domain_claim=of) if claim.is_active else Facts(last_ended=of)
    return standing(facts, claim.domain)


# Arrays and no lists of parameters: compiled once, whatever the number of companies.
_CLAIMS = text("""
    SELECT * FROM registrations WHERE partner_id = :partner_id AND domain = ANY(:domains)
    UNION
    SELECT * FROM registrations WHERE partner_id = :partner_id AND hub_id = :hub_id AND company_id = ANY(:companies)
""")


def _claims(
    tx: Tx, *, partner_id: int, hub_id: int, companies: Mapping[str, str | None]
) -> dict[str, list[Registration]]:
    parameters = {
        "partner_id": partner_id,
        "hub_id": hub_id,
        "domains": list({domain for domain in companies.values() if domain is not None}),
        "companies": list(companies),
    }
    by_domain: dict[str, list[Registration]] = defaultdict(list)
    by_company: dict[str, list[Registration]] = defaultdict(list)
    for row in tx.connection.execute(_CLAIMS, parameters).all():
        claim = claimed.registration(row)
        by_domain[claim.domain].append(claim)
        if claim.hub_id == hub_id and claim.company_id is not None:
            by_company[claim.company_id].append(claim)
    return {
        company_id: list(
            {c.id: c for c in (*by_domain.get(domain or "", ()), *by_company.get(company_id, ()))}.values()
        )
        for company_id, domain in companies.items()
    }


def _latest_requests(tx: Tx, hub_id: int, companies: Mapping[str, object]) -> dict[str, list[Stored]]:
    """The latest request of each contact of these companies, where it shows something that no registration does."""
    latest = (
        select(requests.c.id)
        .ext(distinct_on(requests.c.company_id, requests.c.contact_id))
        .where(
            requests.c.hub_id == hub_id,
            requests.c.company_id == any_(cast(list(companies), ARRAY(Text))),
            requests.c.action == Action.REGISTER.value,
        )
        .order_by(requests.c.company_id, requests.c.contact_id, requests.c.id.desc())
    )
    states = cast([state.value for state in _STATUS_OF], ARRAY(Text))
    query = asked.query().where(requests.c.id.in_(latest), requests.c.state == any_(states))
    of: dict[str, list[Stored]] = defaultdict(list)
    for row in tx.connection.execute(query.order_by(requests.c.id)):
        request = asked.stored(row)
        of[str(request.company_id)].append(request)
    return of
