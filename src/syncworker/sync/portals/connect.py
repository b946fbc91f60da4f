"""How is a portal connected, checked and switched?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import text

from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.credentials import RefreshedToken, StaticToken, StoredToken
from syncworker.hubspot.paths import Paths
from syncworker.hubspot.records import AccountInfo
from syncworker.hubspot.transport import Transport
from syncworker.registration.ledger import allocation, holds, registrations
from syncworker.registration.ledger.capacity import Terms
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.history import Happened
from syncworker.registration.ledger.holds import Hold
from syncworker.registration.rules.domains import registrable
from syncworker.registration.rules.terms import HoldKind
from syncworker.registration.rules.validity import UnknownTimeZoneError, today_in
from syncworker.settings import HUBSPOT_API, SettingsError
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import Mode, Partner, Portal, UnknownPortal
from syncworker.store.secrets import PortalCredentials, WrongSecretKey
from syncworker.sync.context import Context, program
from syncworker.sync.did import did
from syncworker.sync.marks import Priority
from syncworker.sync.portals.form_switch import enable_form, keep_names
from syncworker.sync.portals.pausing import NotRebuilt
from syncworker.sync.portals.steering import tell_settings
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.triggers import polling
from syncworker.sync.wake import Bell, Ring


class WrongAccount(Exception):
    """The token belongs to another account than the one that was named."""

    def __init__(self, *, asked: int, found: int) -> None:
        super().__init__(
            f"the token belongs to portal {found}, not to {asked}: mend SYNCWORKER_HUBSPOT_PORTAL_ID, or the token"
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPortal:
    """What is needed to connect a portal. Without `hub_id`, the account that the token belongs to."""

    credentials: PortalCredentials
    partner_name: str
    tier: str
    capacity: int | None = None
    program: str = "hubspot-solutions-partner"
    hub_id: int | None = None
    name: str = ""
    mode: Mode = Mode.OBSERVE
    app_id: str | None = None
    partner_company_id: str | None = None
    own_domains: tuple[str, ...] = ()
    auto_register_forms: tuple[str, ...] = ()


def connect(context: Context, new: NewPortal, *, who: str = "settings") -> Portal:
    """Check the credentials against account-info and connect the portal, or bring a connected one to these values.

    Raises WrongAccount, FixCredentials, UnknownTier, WrongHubSpot, SettingsError.
    """
    program(new.program).validity(new.tier)
    domains = own_domains(context, new.own_domains)
    credentials = with_access_token(context, new.credentials, new.hub_id)
    account = who_is(context, credentials)
    if new.hub_id is not None and account.hub_id != new.hub_id:
        raise WrongAccount(asked=new.hub_id, found=account.hub_id)
    new_token = _token_before(context, account.hub_id) != credentials.access_token

    def store(tx: Tx) -> tuple[Portal, set[Ring]]:
        portals.bind_to(tx, "hubspot" if context.base_url == HUBSPOT_API else "sandbox")
        changes = holds.add(tx, domains, who="settings")
        before = _partner_before(tx, new.partner_name)
        known = next((portal for portal in portals.everyone(tx) if portal.hub_id == account.hub_id), None)
        partner = portals.ensure_partner(
            tx, name=new.partner_name, program=new.program, tier=new.tier, capacity=new.capacity
        )
        added = portals.add(
            tx,
            hub_id=account.hub_id,
            partner=partner,
            name=new.name or f"portal {account.hub_id}",
            mode=new.mode,
            time_zone=known_zone(account.time_zone, tx.now),
            ui_domain=account.ui_domain or "app.hubspot.com",
            app_id=new.app_id,
            partner_company_id=new.partner_company_id,
            sealed=context.secrets.seal(credentials),
        )
        begins = hubspot_time(context, tx)
        if added:
            polling.begin(tx, account.hub_id, at=begins)
        for form_id in new.auto_register_forms:
            enable_form(tx, account.hub_id, form_id, at=begins)
        if before is not None and before != partner:
            changes.add(_on_new_terms(tx, partner, context.terms(partner, tx)))
        if known is not None and known.partner_company_id != new.partner_company_id:
            changes.partners.add(partner.id)
        rings = mark_changes(tx, changes, cause="settings", priority=Priority.POLL)
        connected = portals.get(tx, account.hub_id)
        tell_settings(tx, known, connected, new_token=new_token, who=who)
        return connected, rings

    portal, rings = context.database.run(store)
    context.waker.ring(*rings)
    keep_names(context, portal.hub_id)
    return portal


def _token_before(context: Context, hub_id: int) -> str | None:
    try:
        return context.credentials.load(hub_id).access_token
    except (UnknownPortal, WrongSecretKey):
        return None


def _partner_before(tx: Tx, name: str) -> Partner | None:
    return next((portal.partner for portal in portals.everyone(tx) if portal.partner.name == name), None)


def _on_new_terms(tx: Tx, partner: Partner, granted: Terms) -> Changes:
    """Give the slots away that a higher tier brings; all of the partner's records show the tier."""
    changes = allocation.allocate(tx, partner.id, granted)
    changes.partners.add(partner.id)
    changes.domains |= {(partner.id, domain) for domain in registrations.held_by(tx, partner.id)}
    return changes


def who_is(context: Context, credentials: PortalCredentials) -> AccountInfo:
    """The account that these credentials belong to; raises FixCredentials."""
    if not credentials.access_token:
        raise SettingsError(["connecting a portal needs an access token: set SYNCWORKER_HUBSPOT_ACCESS_TOKEN"])
    client = HubSpotClient(
        hub_id=0,
        base_url=context.base_url,
        api_version=context.settings.hubspot_api_version,
        credentials=StaticToken(credentials.access_token),
        limiter=context.limiter,
        on_call=context.on_call,
    )
    try:
        return client.account_info()
    finally:
        client.close()


