"""Which of our properties did somebody edit by hand? They are overwritten, and that is recorded."""

from __future__ import annotations

from syncworker.registration.ledger.history import Event, Happened
from syncworker.store.portals import Portal
from syncworker.sync.marks import Kind
from syncworker.sync.reconcile.known_records import KnownRecord
from syncworker.sync.reconcile.shown import Properties


def hand_edits(
    portal: Portal,
    kind: Kind,
    object_id: str,
    changes: Properties,
    wanted: Properties,
    known: KnownRecord | None,
    *,
    domain: str | None,
) -> list[Event]:
    """A property that we had written, that should still be so, and is not: somebody edited it. It is overwritten."""
    if known is None:
        return []
    written = known.written
    edited = sorted([name for name in changes if written.get(name) == wanted.get(name, "")])
    if not edited:
        return []
    return [
        Event(
            partner_id=portal.partner.id,
            hub_id=portal.hub_id,
            event=Happened.HAND_EDIT,
            source="crm",
            who="unknown",
            why=f"overwritten: {', '.join(edited)}",
            domain=domain,
            contact_id=object_id if kind is Kind.CONTACT else None,
            company_id=object_id if kind is Kind.COMPANY else None,
        )
    ]
