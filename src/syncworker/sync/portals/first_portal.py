"""How does the portal of the settings become connected, and stay true to them?"""

from __future__ import annotations

from dataclasses import replace

import structlog

from syncworker.hubspot.errors import FixCredentials, RetryLater
from syncworker.program import DEFAULT_PROGRAM
from syncworker.settings import Settings
from syncworker.store import portals
from syncworker.store.portals import Portal
from syncworker.store.secrets import PortalCredentials, WrongSecretKey
from syncworker.sync.context import Context
from syncworker.sync.portals.connect import NewPortal, connect, who_is

log = structlog.get_logger(__name__)

OWN_PARTNER = "own"


def connect_first(settings: Settings) -> Portal | None:
    """Connect the portal that the settings' token belongs to, in mode `observe`; None without a token.

    On a later start its token, tier and the like follow the settings; its mode, and what the settings leave
    open, stays. Where other portals are connected and this one is not, it is left alone: `portals add`
    connects a second one. Raises SettingsError, WrongAccount, WrongHubSpot, UnknownTierError; and where no portal
    is connected yet, FixCredentials, and RetryLater if HubSpot cannot be asked.
    """
    if settings.hubspot_access_token is None and settings.hubspot_refresh_token is None:
        return None
    context = Context(settings, pool_size=2)
    try:
        with context.database.transaction() as tx:
            connected = {portal.hub_id: portal for portal in portals.everyone(tx)}
        try:
            return _connect(context, connected)
        except (RetryLater, FixCredentials) as error:
            if not connected:
                raise
            # It worked yesterday: webhooks must be taken in the meantime, and the workers ask again by themselves,
            # with the token that is stored. Only a new one in the settings needs another start.
            what_now = "the stored token goes on being tried; start again once a new one in the settings works"
            log.warning("portal_not_checked", reason=str(error), what_now=what_now)
            return None
    finally:
        context.close()


def from_settings(settings: Settings, known: Portal | None = None) -> NewPortal:
    """The portal as the settings describe it; what they leave open is as it is known."""
    token, secret = settings.hubspot_access_token, settings.hubspot_client_secret
    refresh = settings.hubspot_refresh_token
    credentials = PortalCredentials(
        access_token=token.get_secret_value() if token else None,
        refresh_token=refresh.get_secret_value() if refresh else None,
        client_id=settings.hubspot_client_id,
        client_secret=secret.get_secret_value() if secret else None,
    )
    partner = known.partner if known else None
    tier_is_set = "partner_tier" in settings.model_fields_set or partner is None
    return NewPortal(
        credentials=credentials,
        partner_name=partner.name if partner else OWN_PARTNER,
        program=partner.program if partner else DEFAULT_PROGRAM,
        tier=settings.partner_tier if tier_is_set or partner is None else partner.tier,
        capacity=_first(settings.partner_capacity, partner.capacity if partner else None),
        hub_id=settings.hubspot_portal_id,
        name=known.name if known else "",
        app_id=settings.hubspot_app_id or (known.app_id if known else None),
        partner_company_id=settings.partner_company_id or (known.partner_company_id if known else None),
        own_domains=settings.own_domains,
        auto_register_forms=settings.auto_register_forms,
    )


def as_known(
    context: Context, credentials: PortalCredentials, *, partner_name: str | None, by_settings: bool
) -> NewPortal:
    """The portal of these credentials with what is known of it and of its partner; for a person to change.

    A new token for a connected portal must not move it to another partner, nor lose its client secret; a
    partner's second portal must not change the tier of the first. `by_settings`: the settings describe this
    portal. Raises FixCredentials, SettingsError.
    """
    hub_id = who_is(context, credentials).hub_id
    with context.database.transaction() as tx:
        connected = portals.everyone(tx)
    known = next((portal for portal in connected if portal.hub_id == hub_id), None)
    if known is not None and credentials.client_secret is None:
        credentials = replace(credentials, client_secret=_stored_client_secret(context, hub_id))
    new = replace(from_settings(context.settings, known), credentials=credentials)
    if not by_settings:
        new = replace(
            new,
            hub_id=None,
            app_id=known.app_id if known else None,
            partner_company_id=known.partner_company_id if known else None,
            own_domains=(),
            auto_register_forms=(),
        )
    name = partner_name or new.partner_name
    partner = next((portal.partner for portal in connected if portal.partner.name == name), None)
    if partner is not None:
        new = replace(new, program=partner.program, tier=partner.tier, capacity=partner.capacity)
    return replace(new, partner_name=name)


def _stored_client_secret(context: Context, hub_id: int) -> str | None:
    try:
        return context.credentials.load(hub_id).client_secret
    except WrongSecretKey:
        # Connecting again is what a person does about that; what was encrypted with the old key is lost.
        return None


def _connect(context: Context, connected: dict[int, Portal]) -> Portal | None:
    new = from_settings(context.settings)
    known: Portal | None = None
    if connected:
        known = connected.get(new.hub_id or who_is(context, new.credentials).hub_id)
        if known is None:
            return None
        new = from_settings(context.settings, known)
    return connect(context, new)


def _first(setting: int | None, known: int | None) -> int | None:
    # A capacity of 0 is a capacity.
    return known if setting is None else setting
