"""Whatever instant the process dies at, the next one brings ledger and CRM to the same state. A machine tries.

A process can die before a commit, after one, and after HubSpot has carried out a call whose answer is lost. Between two
of these it holds nothing but memory. The next process begins with nothing of it: its leases run out first.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import count
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from support import services
from support.delivered import delivered
from support.rig import LEAD, Rig, Unlimited
from support.sandbox_server import SandboxServer
from syncworker.hubspot.events import Event
from syncworker.registration.ledger.registrations import NotRegistered
from syncworker.registration.rules.terms import Source
from syncworker.store.database import Database, Tx
from syncworker.store.portals import CredentialStore
from syncworker.sync import operations
from syncworker.sync.claims import LEASE
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.resync import resync
from syncworker.sync.triggers import inbox

THOROUGH = int(os.environ.get("THOROUGH", "1"))
CAPACITY = 2
NAMES = ("alfa", "bravo", "charlie", "delta")


class Killed(BaseException):
    """The process is gone. Nothing in the worker catches this."""


@dataclass(slots=True)
class Fate:
    """When the process dies: after so many instants more, or never."""

    left: int | None = None

    def instant(self, *_: object) -> None:
        if self.left is not None:
            self.left -= 1
            if self.left < 0:
                raise Killed


class MortalDatabase(Database):
    """A real database, in a process that may die just before or just after a commit."""

    fate: Fate

    @contextmanager
    def transaction(self) -> Iterator[Tx]:
        with super().transaction() as tx:
            yield tx
            self.fate.instant()
        self.fate.instant()


class Mortal(Rig):
    """A rig whose process dies as its fate has it, and is started again."""

    def __init__(self, sandbox: SandboxServer, database_url: str, redis_url: str, **more: object) -> None:
        super().__init__(sandbox, database_url, redis_url, **more)
        self.url = database_url
        self.fate = Fate()
        self.begin()

    def begin(self) -> None:
        """A new process: nothing of the old one's memory is left."""
        self.context.close()
        self.fate.left = None
        self.context = Context(
            self.settings, clock=self.clock, waker=self.waker, limiter=Unlimited(), on_call=self.fate.instant
        )
        self.context.database.close()
        mortal = MortalDatabase(self.url, clock=self.clock)
        mortal.fate = self.fate
        self.context.database = mortal
        self.context.credentials = CredentialStore(mortal, self.context.secrets)

    def until_death(self, instants: int, work: Callable[[], object]) -> None:
        """Do it in a process that dies after so many instants, if it lives that long."""
        self.fate.left = instants
        with suppress(Killed):
            work()
        if self.fate.left is not None and self.fate.left < 0:
            self.begin()
        self.fate.left = None


