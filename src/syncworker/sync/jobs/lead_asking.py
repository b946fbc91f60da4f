"""How are the next leads of a file asked for?

Whom a domain means may have to be asked of HubSpot. That is done before the transaction that asks for a batch, which
leaves out what nobody has looked up: whoever was quicker may have moved the job on meanwhile.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import text

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.registration.ledger import registrations
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.requests import NewRequest
from syncworker.registration.rules.terms import Action, Source
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.sync.claims import Lane
from syncworker.sync.context import Context
from syncworker.sync.jobs import known_leads
from syncworker.sync.jobs.job import Outcome
from syncworker.sync.jobs.known_leads import Meant
from syncworker.sync.portals.failures import block_if_of_portal, may_be_called

Found = Mapping[str, Meant]


def look_up(context: Context, hub_id: int, *, batch: int) -> Found | None:
    """Who is meant by the domains of the portal's next leads, as HubSpot says; None where it cannot be asked now.

    Empty, and without a call, where the next job is no file, or all that its leads mean is known.
    """
    with context.database.transaction() as tx:
        row = tx.connection.execute(_NEXT, {"hub_id": hub_id, "batch": batch}).one_or_none()
        unknown = _unknown(tx, hub_id, row.leads) if row is not None else []
        if not unknown:
            return {}
        if not may_be_called(tx, hub_id):
            return None
    try:
        return known_leads.in_hubspot(context.in_lane(Lane.BULK).client(hub_id), unknown)
    except (HubSpotError, RateLimited) as error:
        if block_if_of_portal(context.database, hub_id, error):
            return None
        if isinstance(error, RateLimited):
            raise
        # HubSpot takes the question amiss: nobody is known to be meant.
        return {domain: known_leads.of_domain(domain, ()) for domain in unknown}


def ask(
    tx: Tx, portal: Portal, items: Mapping[str, int], found: Found, *, key: str, who: str, changes: Changes
) -> Mapping[str, Outcome]:
    """Ask for a batch of leads, given with their rows; what is registered already is left alone.

    What has no outcome then has to be looked up first.
    """
    known = known_leads.known(tx, portal.hub_id, list(items))
    held = registrations.held_on(tx, {meant.domain for meant in known.values() if meant.domain})
    outcomes: dict[str, Outcome] = {}
    new: list[NewRequest] = []
    for lead, place in items.items():
        meant = known[lead]
        claim = held.get(meant.domain or "")
        ours = claim if claim is not None and claim.partner_id == portal.partner.id else None
        if ours is not None and ours.is_active and not ours.is_over(tx.now):
            outcomes[lead] = Outcome.REGISTERED
            continue
        if meant.is_open:
            if lead not in found:
                continue
            meant = found[lead]
        if meant.contact_id is None and known_leads.is_domain(lead):
            outcomes[lead] = Outcome.SEVERAL_CONTACTS if meant.candidates else Outcome.NO_CONTACT
            continue
        outcomes[lead] = Outcome.DONE
        new.append(
            NewRequest(
                key=f"{key}:{place}",
                action=Action.REGISTER,
                source=Source.IMPORT,
                who=who,
                requested_at=tx.now,
                contact_id=meant.contact_id,
                email=lead if meant.contact_id is None else None,
            )
        )
    asked.add(tx, partner_id=portal.partner.id, hub_id=portal.hub_id, new=new)
    changes.contacts |= {(portal.hub_id, one.contact_id) for one in new if one.contact_id is not None}
    return outcomes


def _unknown(tx: Tx, hub_id: int, leads: list[str]) -> list[str]:
    domains = [lead for lead in leads if known_leads.is_domain(lead)]
    return [lead for lead, meant in known_leads.known(tx, hub_id, domains).items() if meant.is_open] if domains else []


_NEXT = text("""
    SELECT ARRAY(SELECT i.domain FROM job_items AS i WHERE i.job_id = next.id AND i.outcome IS NULL
                  ORDER BY i.place LIMIT :batch) AS leads
      FROM (SELECT id, action FROM jobs WHERE hub_id = :hub_id AND finished_at IS NULL AND NOT held
             ORDER BY coalesce(turn, id) LIMIT 1) AS next
     WHERE next.action = 'register_file'
""")
