"""What can a person do to leads and registrations? The pages, the API and the command line call these."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from syncworker.registration.ledger import allocation, holds, lead_contacts, moves, registrations
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.holds import Hold
from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.ledger.requests import NewRequest, Stored
from syncworker.registration.rules.terms import Action, Confirmation, HoldKind, Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.texts import storable
from syncworker.sync.context import Context
from syncworker.sync.did import did
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.privacy.privacy import made_up_key
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.under_lock import under_lock
from syncworker.sync.wake import Bell, Ring


class NothingToConfirm(Exception):
    """This ledger is the authority: nobody else is asked about a registration."""

    def __init__(self, domain: str) -> None:
        self.domain = domain
        super().__init__(f"there is nothing to confirm about {domain}: its program asks nobody else")


def register(context: Context, hub_id: int, contact_id: str, *, who: str, source: Source, key: str) -> Stored | None:
    """Ask to register a contact's domain; the same key is the same request. Returns it, or None if the key is known.

    Raises UnknownPortal.
    """

    def ask(tx: Tx) -> Stored | None:
        portal = portals.get(tx, hub_id)
        new = NewRequest(
            key=made_up_key(context.secrets, source, key),
            action=Action.REGISTER,
            source=source,
            who=who,
            requested_at=tx.now,
            contact_id=contact_id,
        )
        added = asked.add(tx, partner_id=portal.partner.id, hub_id=hub_id, new=[new])
        mark(tx, hub_id, Kind.CONTACT, [contact_id], priority=Priority.PERSON, cause=f"asked by {source}")
        return asked.get(tx, added[0]) if added else None

    request = context.database.run(ask)
    context.waker.ring(Ring(Bell.SERVE_INTERACTIVE, hub_id))
    return request


def request_of_key(context: Context, tx: Tx, hub_id: int, *, source: Source, key: str) -> Stored | None:
    """The request that was made with this key, if any."""
    return asked.of_key(tx, hub_id, made_up_key(context.secrets, source, key))


def deregister(context: Context, hub_id: int, domain: str, *, who: str, source: Source) -> Registration:
    """End the partner's registration on the domain; its slot is kept until it can no longer be undone.

    Raises UnknownPortal, NotRegistered.
    """

    def end(tx: Tx, portal: Portal) -> Changes:
        claim = registrations.active_of(tx, portal.partner.id, domain)
        undo = timedelta(seconds=context.settings.undo_seconds)
        changes = registrations.deregister(tx, [claim], who=who, source=source, undo=undo)
        if not undo:
            changes.add(allocation.allocate(tx, portal.partner.id, context.terms(portal.partner, tx)))
        return changes

    _change(context, hub_id, domain, end, cause="deregistered")
    with context.database.transaction() as tx:
        return registrations.newest_of(tx, portals.get(tx, hub_id).partner.id, domain)


def undo(context: Context, hub_id: int, domain: str, *, who: str, source: Source) -> Registration:
    """Take a deregistration back.

    Raises UnknownPortal, NotRegistered where there never was one, NothingToUndo, TooLateToUndo.
    """

    def back(tx: Tx, portal: Portal) -> Changes:
        # A domain that was never ours is unknown, not too late.
        registrations.newest_of(tx, portal.partner.id, domain)
        return registrations.undo_deregistration(tx, portal.partner.id, domain, who=who, source=source)

    _change(context, hub_id, domain, back, cause="undone")
    with context.database.transaction() as tx:
        return registrations.active_of(tx, portals.get(tx, hub_id).partner.id, domain)


def confirm_registration(
    context: Context, hub_id: int, domain: str, to: Confirmation, *, who: str, source: Source
) -> None:
    """Say what HubSpot is known to say of a registration; raises UnknownPortal, NotRegistered, NothingToConfirm."""

    def say(tx: Tx, portal: Portal) -> Changes:
        claim = registrations.active_of(tx, portal.partner.id, domain)
        if claim.confirmation is None:
            raise NothingToConfirm(domain)
        return registrations.set_confirmation(tx, [claim], to, who=who, source=source)

    _change(context, hub_id, domain, say, cause="confirmation")


def set_renewal(
    context: Context, hub_id: int, domain: str, *, renew: bool, who: str, source: Source = Source.APP
) -> None:
    """Say whether a registration renews itself when it expires; raises UnknownPortal, NotRegistered."""

    def say(tx: Tx, portal: Portal) -> Changes:
        claim = registrations.active_of(tx, portal.partner.id, domain)
        return registrations.set_renewal(tx, [claim], renew=renew, who=who, source=source)

    _change(context, hub_id, domain, say, cause="renewal")


def choose_lead_contact(
    context: Context, hub_id: int, domain: str, contact_id: str, *, who: str, source: Source
) -> Registration:
    """Let another contact stand for a registration; its company is taken only where the registration has none.

    Raises UnknownPortal, NotRegistered, Gone where the portal has no such contact, and what HubSpot raises.
    """
    with context.database.transaction() as tx:
        # HubSpot is asked for nothing that cannot be done.
        registrations.active_of(tx, portals.get(tx, hub_id).partner.id, domain)
    client = context.client(hub_id)
    # A merged one under its present id.
    contact_id = client.get("contact", contact_id, properties=["email"]).id
    primary = next((one.to_id for one in client.associations("contact", "company", [contact_id])[contact_id]
                    if one.primary), None)  # fmt: skip

    def choose(tx: Tx, portal: Portal) -> Changes:
        claim = registrations.active_of(tx, portal.partner.id, domain)
        return lead_contacts.choose(
            tx, claim, hub_id=hub_id, contact_id=contact_id, company_id=primary, who=who, source=source
        )

    return _changed(context, hub_id, domain, choose, cause="lead contact")


def leave_lead_contact(context: Context, hub_id: int, domain: str, *, who: str, source: Source) -> Registration:
    """Say that a registration stays as it is, and needs nobody's decision; raises UnknownPortal, NotRegistered."""

    def leave(tx: Tx, portal: Portal) -> Changes:
        claim = registrations.active_of(tx, portal.partner.id, domain)
        return lead_contacts.leave(tx, claim, who=who, source=source)

    return _changed(context, hub_id, domain, leave, cause="lead contact")