class Crashes(RuleBasedStateMachine):
    """Four contacts of four companies, two slots, and a process that dies all the time."""

    make: ClassVar[Callable[[], Mortal]]

    def __init__(self) -> None:
        super().__init__()
        self.rig = self.make()
        self.ids: dict[str, str] = {}
        self.gone: set[str] = set()
        self.asked = count(1)

    def teardown(self) -> None:
        try:
            self.everything_is_right()
        finally:
            self.rig.close()

    names = st.sampled_from(NAMES)
    # So many instants later; or nobody works just then.
    dies = st.none() | st.integers(0, 30)

    def heard(self, name: str, event: Any = "propertyChange") -> None:
        """A webhook tells of a contact."""
        told = Event(hub_id=self.rig.hub, kind="contact", event=event, object_ids=(self.ids[name],))
        delivered(self.rig.context.database, [inbox.row([told])])

    def contact(self, name: str) -> str:
        if name not in self.ids:
            lead = {**LEAD, "email": f"ada@{name}-ab.se", "website": f"{name}-ab.se"}
            self.ids[name] = str(self.rig.sandbox.create(self.rig.hub, "contacts", lead)["id"])
        return self.ids[name]

    # --- what people do, while a process works and dies ---

    @rule(name=names, last_name=st.sampled_from(["Berg", ""]), dies=dies)
    def a_form_is_submitted(self, name: str, last_name: str, dies: int | None) -> None:
        if name not in self.gone:
            self.rig.submit(f"ada@{name}-ab.se", website=f"{name}-ab.se", lastname=last_name)
            self.ids[name] = self.rig.contact_id(f"ada@{name}-ab.se")
        self.work(dies)

    @rule(name=names, action=st.sampled_from(["register", "deregister"]), dies=dies)
    def a_crm_user_asks(self, name: str, action: str, dies: int | None) -> None:
        if name not in self.gone:
            asked = {"partner_registration_request": action}
            self.rig.sandbox.edit(self.rig.hub, "contacts", self.contact(name), asked)
            self.heard(name)
        self.work(dies)

    @rule(name=names, dies=dies)
    def an_operator_asks(self, name: str, dies: int | None) -> None:
        if name not in self.gone:
            key = f"k{next(self.asked)}"
            operations.register(self.rig.context, self.rig.hub, self.contact(name), who="o", source=Source.API, key=key)
        self.work(dies)

    @rule(name=names, undo=st.booleans(), dies=dies)
    def an_operator_deregisters(self, name: str, undo: bool, dies: int | None) -> None:
        with suppress(NotRegistered):
            operations.deregister(self.rig.context, self.rig.hub, f"{name}-ab.se", who="o", source=Source.API)
            if undo:
                operations.undo(self.rig.context, self.rig.hub, f"{name}-ab.se", who="o", source=Source.API)
        self.work(dies)

    @rule(name=names, to=names, dies=dies)
    def a_website_changes(self, name: str, to: str, dies: int | None) -> None:
        if name in self.ids.keys() - self.gone:
            self.rig.sandbox.edit(self.rig.hub, "contacts", self.ids[name], {"website": f"www.{to}-ab.se"})
            self.heard(name)
        self.work(dies)

    @rule(name=names, value=st.sampled_from(["", "registered", "expired"]), dies=dies)
    def somebody_edits_our_property(self, name: str, value: str, dies: int | None) -> None:
        if name in self.ids.keys() - self.gone:
            edit = {"partner_registration_status": value}
            self.rig.sandbox.edit(self.rig.hub, "contacts", self.ids[name], edit)
            self.heard(name)
        self.work(dies)

    @rule(name=names, dies=dies)
    def a_contact_is_deleted(self, name: str, dies: int | None) -> None:
        if name in self.ids.keys() - self.gone:
            self.rig.sandbox.post(f"/_sandbox/portals/{self.rig.hub}/contacts/{self.ids[name]}/delete")
            self.gone.add(name)
            self.heard(name, "deletion")
        self.work(dies)

    @rule(seconds=st.sampled_from([5, 601, 40 * 86_400, 367 * 86_400]), dies=dies)
    def time_passes(self, seconds: int, dies: int | None) -> None:
        self.rig.pass_time(seconds=seconds)
        self.work(dies)

    @rule(dies=dies)
    def a_resync_is_asked_for(self, dies: int | None) -> None:
        with suppress(resync.ResyncRuns):
            resync.start(self.rig.context, self.rig.hub, who="o")
        self.work(dies)

    # --- what processes do ---

    def work(self, dies: int | None) -> None:
        if dies is not None:
            self.rig.until_death(dies, self.rig.settle)

    @rule(dies=dies)
    def the_leases_run_out(self, dies: int | None) -> None:
        self.rig.pass_time(seconds=LEASE.total_seconds() + 1)
        self.work(dies)

    @precondition(lambda self: self.ids)
    @rule()
    def everything_is_right(self) -> None:
        """After the leases have run out, and one process that lives."""
        self.rig.pass_time(seconds=LEASE.total_seconds() + 1)
        self.rig.settle()
        assert [row for row in self.rig.marks() if row.parked_at is not None] == []
        held = [row for row in self.rig.registrations() if row.ended_at is None]
        assert not [domain for domain, times in Counter(row.domain for row in held).items() if times > 1]
        assert len(held) <= CAPACITY
        waiting = {row.contact_id for row in self.rig.requests() if row.state == "waiting"}
        for name in self.ids.keys() - self.gone:
            shows = self.rig.sandbox.record(self.rig.hub, "contacts", self.ids[name])["properties"]
            self.is_shown(self.ids[name], shows, held, waiting)
        # A look at all of them once more finds nothing to write.
        self.rig.sandbox.reset_stats()
        ids = [self.ids[name] for name in self.ids.keys() - self.gone]
        self.rig.context.database.run(
            lambda tx: mark(tx, self.rig.hub, Kind.CONTACT, ids, priority=Priority.RESYNC, cause="test")
        )
        self.rig.settle()
        assert self.rig.writes() == {}

    def is_shown(self, contact_id: str, shows: dict[str, str | None], held: list[Any], waiting: set[Any]) -> None:
        """The contact shows what the ledger has of it."""
        domain = str(shows["website"]).removeprefix("www.")
        status = shows.get("partner_registration_status") or None
        claims = [row for row in held if row.domain == domain] or [row for row in held if row.contact_id == contact_id]
        if claims:
            undoable = claims[0].deregistered_at is not None
            assert status == ("deregistered" if undoable else "registered"), (status, claims)
            assert shows["partner_registered_domain"] in {row.domain for row in claims}
        elif contact_id in waiting:
            assert status == "pending"
        else:
            assert status not in {"registered", "pending"}, status
        assert not shows.get("partner_registration_request"), "asked for and never heard"


@pytest.mark.long
def test_whenever_the_process_dies_ledger_and_crm_come_out_the_same(
    sandbox: SandboxServer, postgres_url: str, migrated_template: str, redis_url: str
) -> None:
    numbers = count(1)

    def make() -> Mortal:
        sandbox.reset(keep_properties=True)
        sandbox.hold_nothing_back()
        url = services.create_database(postgres_url, f"crashes_{next(numbers)}", template=migrated_template)
        # A poll would heal what a lost mark left undone; here the marks alone have to hold.
        return Mortal(sandbox, url, redis_url, partner_capacity=CAPACITY, poll_seconds=3600)

    run_state_machine_as_test(
        type("Machine", (Crashes,), {"make": staticmethod(make)}),
        settings=settings(
            max_examples=4 * THOROUGH,
            derandomize=THOROUGH == 1,
            stateful_step_count=20,
            # Making a failing example smaller takes minutes, and its steps can be read as they are.
            phases=[Phase.explicit, Phase.reuse, Phase.generate],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
