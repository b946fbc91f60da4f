"""Where do browser tests and screenshots play? The whole of it: the pages over HTTP, a worker, a CRM, people.

The web app is served to this machine, a worker does what is due as long as the stage stands, and the CRM is the
sandbox. Nothing of it is a mock. What was asked for ends by itself, as in life: whoever asks watches for it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from browser.people import Person
from support.processes import eventually
from support.rig import Rig
from support.sandbox_server import SandboxServer
from syncworker.access import links, sessions, users
from syncworker.access.roles import Role
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile import brake
from syncworker.sync.sweep import due
from syncworker.sync.watch.shared_counts import Beating, SharedCounts
from syncworker.web import cookies
from syncworker.web.app import create_app
from web.serving import serving

PASSWORD = "a password of eighteen letters"
MANAGER = "maja.holm@fjordfuru.se"
PATIENCE_S = 60.0
# A look takes some milliseconds of a machine that the browser wants for itself.
LOOKS_EVERY_S = 0.15


class Stage(Rig):
    """A rig whose clock goes, and whose worker works by itself."""

    def __init__(self, sandbox: SandboxServer, database_url: str, redis_url: str, **settings: object) -> None:
        sandbox.hold_nothing_back()
        super().__init__(
            sandbox, database_url, redis_url, hubspot_ten_second_limit=100_000, hubspot_daily_limit=650_000, **settings
        )
        self.address = ""
        self._may_work = threading.Lock()
        self.playing = threading.Event()
        """Cleared while nobody looks: the worker rests, and leaves the machine to other tests of the process."""
        self.playing.set()
        self._over = threading.Event()
        self.mistake: BaseException | None = None

    def opened(self) -> Context:
        """With the database's clock and the shared limit, as a process of a deployment has them."""
        return Context(self.settings, waker=self.waker)

    @contextmanager
    def standing(self) -> Iterator[Stage]:
        """Serve the pages and let the worker work."""
        worker = threading.Thread(target=self._work, name="worker")
        heard = [Beating(SharedCounts(str(self.settings.redis_url)), role) for role in ("worker", "scheduler")]
        with serving(create_app(context=self.context)) as client:
            self.address = str(client.base_url).rstrip("/")
            for one in heard:
                one.start()
            worker.start()
            try:
                yield self
            finally:
                self._over.set()
                worker.join(timeout=30)
                for one in heard:
                    one.stop()
        if self.mistake is not None:
            raise self.mistake

    def _work(self) -> None:
        try:
            while not self._over.wait(LOOKS_EVERY_S):
                if not self.playing.wait(0.5):
                    continue
                with self._may_work:
                    with self.context.database.transaction() as tx:
                        rings = due(tx)
                    for ring in rings:
                        self.run(ring)
        except BaseException as mistake:  # noqa: BLE001 - told by whoever takes the stage down
            self.mistake = mistake

    @contextmanager
    def worker_held(self) -> Iterator[None]:
        """Nothing is done meanwhile: what was asked for stays under way."""
        with self._may_work:
            yield

    # --- people ---

    def invite(self, email: str, role: Role, *, password: str | None = None, portals: list[int] | None = None) -> str:
        """Make an account; return a link that signs in once."""
        token = links.made_up()

        def make(tx: Tx) -> None:
            user = users.find(tx, email) or users.add(
                tx, email, role=role, password=password, who="test", portals=portals
            )
            links.make(tx, user, token)

        self.context.database.run(make)
        return links.address(self.address, token)

    def cookie(self, email: str, role: Role, *, portals: list[int] | None = None) -> dict[str, str]:
        """Somebody's session, as a browser keeps it."""
        self.invite(email, role, portals=portals)

        def begin(tx: Tx) -> str:
            return sessions.begin(tx, users.get(tx, email)).id

        value = cookies.signed(self.context.secrets.session_key, cookies.SESSION, self.context.database.run(begin))
        return {"name": cookies.SESSION, "value": value, "url": self.address}

    # --- what happens elsewhere ---

    def submits(self, *people: Person, **changed: str) -> None:
        """They submit the form, and a webhook says that there is something new."""
        for person in people:
            self.sandbox.submit(self.form, self.hub, **{**person.fields(), **changed})
        self.clock.time = datetime.now(UTC)
        self.hurry()

    def registers(self, *people: Person) -> None:
        """They submit the form, and are registered."""
        self.room(len(people))
        self.submits(*people)
        self.until(lambda: {person.domain for person in people} <= set(self.active()))

    def change_in_the_crm(self, changes: Mapping[Person, Mapping[str, str]]) -> None:
        """Somebody changes these properties of their contacts, and a webhook says so."""
        contacts = {self.contact_id(person.email): dict(properties) for person, properties in changes.items()}
        for contact, properties in contacts.items():
            self.sandbox.edit(self.hub, "contacts", contact, properties)
        with self.context.database.transaction() as tx:
            mark(tx, self.hub, Kind.CONTACT, list(contacts), priority=Priority.WEBHOOK, cause="changed in the CRM")

    def parks(self, person: Person, error: str, attempts: int = 1) -> None:
        """The mark of their contact failed so often that it waits for a person."""
        contact = self.contact_id(person.email)
        with self.context.database.transaction() as tx:
            mark(tx, self.hub, Kind.CONTACT, [contact], priority=Priority.POLL, cause="changed in the CRM")
            tx.connection.execute(
                text(
                    "UPDATE marks SET parked_at = now() - interval '3 hours', last_error = :error, attempts = :attempts"
                    " WHERE object_id = :contact AND hub_id = :hub"
                ),
                {"error": error, "attempts": attempts, "contact": contact, "hub": self.hub},
            )

    def may_give_up(self) -> None:
        """All that is given up within an hour is meant: the brake stays off."""
        with self.context.database.transaction() as tx:
            brake.release(tx, portals.get(tx, self.hub))

    def room(self, places: int) -> None:
        """Let there be room for so many more than are registered or wait."""
        self.change(
            """
            UPDATE partners SET capacity = :places
                 + (SELECT count(*) FROM registrations AS r WHERE r.partner_id = partners.id AND ended_at IS NULL)
                 + (SELECT count(*) FROM requests AS q WHERE q.partner_id = partners.id AND state = 'waiting')
             WHERE id = (SELECT partner_id FROM portals WHERE hub_id = :hub)
            """,
            places=places, hub=self.hub,
        )  # fmt: skip

    def full(self) -> None:
        """Let all capacity be used."""
        self.change(
            """
            UPDATE partners SET capacity =
                   (SELECT count(*) FROM registrations AS r WHERE r.partner_id = partners.id AND ended_at IS NULL)
             WHERE id = (SELECT partner_id FROM portals WHERE hub_id = :hub)
            """,
            hub=self.hub,
        )

    def change(self, statement: str, **values: object) -> None:
        """Change rows by hand, in a transaction of its own."""
        with self.context.database.transaction() as tx:
            tx.connection.execute(text(statement), values)

    # --- what is so ---

    def rows(self, statement: str, **values: object) -> list[Any]:
        """What a query finds."""
        with self.context.database.transaction() as tx:
            return list(tx.connection.execute(text(statement), values).all())

    def active(self) -> list[str]:
        """The domains that are registered and not being given up."""
        found = self.rows("SELECT domain FROM registrations WHERE ended_at IS NULL AND deregistered_at IS NULL")
        return [row.domain for row in found]

    def until(self, holds: Callable[[], bool]) -> None:
        """Watch until it holds."""
        eventually(holds, seconds=PATIENCE_S)
