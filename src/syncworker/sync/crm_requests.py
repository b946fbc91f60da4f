"""Who set the request property of a contact, and what did they ask for?

Read with history, so that each time it was set is one request, however often it is seen. After clearing, the history
is read once more: a newer value that was set meanwhile is a new request, and not lost under our clearing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from syncworker.hubspot.records import PropertyVersion
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.requests import NewRequest
from syncworker.registration.rules.terms import Action, Source
from syncworker.store.database import Tx
from syncworker.store.portals import Portal

# HubSpot's source types of a change, as far as they are known: what is not a workflow was a person.
_WORKFLOW_SOURCES = frozenset({"AUTOMATION_PLATFORM", "WORKFLOWS", "WORKFLOW", "AUTOMATION_JOURNEY"})


def add_requests(
    tx: Tx, portal: Portal, property_name: str, history: Mapping[str, list[PropertyVersion]]
) -> dict[str, datetime]:
    """Keep a request for the newest value of each contact; return when each was set, by contact id."""
    handled: dict[str, datetime] = {}
    new: list[NewRequest] = []
    for contact_id, versions in sorted(history.items()):
        newest = next(iter(versions), None)
        if newest is not None and newest.value:
            handled[contact_id] = newest.timestamp
            new += _request(contact_id, property_name, newest)
    asked.add(tx, partner_id=portal.partner.id, hub_id=portal.hub_id, new=new)
    return handled


def add_set_meanwhile(
    tx: Tx,
    portal: Portal,
    property_name: str,
    history: Mapping[str, list[PropertyVersion]],
    handled: Mapping[str, datetime],
) -> set[str]:
    """Keep a request for each value that was set after the one we handled; return the contacts that have one."""
    new = [
        request
        for contact_id, versions in sorted(history.items())
        for version in _set_after(versions, handled[contact_id])
        for request in _request(contact_id, property_name, version)
    ]
    asked.add(tx, partner_id=portal.partner.id, hub_id=portal.hub_id, new=new)
    return {str(request.contact_id) for request in new}


def _set_after(versions: Iterable[PropertyVersion], moment: datetime) -> list[PropertyVersion]:
    return [version for version in versions if version.value and version.timestamp > moment]


def _request(contact_id: str, property_name: str, version: PropertyVersion) -> list[NewRequest]:
    if version.value not in set(Action):
        return []  # an option that somebody added by hand: nobody is asking for anything we know
    workflow = (version.source_type or "") in _WORKFLOW_SOURCES
    who = f"{version.source_type or 'unknown'}:{version.source_id or ''}"
    return [
        NewRequest(
            key=f"crm:{contact_id}:{property_name}:{version.timestamp.timestamp():.3f}",
            action=Action(version.value),
            source=Source.WORKFLOW if workflow else Source.CRM,
            who=who[:200],
            requested_at=version.timestamp,
            contact_id=contact_id,
        )
    ]
