"""Which accounts are there, with which credentials and settings?

Everything is derived from the hub id, so that a restart, and another machine, has the same ids, tokens and secrets.
None of them opens anything but a sandbox.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from syncworker.sandbox.database import Database

SCOPES = (
    "oauth",
    "forms",
    "automation",
    *(f"crm.objects.{kind}.{right}" for kind in ("contacts", "companies") for right in ("read", "write")),
    *(f"crm.schemas.{kind}.{right}" for kind in ("contacts", "companies") for right in ("read", "write")),
    *(f"crm.objects.{kind}.{right}" for kind in ("partner-clients", "partner-services") for right in ("read", "write")),
)

_WHOLE = tuple(
    f"{kind}.{what}"
    for kind in ("contact", "company")
    for what in ("creation", "deletion", "merge", "restore", "associationChange")
)
_CONTACT_PROPERTIES = (
    "firstname", "lastname", "email", "company", "website", "country", "partner_registration_request",
)  # fmt: skip
DEFAULT_SUBSCRIPTIONS = (
    *_WHOLE,
    "contact.privacyDeletion",
    *(f"contact.propertyChange:{name}" for name in _CONTACT_PROPERTIES),
    "company.propertyChange:domain",
    "company.propertyChange:name",
)
"""`type` or, as there is no wildcard, `type:property`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """A form of a portal. `auto_register` is the sandbox's advice to whoever connects the portal, not HubSpot's."""

    id: str
    name: str
    auto_register: bool
    fields: tuple[str, ...] = ("firstname", "lastname", "email", "company", "website", "country", "message")
    page: str = "https://www.example.com/contact"


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal:
    """One account as it is set now. Times in seconds unless the name says otherwise."""

    hub_id: int
    name: str
    partner: str
    access_token: str
    refresh_token: str
    client_id: str
    client_secret: str
    app_id: int
    user_id: int
    time_zone: str = "UTC"
    currency: str = "EUR"
    forms: tuple[Form, ...] = ()
    webhook_url: str | None = None
    subscriptions: tuple[str, ...] = DEFAULT_SUBSCRIPTIONS
    scopes: tuple[str, ...] = SCOPES
    token_lifetime_s: float = 1800
    """HubSpot's access tokens live 30 minutes."""
    token_revoked: bool = False
    refresh_revoked: bool = False
    auto_companies: bool = True
    """HubSpot's setting "create and associate companies with contacts"."""
    batch_follows_merges: bool = True
    """Whether a batch read finds a record by an id from before its merge. Documented for reading one record only."""
    rate_limit: int = 190
    """Requests in a rolling 10 s (HubSpot's usage guidelines: Professional, per app); 0 switches it off."""
    daily_limit: int = 625_000
    """Requests a day (same source); 0 switches it off."""
    search_limit: int = 5
    """Searches a second (same source); 0 switches it off."""
    form_limit: int = 0
    """Unauthenticated submissions in 10 s. HubSpot's is 50; off here, so that load tests can submit freely."""
    webhook_window_ms: int = 50
    webhook_concurrency: int = 10
    """Deliveries in flight (HubSpot's default)."""
    webhook_timeout_s: float = 5.0
    """HubSpot's."""
    webhook_retries: int = 10
    """HubSpot's."""
    webhook_retry_base_s: float = 0.5
    """First delay; it doubles. HubSpot spreads ten over a day with delays that are unknown; here they are short."""

    def public(self) -> dict[str, object]:
        """What the control API shows."""
        return asdict(self)


SETTABLE = frozenset(field.name for field in fields(Portal)) - {"hub_id", "forms"}


def _secret(*parts: object) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, ":".join(("sandbox.invalid", *map(str, parts)))))


