"""Who set the request property of a contact, and what did they ask for?

Read with history, so that each time it was set is one request, however often it is seen. After clearing, the history
is read once more: a newer value that was set meanwhile is a new request, and not lost under our clearing.
"""

from __future__ import annotations

from collections.abc import Mapping
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
    tx: Tx,
    portal: Portal,
    property_name: str,
    history: Mapping[str, list[PropertyVersion]],
    *,
    handled: Mapping[str, datetime],
) -> dict[str, datetime]:
    """Keep a request for each value that was set and not handled yet; return up to when each contact is handled now.

    `handled`: up to when a contact was, of those whose property was being cleared. For the others the newest value
    counts: what it replaced was taken back. A contact without any history is left out: it cannot be told what was
    asked for, and must not be cleared.
    """
    now_handled: dict[str, datetime] = {}
    new: list[NewRequest] = []
    for contact_id, versions in sorted(history.items()):
        if not versions:
            continue
        now_handled[contact_id] = max(version.timestamp for version in versions)
        before = handled.get(contact_id)
        fresh = versions[:1] if before is None else [version for version in versions if version.timestamp > before]
        new += [request for version in fresh for request in _request(contact_id, property_name, version)]
    asked.add(tx, partner_id=portal.partner.id, hub_id=portal.hub_id, new=new)
    return now_handled


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
