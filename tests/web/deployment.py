"""A deployment without a HubSpot: portals and what the ledger holds of them, put in by hand."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from syncworker.program import Authority, Validity
from syncworker.registration.ledger import registrations, requests
from syncworker.registration.ledger.registrations import NewRegistration
from syncworker.registration.ledger.requests import NewRequest, State
from syncworker.registration.rules.terms import Action, Reason, Source
from syncworker.settings import Settings
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.store.secrets import PortalCredentials
from syncworker.store.tables import records
from syncworker.store.tables import requests as requests_table
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind

# Nobody listens on the port of tcpmux.
NOWHERE = "127.0.0.1:1"
TOKEN = "the operator's token"
PUBLIC_URL = "https://worker.acme-partner.se"
HUB = 4_711
OTHER_HUB = 4_712
SECRET = "the app's client secret"


def settings(database_url: str, redis_url: str, **more: object) -> Settings:
    values: dict[str, Any] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "secret_key": "x" * 40,
        "api_token": TOKEN,
        "public_url": PUBLIC_URL,
        **more,
    }
    return Settings(_env_file=None, **values)  # type: ignore[call-arg] # pydantic-settings' own argument


class Deployment:
    """A database with portals, and short ways to fill it."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.database = context.database

    def portal(
        self, hub_id: int = HUB, *, partner: str = "Acme", secret: str | None = SECRET, capacity: int = 5
    ) -> int:
        """Connect a portal; return its partner's id."""
        with self.database.transaction() as tx:
            of = portals.ensure_partner(
                tx, name=partner, program="hubspot-solutions-partner", tier="gold", capacity=capacity
            )
            credentials = PortalCredentials(access_token="token", client_secret=secret)
            portals.add(
                tx,
                hub_id=hub_id,
                partner=of,
                name=f"portal {hub_id}",
                mode=Mode.WRITE,
                time_zone="Europe/Stockholm",
                ui_domain="app.hubspot.com",
                app_id="1",
                partner_company_id=None,
                sealed=self.context.secrets.seal(credentials),
            )
            return of.id

    def registered(
        self,
        domain: str,
        *,
        hub_id: int = HUB,
        contact_id: str | None = "1",
        company_id: str | None = "2",
        validity: Validity = Validity(years=1),  # noqa: B008 - frozen
    ) -> int:
        """Register a domain for the portal's partner; return the registration's id."""
        with self.database.transaction() as tx:
            portal = portals.get(tx, hub_id)
            claim = NewRegistration(
                domain=domain,
                hub_id=hub_id,
                contact_id=contact_id,
                company_id=company_id,
                source=Source.FORM,
                time_zone="UTC",
            )
            made = registrations.insert_free(tx, portal.partner.id, [claim], validity=validity, authority=Authority.OWN)
            return made[domain]

    def asked(
        self,
        contact_id: str,
        *,
        hub_id: int = HUB,
        state: State = State.PROCESSING,
        domain: str | None = None,
        action: Action = Action.REGISTER,
        seconds_ago: int = 0,
    ) -> int:
        """Make a request in some state; return its id."""
        with self.database.transaction() as tx:
            portal = portals.get(tx, hub_id)
            new = NewRequest(
                key=f"test:{hub_id}:{contact_id}:{action}:{domain}",
                action=action,
                source=Source.CRM,
                who="somebody",
                requested_at=tx.now - timedelta(seconds=seconds_ago),
                contact_id=contact_id,
            )
            [request_id] = requests.add(tx, partner_id=portal.partner.id, hub_id=hub_id, new=[new])
            reason = Reason.CAPACITY_REACHED if state is State.WAITING else Reason.PROCESSING
            moved = requests_table.update().where(requests_table.c.id == request_id)
            tx.connection.execute(moved.values(state=state.value, domain=domain, reason=reason.value))
            return request_id

    def record(self, object_id: str, *, hub_id: int = HUB, kind: Kind = Kind.CONTACT, **fields: str) -> None:
        """Keep what we know of a record."""
        with self.database.transaction() as tx:
            row = {
                "hub_id": hub_id,
                "kind": kind.value,
                "object_id": object_id,
                "reconciled_at": tx.now,
                **fields,
            }
            tx.connection.execute(insert(records).values(row))

    def rows(self, statement: Any) -> list[Any]:
        """What a query finds, in a transaction of its own."""
        with self.database.transaction() as tx:
            return list(tx.connection.execute(statement).all())
