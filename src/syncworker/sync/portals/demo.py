"""How do the sandbox's portals become ours, for the first run on a machine?"""

from __future__ import annotations

from typing import TypedDict

import requests
import structlog

from syncworker.hubspot.errors import HubSpotError
from syncworker.settings import NO_TIER, Settings
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.store.secrets import PortalCredentials
from syncworker.sync.context import Context
from syncworker.sync.portals.connect import NewPortal, connect
from syncworker.sync.portals.setup import set_up

log = structlog.get_logger(__name__)


class DemoForm(TypedDict):
    """A form of a sandbox portal."""

    id: str
    name: str
    auto_register: bool


class DemoPortal(TypedDict):
    """A portal as the sandbox tells of it."""

    hub_id: int
    access_token: str
    client_secret: str
    app_id: str
    name: str
    partner: str
    forms: list[DemoForm]


def connect_demo(settings: Settings, sandbox_url: str) -> list[int]:
    """Connect the sandbox's portals in mode `write`, with their properties; the settings apply to the first."""
    context = Context(settings)
    try:
        return connect_demo_to(context, sandbox_url)
    finally:
        context.close()


def connect_demo_to(context: Context, sandbox_url: str) -> list[int]:
    """The same in a process that has its context already; returns the hub ids."""
    answer = requests.get(f"{sandbox_url}/_sandbox/portals", timeout=10)
    answer.raise_for_status()
    found: list[DemoPortal] = answer.json()
    with context.database.transaction() as tx:
        connected = {portal.hub_id for portal in portals.everyone(tx)}
    for number, portal in enumerate(found):
        try:
            _connect(context, portal, first=number == 0)
        except HubSpotError as error:
            if portal["hub_id"] not in connected:
                raise
            # It was connected before: a sandbox that is being broken must not keep the workers from starting.
            log.warning("portal_not_checked", hub_id=portal["hub_id"], reason=str(error))
    return [portal["hub_id"] for portal in found]


def _connect(context: Context, of: DemoPortal, *, first: bool) -> int:
    settings = context.settings
    own_forms = tuple(form["id"] for form in of["forms"] if form["auto_register"])
    new = NewPortal(
        credentials=PortalCredentials(access_token=of["access_token"], client_secret=of["client_secret"]),
        partner_name=of["partner"],
        name=of["name"],
        tier=settings.partner_tier if first else NO_TIER,
        capacity=settings.partner_capacity if first else None,
        hub_id=of["hub_id"],
        mode=Mode.WRITE,
        app_id=str(of["app_id"]),
        partner_company_id=settings.partner_company_id if first else None,
        own_domains=settings.own_domains if first else (),
        auto_register_forms=(settings.auto_register_forms or own_forms) if first else own_forms,
    )
    portal = connect(context, new)
    set_up(context, portal)
    return portal.hub_id