def _portal(hub_id: int, *, name: str, partner: str, time_zone: str, forms: tuple[tuple[str, bool], ...]) -> Portal:
    return Portal(
        hub_id=hub_id,
        name=name,
        partner=partner,
        access_token=f"pat-eu1-{_secret(hub_id, 'access')}",
        refresh_token=f"eu1-{_secret(hub_id, 'refresh')}",
        client_id=_secret(hub_id, "client"),
        client_secret=_secret(hub_id, "secret"),
        app_id=hub_id % 10_000_000 + 10_000_000,
        user_id=hub_id % 1_000_000 + 70_000_000,
        time_zone=time_zone,
        forms=tuple(Form(id=_secret(hub_id, "form", form), name=form, auto_register=auto) for form, auto in forms),
    )


def demo(webhook_url: str | None) -> tuple[Portal, ...]:
    """The two portals of two partners that every sandbox starts with."""
    portals = (
        _portal(
            147_230_611,
            name="Fjord & Furu",
            partner="fjord-furu",
            time_zone="Europe/Stockholm",
            forms=(("Request a demo", True), ("Newsletter", False)),
        ),
        _portal(148_905_327, name="Harbour Growth", partner="harbour-growth", time_zone="Europe/London", forms=()),
    )
    return tuple(replace(portal, webhook_url=webhook_url) for portal in portals)


@dataclass(slots=True)
class Directory:
    """All portals of this sandbox, and whom a token belongs to."""

    database: Database
    by_id: dict[int, Portal] = field(default_factory=dict)
    tokens: dict[str, tuple[int, int | None]] = field(default_factory=dict)
    """Token -> hub id and the ms at which it expires (None: never)."""

    def load(self, webhook_url: str | None) -> None:
        """Read the portals, creating the demo's; a given `webhook_url` replaces their stored addresses."""
        self.by_id.clear()
        self.tokens.clear()
        for (text,) in self.database.execute("SELECT settings FROM portals ORDER BY hub_id").fetchall():
            portal = _from_json(text)
            self.by_id[portal.hub_id] = portal
        for portal in demo(webhook_url):
            known = self.by_id.get(portal.hub_id)
            if known is None:
                self.save(portal)
            elif webhook_url is not None and known.webhook_url != webhook_url:
                self.save(replace(known, webhook_url=webhook_url))
        for token, hub_id, expires in self.database.execute("SELECT token, hub_id, expires FROM tokens"):
            self.tokens[token] = (hub_id, expires)
        for portal in self.by_id.values():
            if not portal.token_revoked:
                self.tokens[portal.access_token] = (portal.hub_id, None)

    def save(self, portal: Portal) -> None:
        """Store a portal's settings and make them count."""
        known = self.by_id.get(portal.hub_id)
        if known is not None:
            self.tokens.pop(known.access_token, None)
        self.database.execute(
            "INSERT INTO portals VALUES (?, ?) ON CONFLICT (hub_id) DO UPDATE SET settings = excluded.settings",
            (portal.hub_id, json.dumps(asdict(portal))),
        )
        self.by_id[portal.hub_id] = portal
        if not portal.token_revoked:
            self.tokens[portal.access_token] = (portal.hub_id, None)

    def issue(self, token: str, hub_id: int, expires: int) -> None:
        """Remember an access token until it expires."""
        self.database.execute("INSERT OR REPLACE INTO tokens VALUES (?, ?, ?)", (token, hub_id, expires))
        self.tokens[token] = (hub_id, expires)

    def forget(self, token: str) -> None:
        """Revoke an issued access token."""
        self.database.execute("DELETE FROM tokens WHERE token = ?", (token,))
        self.tokens.pop(token, None)

    def form(self, hub_id: int, guid: str) -> Form | None:
        """A portal's form."""
        portal = self.by_id.get(hub_id)
        return next((form for form in portal.forms if form.id == guid.lower()), None) if portal else None


def _from_json(text: str) -> Portal:
    raw: dict[str, Any] = json.loads(text)
    known = {field.name for field in fields(Portal)}
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in raw.items() if key in known
    }
    values["forms"] = tuple(Form(**{**form, "fields": tuple(form["fields"])}) for form in raw["forms"])
    return Portal(**values)
