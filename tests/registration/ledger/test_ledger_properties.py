"""Whatever people, time and other partners do, the ledger stays right. A machine tries to prove otherwise.

Held after every step: never two claims on a domain, never more claims than capacity, every state explained by the
history, nobody overtaken on the waiting list, and deciding again changes nothing.
"""

from __future__ import annotations

import os
from collections import Counter
from contextlib import suppress
from datetime import timedelta
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import select, text

from support.ledger import LedgerRig
from syncworker.registration.ledger import holds, moves, registrations, requests
from syncworker.registration.ledger.changes import Changes
from syncworker.registration.ledger.deciding import Subject, decide_batch, lock_and_end_overdue
from syncworker.registration.ledger.holds import Hold
from syncworker.registration.ledger.requests import NewRequest, NotOpen
from syncworker.registration.rules.domains import Domain
from syncworker.registration.rules.facts import Lead
from syncworker.registration.rules.terms import Action, HoldKind, Source
from syncworker.store import tables
from syncworker.store.portals import Portal

CAPACITY = 2
# `make test` has five minutes; a change to the ledger deserves more: THOROUGH=20 make test
THOROUGH = int(os.environ.get("THOROUGH", "1"))
DOMAINS = ("alfa", "bravo", "charlie", "delta", "echo")
CONTACTS = tuple(range(6))
_machines = count(1)

ACTIVE_AFTER = {"registered", "undone", "renewed", "imported"}
STATE_AFTER = {
    "requested": {"processing"},
    "pending": {"waiting", "processing"},
    "invalid_data": {"invalid_data"},
    "unavailable": {"unavailable"},
    "registered": {"registered"},
    "joined": {"registered"},
    "withdrawn": {"withdrawn"},
    "ended": {"ended"},
    "deregistration_asked": {"confirming"},
    "deregistered": {"deregistered"},
}


