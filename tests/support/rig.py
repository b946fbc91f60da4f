"""The whole worker in one process, against a real database and a sandbox over HTTP, one step at a time.

Nothing runs by itself here: `settle()` does what the actors would do, until nothing is due. The clock stands still
until a test moves it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from support.kept import kept_database
from support.sandbox_server import SandboxServer
from syncworker.hubspot.quota import Bucket, Lane, Quota, Told
from syncworker.registration.ledger import requests as asked
from syncworker.registration.ledger.requests import Stored
from syncworker.settings import Settings
from syncworker.store.database import ManualClock
from syncworker.store.tables import marks, registrations
from syncworker.sync import turns
from syncworker.sync.context import Context
from syncworker.sync.jobs.job_work import continue_jobs
from syncworker.sync.notices import delivering
from syncworker.sync.portals.demo import connect_demo_to
from syncworker.sync.sweep import due
from syncworker.sync.triggers import expiry, inbox
from syncworker.sync.wake import Bell, Ring

SECRET_KEY = "a secret key for tests, long enough to be one"
LEAD = {
    "firstname": "Ada",
    "lastname": "Berg",
    "company": "Fjordline Tools",
    "website": "https://www.fjordline-tools.se/om-oss",
    "country": "Sweden",
}


@dataclass(slots=True)
class HeardRings:
    """A waker that only remembers."""

    rings: list[Ring] = field(default_factory=list)

    def ring(self, *rings: Ring) -> list[Ring]:
        self.rings.extend(rings)
        return []

    def keep_turns(self) -> None:
        pass

    @contextmanager
    def turn(self, ring: Ring) -> Iterator[bool]:
        yield True


class Unlimited:
    """No rate limit: tests of other things need not wait for one."""

    def take(self, hub_id: int, bucket: Bucket, *, wait_s: float, lane: Lane = Lane.INTERACTIVE) -> None:
        pass

    def learn(self, hub_id: int, told: Told) -> None:
        pass

    def penalise(self, hub_id: int, bucket: Bucket, *, pause_s: float) -> None:
        pass

    def wait_for(self, hub_id: int, bucket: Bucket, *, lane: Lane = Lane.INTERACTIVE) -> float:
        return 0.0

    def bulk_rests_s(self, hub_id: int) -> float:
        return 0.0

    def quota(self, hub_id: int) -> Quota | None:
        return None

    def keep_alive(self) -> None:
        pass


class Rig:
    """Two portals of two partners, connected in mode `write`."""

    def __init__(self, sandbox: SandboxServer, database_url: str, redis_url: str, **settings: object) -> None:
        self.sandbox = sandbox
        values: dict[str, Any] = {
            "database_url": database_url,
            "redis_url": redis_url,
            "secret_key": SECRET_KEY,
            "hubspot_base_url": sandbox.base_url,
            **settings,
        }
        self.settings = Settings(_env_file=None, **values)  # type: ignore[call-arg]
        self.clock = ManualClock(datetime.now(UTC))
        self.waker = HeardRings()
        self.context = self.opened()
        self.portals = sandbox.portals()
        connect_demo_to(self.context, sandbox.base_url)
        self.hub, self.other_hub = (portal["hub_id"] for portal in self.portals)
        self.form = next(form["id"] for form in self.portals[0]["forms"] if form["auto_register"])
        sandbox.reset_stats()

    def opened(self) -> Context:
        """What a process of the worker holds."""
        database = kept_database(str(self.settings.database_url), clock=self.clock)
        return Context(self.settings, waker=self.waker, limiter=Unlimited(), database=database)

    def close(self) -> None:
        self.context.close()

    # --- what people and time do ---

    def submit(self, email: str, **fields: str) -> None:
        """A visitor submits the form."""
        self.sandbox.submit(self.form, self.hub, **{**LEAD, "email": email, **fields})
        self.clock.time = max(self.clock.time, datetime.now(UTC))
        self.hurry()

    def hurry(self) -> None:
        """All triggers are due."""
        with self.context.database.transaction() as tx:
            tx.connection.execute(text("UPDATE cursors SET due_at = '2000-01-01', leased_until = NULL"))
            tx.connection.execute(text("UPDATE requests SET resolve_after = '2000-01-01' WHERE resolve_after > now()"))

    def pass_time(self, **delta: float) -> None:
        self.clock.time += timedelta(**delta)

    def settle(self, *, rounds: int = 60) -> list[Ring]:
        """Do all that is due, as the actors would; return what was rung for, in order."""
        done: list[Ring] = []
        for _ in range(rounds):
            with self.context.database.transaction() as tx:
                rings = due(tx)
            if not rings:
                return done
            for ring in rings:
                self.run(ring)
            done += rings
        raise AssertionError(f"never settles: {rings}, {self.marks()}")

    def run(self, ring: Ring) -> None:
        """What the actor of that name does."""
        match ring.bell:
            case Bell.EXPAND_INBOX:
                inbox.expand(self.context)
            case Bell.SERVE_INTERACTIVE:
                turns.interactive_turn(self.context, ring.hub_id)
            case Bell.SERVE_BULK:
                turns.bulk_turn(self.context, ring.hub_id)
            case Bell.DO_JOBS:
                while continue_jobs(self.context, ring.hub_id):
                    pass
            case Bell.END_OVERDUE:
                expiry.end_overdue(self.context)
            case Bell.TELL:
                delivering.tell(self.context)

    # --- what is so ---

    def contact(self, email: str, hub: int | None = None) -> Mapping[str, str | None]:
        """A contact's properties, as the CRM has them."""
        found = self.sandbox.by_email(hub or self.hub, email)
        assert found is not None, email
        properties: dict[str, str | None] = found["properties"]
        return properties

    def contact_id(self, email: str) -> str:
        found = self.sandbox.by_email(self.hub, email)
        assert found is not None, email
        return str(found["id"])

    def company(self, domain: str, hub: int | None = None) -> Mapping[str, str | None]:
        found = self.sandbox.by_domain(hub or self.hub, domain)
        assert found is not None, domain
        properties: dict[str, str | None] = found["properties"]
        return properties

    def status(self, email: str) -> tuple[str | None, str | None]:
        """Status and reason of a contact."""
        of = self.contact(email)
        return of.get("partner_registration_status") or None, of.get("partner_registration_reason") or None

    def requests(self) -> list[Stored]:
        with self.context.database.transaction() as tx:
            return [asked.stored(row) for row in tx.connection.execute(asked.query())]

    def registrations(self) -> list[Any]:
        with self.context.database.transaction() as tx:
            return list(tx.connection.execute(select(registrations).order_by(registrations.c.id)))

    def marks(self) -> list[Any]:
        with self.context.database.transaction() as tx:
            return list(tx.connection.execute(select(marks)))

    def writes(self) -> dict[str, int]:
        """Batch updates since the last count."""
        return {key: n for key, n in self.sandbox.calls("POST").items() if "batch/update" in key}
