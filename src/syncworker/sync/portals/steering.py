"""What does a person change about a portal that is connected: its settings, a block, that it is here at all?"""

from __future__ import annotations

from collections.abc import Mapping

from syncworker.registration.ledger.history import Happened
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import UNTIL_A_PERSON_ACTS, Portal
from syncworker.sync.context import Context
from syncworker.sync.did import did


class Braked(Exception):
    """The brake stopped the portal: it is let go on by unpausing it, after a look at what would be written."""

    def __init__(self, portal: Portal) -> None:
        self.hub_id = portal.hub_id
        super().__init__(f"the brake stopped it: {portal.blocked_detail}")


def unblock(context: Context, hub_id: int, *, who: str) -> Portal:
    """Let a blocked portal be worked on again now; return it as it was. Raises UnknownPortal, Braked."""

    def lift(tx: Tx) -> Portal:
        portal = portals.get(tx, hub_id)
        if portal.blocked_until == UNTIL_A_PERSON_ACTS:
            raise Braked(portal)
        portals.unblock(tx, hub_id)
        if portal.blocked_reason:
            did(tx, Happened.UNBLOCKED, who=who, hub_id=hub_id, detail={"reason": portal.blocked_reason})
        return portal

    return context.database.run(lift)


def forget(context: Context, hub_id: int, *, who: str) -> None:
    """Forget a portal with its credentials, requests, marks; registrations and history stay. Raises UnknownPortal."""

    def remove(tx: Tx) -> None:
        name = portals.get(tx, hub_id).name
        portals.remove(tx, hub_id)
        did(tx, Happened.PORTAL_REMOVED, who=who, detail={"portal": hub_id, "name": name})

    context.database.run(remove)


def tell_settings(tx: Tx, before: Portal | None, now: Portal, *, new_token: bool, who: str) -> None:
    """Keep who connected a portal, or what they changed of its settings: the old value and the new one."""
    if before is None:
        did(tx, Happened.PORTAL_CONNECTED, who=who, hub_id=now.hub_id, detail=_settings(now))
        return
    old, new = _settings(before), _settings(now)
    changed: dict[str, object] = {name: [old[name], new[name]] for name in new if old[name] != new[name]}
    if new_token:
        changed["token"] = True
    if changed:
        did(tx, Happened.PORTAL_CHANGED, who=who, hub_id=now.hub_id, detail=changed)


def _settings(of: Portal) -> Mapping[str, object]:
    return {
        "name": of.name,
        "partner": of.partner.name,
        "program": of.partner.program,
        "tier": of.partner.tier,
        "capacity": of.partner.capacity,
        "app_id": of.app_id,
        "company": of.partner_company_id,
    }
