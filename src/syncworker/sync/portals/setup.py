"""What does a portal need before its records can show anything: our group and properties."""

from __future__ import annotations

from syncworker.hubspot import setup
from syncworker.hubspot.properties import definitions
from syncworker.hubspot.setup import Change
from syncworker.program import Authority
from syncworker.store import portals
from syncworker.store.portals import Portal
from syncworker.sync.context import Context, program


def plan_setup(context: Context, portal: Portal) -> list[Change]:
    """What is missing or different; empty where nothing is."""
    of = program(portal.partner.program)
    wanted = definitions(context.names, tiers=of.tier_names, hubspot_is_authority=of.authority is Authority.HUBSPOT)
    return setup.plan(context.client(portal.hub_id), wanted)


def set_up(context: Context, portal: Portal, changes: list[Change] | None = None) -> list[Change]:
    """Bring it about; return what was done. Safe to run again."""
    planned = plan_setup(context, portal) if changes is None else changes
    done = setup.apply(context.client(portal.hub_id), planned)
    if portal.blocked_reason == "properties":
        context.database.run(lambda tx: portals.unblock(tx, portal.hub_id))
    return done