def with_access_token(context: Context, credentials: PortalCredentials, hub_id: int | None) -> PortalCredentials:
    """The credentials with an access token, asked for with the refresh token where there is none yet.

    Raises SettingsError naming what is missing for that, FixCredentials where HubSpot refuses it.
    """
    if credentials.access_token or not credentials.refresh_token:
        return credentials
    needed = {
        "HUBSPOT_CLIENT_ID": credentials.client_id,
        "HUBSPOT_CLIENT_SECRET": credentials.client_secret,
        "HUBSPOT_PORTAL_ID": hub_id,
    }
    missing = [f"a refresh token needs SYNCWORKER_{name}: set it" for name, value in needed.items() if not value]
    if missing or hub_id is None:
        raise SettingsError(missing)
    grant = _NewGrant(credentials.refresh_token)
    RefreshedToken(
        hub_id=hub_id,
        client_id=credentials.client_id or "",
        client_secret=credentials.client_secret or "",
        store=grant,
        transport=Transport(context.base_url),
        paths=Paths(context.settings.hubspot_api_version),
    ).token()
    return replace(
        credentials,
        access_token=grant.token.access_token,
        refresh_token=grant.token.refresh_token,
        expires_at=grant.token.expires_at,
    )


class _NewGrant:
    """A grant that is not stored yet: it has a refresh token, and an access token that has ended."""

    def __init__(self, refresh_token: str) -> None:
        self.token = StoredToken(
            access_token="", refresh_token=refresh_token, expires_at=datetime(1970, 1, 1, tzinfo=UTC)
        )

    def refresh(self, hub_id: int, renew: Callable[[StoredToken], StoredToken]) -> StoredToken:  # noqa: ARG002
        """Renew it, and keep what comes back until the portal is stored."""
        self.token = renew(self.token)
        return self.token


def own_domains(context: Context, names: tuple[str, ...]) -> list[Hold]:
    """The holds on the partner's own domains; raises SettingsError naming what is no domain."""
    found = {name: registrable(name, context.domain_rules) for name in names}
    bad = [f"SYNCWORKER_OWN_DOMAINS: {name}: {of.sentence}" for name, of in found.items() if not isinstance(of, str)]
    if bad:
        raise SettingsError(bad)
    return [
        Hold(domain=domain, kind=HoldKind.OWN_OR_AFFILIATED, note="own domain")
        for domain in found.values()
        if isinstance(domain, str)
    ]


def known_zone(time_zone: str, now: datetime) -> str:
    """The portal's time zone, or UTC where it is one that nobody knows."""
    try:
        today_in(time_zone, now)
    except UnknownTimeZoneError:
        return "UTC"
    return time_zone


def set_mode(context: Context, hub_id: int, mode: Mode, *, who: str) -> None:
    """Switch the mode. In `write`, all that was held back is looked at. Raises UnknownPortal, NotRebuilt."""

    def switch(tx: Tx) -> None:
        portal = portals.get(tx, hub_id)
        if portal.restored_from is not None and mode is not Mode.PAUSED:
            raise NotRebuilt(portal)
        # Whoever is registering has committed by then; whoever waits for the lock looks at the mode after it.
        portals.lock_partner(tx, portal.partner.id)
        portals.set_mode(tx, hub_id, mode)
        if mode is not portal.mode:
            did(tx, Happened.MODE_SET, who=who, hub_id=hub_id, detail={"mode": [portal.mode.value, mode.value]})
        if mode is Mode.WRITE:
            mark_all_known(tx, hub_id)

    context.database.run(switch)
    context.waker.ring(Ring(Bell.SERVE_BULK, hub_id))


def mark_all_known(tx: Tx, hub_id: int) -> None:
    """Have all looked at that the ledger knows of the portal."""
    tx.connection.execute(_MARK_ALL, {"hub_id": hub_id, "now": tx.now})


# Whatever the ledger knows of the portal: it may show something that it did not show before.
_MARK_ALL = text("""
    INSERT INTO marks AS m (hub_id, kind, object_id, priority, cause, marked_at, not_before)
    SELECT DISTINCT CAST(:hub_id AS bigint), kind, object_id, 2, 'mode write', :now ::timestamptz, :now ::timestamptz
      FROM (SELECT 'contact' AS kind, contact_id AS object_id FROM requests WHERE hub_id = :hub_id
            UNION SELECT 'company', company_id FROM requests WHERE hub_id = :hub_id
            UNION SELECT 'contact', contact_id FROM registrations WHERE hub_id = :hub_id
            UNION SELECT 'company', company_id FROM registrations WHERE hub_id = :hub_id
            UNION SELECT kind, object_id FROM records WHERE hub_id = :hub_id
            UNION SELECT 'domain', domain FROM registrations
                   WHERE partner_id = (SELECT partner_id FROM portals WHERE hub_id = :hub_id)
            UNION SELECT 'company', partner_company_id FROM portals WHERE hub_id = :hub_id) AS known
     WHERE object_id IS NOT NULL
    ON CONFLICT (hub_id, kind, object_id) DO UPDATE SET generation = nextval('mark_generation')
""")


def hubspot_time(context: Context, tx: Tx) -> datetime:
    """From when on HubSpot's changes count: its own time, by the answers it has just given.

    Never later than ours: what is looked at twice harms nobody, what is passed over is lost.
    """
    heard = context.hubspot_clock.now()
    if heard is None:
        return tx.now
    return max(min(heard[0].replace(microsecond=0), tx.now), tx.now - timedelta(days=1))
