"""How does a test ask for leads and have them decided, without any HubSpot?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import count

from sqlalchemy import select

from support.ledger import LedgerRig
from syncworker.registration.ledger import moves, registrations, requests
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.deciding import Subject, decide_batch, lock_and_end_overdue
from syncworker.registration.ledger.registrations import Registration
from syncworker.registration.ledger.requests import NewRequest, State, Stored
from syncworker.registration.rules.decision import Decision
from syncworker.registration.rules.domains import Domain
from syncworker.registration.rules.facts import Lead
from syncworker.registration.rules.terms import Action, Source
from syncworker.store import portals, tables
from syncworker.store.database import Tx
from syncworker.store.portals import Portal

UNDO = timedelta(minutes=10)


class Desk:
    """Asks, decides, deregisters and lets time pass, each in a transaction of its own."""

    def __init__(self, database_url: str) -> None:
        self.rig = LedgerRig(database_url)
        self._keys = count(1)

    def close(self) -> None:
        self.rig.close()

    def portal(self, hub_id: int, *, partner: str = "north", capacity: int | None = None) -> Portal:
        """A connected portal; asked for again, its partner gets this capacity."""
        return self.rig.portal(hub_id, partner=partner, capacity=capacity)

    # --- what people do ---

    def request(
        self,
        portal: Portal,
        contact: str,
        *,
        action: Action = Action.REGISTER,
        source: Source = Source.FORM,
        at: datetime | None = None,
    ) -> int:
        """Somebody asks; nothing is decided yet. Returns the request's id."""
        new = NewRequest(
            key=str(next(self._keys)),
            action=action,
            source=source,
            who="somebody",
            requested_at=at or self.rig.clock.time,
            contact_id=contact,
        )
        [added] = self.rig.database.run(
            lambda tx: requests.add(tx, partner_id=portal.partner.id, hub_id=portal.hub_id, new=[new])
        )
        return added

    def ask(
        self,
        portal: Portal,
        contact: str,
        domain: str,
        *,
        action: Action = Action.REGISTER,
        source: Source = Source.FORM,
        at: datetime | None = None,
    ) -> Decision:
        """Somebody asks, and it is decided at once."""
        self.request(portal, contact, action=action, source=source, at=at)
        return self.decide(portal, contact, domain)

    def decide(self, portal: Portal, contact: str, domain: str, **lead: str | None) -> Decision:
        """Look at one lead again; `lead` are fields that are not as they should be."""
        return self.decide_all(portal, {contact: subject(contact, domain, **lead)})[contact]

    def decide_all(self, portal: Portal, subjects: dict[str, Subject]) -> dict[str, Decision]:
        """Look at a batch of leads again."""

        def work(tx: Tx) -> dict[str, Decision]:
            # As it is now: its partner's capacity may have changed.
            now = portals.get(tx, portal.hub_id)
            decided, _ = decide_batch(tx, now, subjects, self.rig.conditions())
            return {contact: of.decision for contact, of in decided.items()}

        return self.rig.database.run(work)

    def deregister(self, portal: Portal, domain: str) -> None:
        """A person ends a registration."""

        def work(tx: Tx) -> None:
            lock_and_end_overdue(tx, portal.partner.id, self.rig.conditions(), Changes())
            claim = registrations.active_of(tx, portal.partner.id, domain)
            registrations.deregister(tx, [claim], who="somebody", source=Source.APP, undo=UNDO)

        self.rig.database.run(work)

    def give_up(self, portal: Portal, domain: str) -> None:
        """Deregister, and let the undo time pass."""
        self.deregister(portal, domain)
        self.pass_time(minutes=10, seconds=1)

    def pass_time(self, **delta: float) -> None:
        """Let time pass, and have done what the worker does by itself then."""
        self.rig.clock.time += timedelta(**delta)
        for partner_id in self._partner_ids():
            self.work(
                lambda tx: lock_and_end_overdue(tx, partner_id, self.rig.conditions(), Changes())  # noqa: B023 - run at once
            )
        self.work(lambda tx: moves.end_lapsed(tx))

    def work(self, what: Callable[[Tx], object]) -> None:
        """Anything else, in a transaction."""
        self.rig.database.run(what)

    # --- what is so ---

    def active(self, portal: Portal | None = None) -> list[str]:
        """The domains that are actively registered (by the portal's partner), by name."""
        return sorted(
            claim.domain
            for claim in self.claims()
            if claim.is_active and (portal is None or claim.partner_id == portal.partner.id)
        )

    def claims(self) -> list[Registration]:
        """All registrations there ever were, oldest first."""
        with self.rig.database.transaction() as tx:
            query = registrations.query().order_by(tables.registrations.c.id)
            return [registrations.registration(row) for row in tx.connection.execute(query)]

    def states(self, contact: str) -> list[State]:
        """How far the requests for a contact have come, oldest first."""
        return [request.state for request in self.requests() if request.contact_id == contact]

    def requests(self) -> list[Stored]:
        """All requests, oldest first."""
        with self.rig.database.transaction() as tx:
            query = requests.query().order_by(tables.requests.c.id)
            return [requests.stored(row) for row in tx.connection.execute(query)]

    def told(self) -> list[tuple[str, str | None, str]]:
        """The history as (event, domain, why), oldest first."""
        h = tables.history.c
        with self.rig.database.transaction() as tx:
            rows = tx.connection.execute(select(h.event, h.domain, h.why).order_by(h.id)).all()
        return [(row.event, row.domain, row.why) for row in rows]

    def _partner_ids(self) -> list[int]:
        with self.rig.database.transaction() as tx:
            return sorted(tx.connection.execute(select(tables.partners.c.id)).scalars())


def subject(contact: str, domain: str, **lead: str | None) -> Subject:
    """A complete lead of the company of that domain, but for the fields that are given."""
    complete = Lead(
        contact_id=contact,
        first_name="Ada",
        last_name="Berg",
        email=f"ada@{domain}",
        company=domain,
        website=domain,
        converted=True,
        company_id=f"company of {domain}",
    )
    return Subject(lead=replace(complete, **lead), domain=Domain(domain))  # type: ignore[arg-type] # fields of text alone
