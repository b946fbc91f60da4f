"""How does a person stop a portal, and let it go on?

While it is paused all that comes in is kept: webhooks become marks, requests stay open, cursors stand still. Nothing
is registered, ends, renews or is written. Afterwards all of it is done, in the order in which it came.
"""

from __future__ import annotations

from sqlalchemy import text

from syncworker.registration.ledger.history import Happened
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Portal
from syncworker.store.texts import storable
from syncworker.sync.context import Context
from syncworker.sync.did import did
from syncworker.sync.reconcile import brake
from syncworker.sync.wake import Bell, Ring


class NotRebuilt(Exception):
    """The portal's ledger is that of a backup: what the CRM has heard since would be lost."""

    def __init__(self, portal: Portal) -> None:
        self.hub_id = portal.hub_id
        super().__init__(
            f"the ledger of portal {portal.hub_id} was restored from a backup of {portal.restored_from:%Y-%m-%d %H:%M} "
            "UTC: run `syncworker rebuild` first, which takes in what the CRM has heard since"
        )


def pause(context: Context, hub_id: int, *, who: str, source: Source, reason: str = "") -> Portal:
    """Stop a portal; one that is paused stays so. When this returns, nothing registers there any more.

    Raises UnknownPortal.
    """

    def stop(tx: Tx) -> Portal:
        portal = portals.get(tx, hub_id)
        # Whoever is registering has committed by then; whoever waits for the lock looks at the mode after it.
        portals.lock_partner(tx, portal.partner.id)
        if portals.pause(tx, hub_id, who=who, reason=storable(reason)):
            did(tx, Happened.PAUSED, who=who, source=source, hub_id=hub_id, why=storable(reason))
        return portals.get(tx, hub_id)

    return context.database.run(stop)


def unpause(context: Context, hub_id: int, *, who: str, source: Source) -> Portal:
    """Let a portal go on in the mode it was in before; what the brake holds back is let go for an hour.

    Raises UnknownPortal, NotRebuilt.
    """

    def go_on(tx: Tx) -> Portal:
        portal = portals.get(tx, hub_id)
        if portal.restored_from is not None:
            raise NotRebuilt(portal)
        if portal.pause is not None:
            resume(tx, portal, who=who, source=source)
        if brake.is_on(portal, tx.now):
            brake.release(tx, portal)
            why = portal.blocked_detail or ""
            did(tx, Happened.BRAKE_RELEASED, who=who, source=source, hub_id=hub_id, why=why)
        return portals.get(tx, hub_id)

    portal = context.database.run(go_on)
    ring_for(context, hub_id)
    return portal


def ring_for(context: Context, hub_id: int) -> None:
    """Wake whoever has something to do in a portal that goes on."""
    context.waker.ring(Ring(Bell.SERVE_INTERACTIVE, hub_id), Ring(Bell.SERVE_BULK, hub_id), Ring(Bell.END_OVERDUE))


def resume(tx: Tx, portal: Portal, *, who: str, source: Source) -> None:
    """Bring back the mode of before the pause, and have the open requests decided that slots passed by meanwhile."""
    if portal.pause is None:
        return
    portals.set_mode(tx, portal.hub_id, portal.pause.mode_before)
    did(tx, Happened.UNPAUSED, who=who, source=source, hub_id=portal.hub_id, why=portal.pause.reason)
    tx.connection.execute(_MARK_OPEN, {"hub_id": portal.hub_id, "now": tx.now})


# Those that wait for a slot: one that came free in the pause was not theirs to take, and nobody would look again.
_MARK_OPEN = text("""
    INSERT INTO marks AS m (hub_id, kind, object_id, priority, cause, marked_at, not_before)
    SELECT DISTINCT hub_id, 'contact', contact_id, 2, 'unpaused', CAST(:now AS timestamptz), CAST(:now AS timestamptz)
      FROM requests
     WHERE hub_id = :hub_id AND contact_id IS NOT NULL AND state IN ('processing', 'waiting', 'confirming')
     ORDER BY contact_id
    ON CONFLICT (hub_id, kind, object_id) DO UPDATE SET generation = nextval('mark_generation')
""")
