"""A database with a partner and its portals, without any HubSpot."""

from __future__ import annotations

from datetime import UTC, datetime

from support.kept import kept_database
from syncworker.program import load_program
from syncworker.registration.ledger.capacity import terms
from syncworker.registration.ledger.deciding import Conditions
from syncworker.registration.rules.facts import Rules
from syncworker.store import portals
from syncworker.store.database import ManualClock
from syncworker.store.portals import Mode, Portal
from syncworker.store.secrets import PortalCredentials, Secrets

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
SECRET_KEY = "a secret key for tests, long enough to be one"


class LedgerRig:
    """Portals that exist in the database alone, and a clock that stands still."""

    def __init__(self, database_url: str) -> None:
        self.clock = ManualClock(NOON)
        self.database = kept_database(database_url, clock=self.clock)
        self.program = load_program()

    def close(self) -> None:
        self.database.close()

    def portal(
        self, hub_id: int, *, partner: str = "north", capacity: int | None = None, time_zone: str = "UTC"
    ) -> Portal:
        sealed = Secrets(SECRET_KEY).seal(PortalCredentials(access_token="t", client_secret=f"secret {hub_id}"))
        with self.database.transaction() as tx:
            of = portals.ensure_partner(
                tx, name=partner, program="hubspot-solutions-partner", tier="untiered", capacity=capacity
            )
            portals.add(
                tx,
                hub_id=hub_id,
                partner=of,
                name=f"portal {hub_id}",
                mode=Mode.WRITE,
                time_zone=time_zone,
                ui_domain="app.hubspot.com",
                app_id="1",
                partner_company_id=None,
                sealed=sealed,
            )
            return portals.get(tx, hub_id)

    def conditions(self, **changed: object) -> Conditions:
        from dataclasses import replace
        from datetime import timedelta

        made = Conditions(
            terms_of=lambda partner: terms(partner, self.program, self.clock.time),
            rules=Rules(),
            undo=timedelta(minutes=10),
        )
        return replace(made, **changed)