class Ledger(RuleBasedStateMachine):
    """Two partners, five domains, six contacts each."""

    rig: LedgerRig

    def __init__(self) -> None:
        super().__init__()
        number = next(_machines)
        self.name = f"m{number}"
        self.portals = [
            self.rig.portal(number * 10 + side, partner=f"{self.name}-{side}", capacity=CAPACITY) for side in (0, 1)
        ]
        self.keys = count(1)
        self.started = self.rig.clock.time

    def teardown(self) -> None:
        self.rig.clock.time = self.started

    def domain(self, name: str) -> str:
        return f"{name}-{self.name}.se"

    def subject(self, contact: int, name: str) -> Subject:
        lead = Lead(
            contact_id=str(contact),
            first_name="Ada",
            last_name="Berg",
            email="ada@mejl.se",
            company="Berg",
            website=self.domain(name),
            converted=True,
            company_id=f"c-{name}",
        )
        return Subject(lead=lead, domain=Domain(self.domain(name)))

    def decide(self, portal: Portal, subjects: dict[str, Subject]) -> Any:
        return self.rig.database.run(lambda tx: decide_batch(tx, portal, subjects, self.rig.conditions()))

    sides = st.integers(0, 1)
    contacts = st.sampled_from(CONTACTS)
    names = st.sampled_from(DOMAINS)

    @rule(
        side=sides,
        contact=contacts,
        name=names,
        action=st.sampled_from(list(Action)),
        source=st.sampled_from(list(Source)),
    )
    def somebody_asks(self, side: int, contact: int, name: str, action: Action, source: Source) -> None:
        portal = self.portals[side]
        new = NewRequest(
            key=f"{self.name}-{next(self.keys)}",
            action=action,
            source=source,
            who="somebody",
            requested_at=self.rig.clock.time,
            contact_id=str(contact),
        )
        self.rig.database.run(
            lambda tx: requests.add(tx, partner_id=portal.partner.id, hub_id=portal.hub_id, new=[new])
        )
        self.rig.clock.time += timedelta(seconds=1)
        self.decide(portal, {str(contact): self.subject(contact, name)})

    @rule(side=sides, name=names, undo=st.booleans())
    def a_person_deregisters(self, side: int, name: str, undo: bool) -> None:
        def work(tx: Any) -> None:
            changes = Changes()
            partner = self.portals[side].partner
            lock_and_end_overdue(tx, partner.id, self.rig.conditions(), changes)
            claim = registrations.active_of(tx, partner.id, self.domain(name))
            registrations.deregister(tx, [claim], who="p", source=Source.APP, undo=timedelta(minutes=10))
            if undo:
                registrations.undo_deregistration(tx, partner.id, claim.domain, who="p", source=Source.APP)

        with suppress(registrations.NotRegistered):
            self.rig.database.run(work)

    @rule(seconds=st.sampled_from([30, 601, 40 * 86_400, 367 * 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.rig.clock.time += timedelta(seconds=seconds)
        for portal in self.portals:
            self.rig.database.run(
                lambda tx: lock_and_end_overdue(tx, portal.partner.id, self.rig.conditions(), Changes())  # noqa: B023
            )

    @rule(name=names)
    def a_hold_comes(self, name: str) -> None:
        hold = Hold(domain=self.domain(name), kind=HoldKind.EXISTING_CUSTOMER)
        self.rig.database.run(lambda tx: holds.add(tx, [hold], who="p"))

    @rule(data=st.data())
    def a_person_withdraws_or_confirms(self, data: st.DataObject) -> None:
        open_ones = [row for row in self.requests() if row.state in {s.value for s in requests.OPEN}]
        if open_ones:
            row = data.draw(st.sampled_from(open_ones))
            try:
                if row.state == "confirming":
                    self.rig.database.run(lambda tx: moves.confirm(tx, row.id, who="manager"))
                else:
                    self.rig.database.run(lambda tx: moves.withdraw(tx, row.id, who="p"))
            except NotOpen:
                raise AssertionError("an open request is not open") from None

    # --- what holds ---

    def partner_ids(self) -> list[int]:
        return [portal.partner.id for portal in self.portals]

    def all(self, table: Any) -> list[Any]:
        with self.rig.database.transaction() as tx:
            query = select(table).where(table.c.partner_id.in_(self.partner_ids())).order_by(table.c.id)
            return list(tx.connection.execute(query))

    def requests(self) -> list[Any]:
        return self.all(tables.requests)

    @invariant()
    def never_two_claims_on_a_domain(self) -> None:
        held = Counter(row.domain for row in self.all(tables.registrations) if row.ended_at is None)
        assert not [domain for domain, times in held.items() if times > 1]

    @invariant()
    def never_more_claims_than_capacity(self) -> None:
        held = Counter(row.partner_id for row in self.all(tables.registrations) if row.ended_at is None)
        assert not [partner for partner, times in held.items() if times > CAPACITY]

    @invariant()
    def nobody_waits_while_a_slot_is_free(self) -> None:
        held = Counter(row.partner_id for row in self.all(tables.registrations) if row.ended_at is None)
        waiting = {row.partner_id for row in self.requests() if row.state == "waiting"}
        assert not [partner for partner in waiting if held[partner] < CAPACITY]

    @invariant()
    def history_explains_every_state(self) -> None:
        told = self.all(tables.history)
        last_of_registration = {
            row.registration_id: row.event
            for row in told
            if row.registration_id
            and row.event not in {"joined", "hold_came", "renewal_set"}
            and not (row.request_id and row.event in {"deregistered", "deregistration_asked", "withdrawn"})
        }
        for claim in self.all(tables.registrations):
            event = last_of_registration[claim.id]
            if claim.ended_at is not None:
                assert event in {"expired", "released"}, (event, claim)
            elif claim.deregistered_at is not None:
                assert event == "deregistered", (event, claim)
            else:
                assert event in ACTIVE_AFTER, (event, claim)
        last_of_request = {row.request_id: row.event for row in told if row.request_id}
        for asked in self.requests():
            assert asked.state in STATE_AFTER[last_of_request[asked.id]], (asked, last_of_request[asked.id])

    @invariant()
    def deciding_again_changes_nothing(self) -> None:
        for portal in self.portals:
            mine = {row.contact_id: row for row in self.requests() if row.hub_id == portal.hub_id and row.domain}
            subjects = {contact: self.subject(int(contact), row.domain.split("-")[0]) for contact, row in mine.items()}
            first, _ = self.decide(portal, subjects)
            before = self.all(tables.registrations), self.requests(), len(self.all(tables.history))
            again, changes = self.decide(portal, subjects)
            assert again == first
            assert (self.all(tables.registrations), self.requests(), len(self.all(tables.history))) == before
            assert changes == Changes()


def test_the_ledger_stays_right_whatever_happens(database_url: str) -> None:
    rig = LedgerRig(database_url)
    try:
        run_state_machine_as_test(
            type("Machine", (Ledger,), {"rig": rig}),
            settings=settings(
                max_examples=4 * THOROUGH,
                stateful_step_count=18,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
    finally:
        rig.close()


def test_history_can_only_grow(database_url: str) -> None:
    rig = LedgerRig(database_url)
    try:
        rig.portal(1)
        for change in ("UPDATE history SET who = 'me'", "DELETE FROM history", "TRUNCATE history"):
            refused = False
            try:
                with rig.database.transaction() as tx:
                    tx.connection.execute(text(change))
            except Exception as error:  # noqa: BLE001 - whatever SQLAlchemy wraps it in, its text is what counts
                refused = "append-only" in str(error)
            assert refused, change
    finally:
        rig.close()