def _changed(
    context: Context, hub_id: int, domain: str, work: Callable[[Tx, Portal], Changes], *, cause: str
) -> Registration:
    _change(context, hub_id, domain, work, cause=cause)
    with context.database.transaction() as tx:
        return registrations.active_of(tx, portals.get(tx, hub_id).partner.id, domain)


def add_hold(
    context: Context, domain: str, kind: HoldKind, *, note: str = "", who: str, source: Source = Source.APP
) -> None:
    """Let nobody register a domain. A registration on it is flagged for a person, and goes on."""

    def keep(tx: Tx) -> set[Ring]:
        hold = Hold(domain=domain, kind=kind, note=storable(note[:500]))
        did(tx, Happened.HOLD_ADDED, who=who, source=source, detail={"hold": domain, "kind": kind.value})
        return mark_changes(tx, holds.add(tx, [hold], who=who), cause="hold added", priority=Priority.PERSON)

    context.waker.ring(*context.database.run(keep))


def lift_hold(context: Context, domain: str, *, who: str, source: Source = Source.APP) -> None:
    """Lift the hold on a domain; raises NotHeld."""
    domain = storable(domain)

    def lift(tx: Tx) -> set[Ring]:
        did(tx, Happened.HOLD_REMOVED, who=who, source=source, detail={"hold": domain})
        return mark_changes(tx, holds.remove(tx, domain, who=who), cause="hold lifted", priority=Priority.PERSON)

    context.waker.ring(*context.database.run(lift))


def withdraw(context: Context, request_id: int, *, who: str) -> Stored:
    """Take back an open request; raises NotOpen."""
    return _on_request(context, request_id, lambda tx: moves.withdraw(tx, request_id, who=who))


def retry_request(context: Context, request_id: int, *, who: str) -> Stored:
    """Look for the contact of an unresolved submission again; raises NotOpen."""
    return _on_request(context, request_id, lambda tx: moves.try_again(tx, request_id, who=who))


def _on_request(context: Context, request_id: int, work: Callable[[Tx], Changes]) -> Stored:
    def change(tx: Tx) -> tuple[Stored, set[Ring]]:
        # The partner first: the lock order of everything that touches requests.
        portals.lock_partner(tx, asked.get(tx, request_id).partner_id)
        rings = mark_changes(tx, work(tx), cause="a person's word", priority=Priority.PERSON)
        return asked.get(tx, request_id), rings

    request, rings = context.database.run(change)
    context.waker.ring(*rings)
    return request


def _change(context: Context, hub_id: int, domain: str, work: Callable[[Tx, Portal], Changes], *, cause: str) -> None:
    def change(tx: Tx, portal: Portal, changes: Changes) -> None:
        changes.add(work(tx, portal))

    under_lock(context, hub_id, change, cause=cause, domains=[domain])
