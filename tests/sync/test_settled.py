"""Does a resync know again what was right, and nothing else?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from support.rig import Rig
from sync.test_deleted_records import change
from sync.test_resync import hold, look
from syncworker.registration.rules.domain_rules import domain_rules
from syncworker.sync.lists import one_lead
from syncworker.sync.resync import resync, settled
from syncworker.sync.resync.turn import continue_resync
from syncworker.sync.triggers import daily

REGISTERED, COMPANY = "karin@fjallvik.se", "fjallvik.se"


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A registered lead with a website, a colleague without one, a stranger, and what was done to them since."""

    rig: Rig
    karin: str
    bo: str
    stranger: str
    company: str

    def sql(self, statement: str, **values: object) -> None:
        """Change the database behind everybody's back: nobody marks anything."""
        with self.rig.context.database.transaction() as tx:
            tx.connection.execute(text(statement), values)

    def edit(self, kind: str, id_: str, **properties: str) -> None:
        """Change the CRM, and no webhook comes."""
        self.rig.sandbox.edit(self.rig.hub, kind, id_, properties)

    def shown(self, kind: str, id_: str) -> dict[str, str]:
        """What we show on a record."""
        of = self.rig.sandbox.record(self.rig.hub, kind, id_)["properties"]
        return {name: of.get(name) or "" for name in of if name.startswith("partner_")}

    def kept(self, kind: str, id_: str) -> bool:
        """Whether anything is kept of a record."""
        with self.rig.context.database.transaction() as tx:
            query = text("SELECT count(*) FROM records WHERE kind = :kind AND object_id = :id")
            return bool(tx.connection.execute(query, {"kind": kind, "id": id_}).scalar_one())

    def presence(self) -> dict[str, str]:
        """What is known of each contact's being there."""
        with self.rig.context.database.transaction() as tx:
            rows = tx.connection.execute(text("SELECT object_id, presence FROM records WHERE kind = 'contact'")).all()
            return {row.object_id: row.presence for row in rows}

    def resync(self) -> resync.Resync:
        """A resync, and nothing beside it: no poll, no mark."""
        begun = resync.start(self.rig.context, self.rig.hub, who="t")
        while continue_resync(self.rig.context, self.rig.hub):
            pass
        return look(self.rig, begun)


@pytest.fixture
def world(rig: Rig) -> World:
    company = rig.sandbox.create(rig.hub, "companies", {"name": "Fjällvik", "domain": COMPANY})
    lead = {"firstname": "Karin", "lastname": "Lind", "email": REGISTERED, "website": f"https://www.{COMPANY}"}
    karin = rig.sandbox.create(rig.hub, "contacts", lead, company=company["id"])
    bo = rig.sandbox.create(rig.hub, "contacts", {"email": "bo@fjallvik.se"}, company=company["id"])
    stranger = rig.sandbox.create(rig.hub, "contacts", {"email": "a@elsewhere.se", "website": "elsewhere.se"})
    hold(rig, {COMPANY})
    return World(rig=rig, karin=karin["id"], bo=bo["id"], stranger=stranger["id"], company=company["id"])


@contextmanager
def statements(rig: Rig) -> Iterator[list[str]]:
    """What the database is asked meanwhile."""
    asked: list[str] = []
    engine = rig.context.database.engine

    def hear(*arguments: object) -> None:
        asked.append(str(arguments[2]))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield asked
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def test_what_was_right_is_known_again_without_looking_at_the_ledger(world: World) -> None:
    assert world.resync().written == 3
    assert world.resync().written == 0  # now it is seen that all of them are right
    world.rig.sandbox.reset_stats()
    with statements(world.rig) as asked:
        assert world.resync().written == 0
    # Nobody is decided; the two statements of the page itself are asked past SQLAlchemy.
    assert not [one for one in asked if "registrations" in one]
    # And a record that is known again counts as looked at.
    assert not any("batch/read" in route for route in world.rig.sandbox.calls())


def test_what_no_list_has_shown_is_looked_for_whatever_was_known_again(world: World) -> None:
    for _ in range(2):
        world.resync()
    world.rig.clock.time += timedelta(hours=1)
    change(world.rig, "delete", "contacts", world.bo, marked=False)
    world.rig.sandbox.reset_stats()
    world.resync()
    assert world.presence() == {world.karin: "live", world.bo: "archived"}
    # Of the others none was read by itself.
    assert sum(n for route, n in world.rig.sandbox.calls().items() if "batch/read" in route) == 1
    with world.rig.context.database.transaction() as tx:
        assert tx.connection.execute(text("SELECT count(*) FROM resync_pages")).scalar_one() == 0


def test_what_a_resync_of_all_has_looked_at_needs_no_daily_look_for_a_day(world: World) -> None:
    world.sql("UPDATE registrations SET contact_id = :id, company_id = :company", id=world.karin, company=world.company)
    for _ in range(2):
        world.resync()
    world.rig.clock.time += timedelta(hours=21)
    world.resync()
    world.rig.clock.time += timedelta(hours=19)
    assert daily.look(world.rig.context) == 0
    with world.rig.context.database.transaction() as tx:
        records = one_lead.lead(tx, world.rig.hub, COMPANY).records
    assert {one.reconciled_at for one in records} == {world.rig.clock.time - timedelta(hours=19)}
    world.rig.clock.time += timedelta(hours=2)
    assert daily.look(world.rig.context) == 3


def _edited_by_hand(world: World) -> None:
    world.edit("contacts", world.karin, partner_registration_status="expired")
    world.edit("companies", world.company, partner_registration_expires_on="2031-01-01")


def _a_day_longer(world: World) -> None:
    world.sql("UPDATE registrations SET expires_on = expires_on + 1")


def _held(world: World) -> None:
    world.sql("UPDATE registrations SET hold = 'existing_customer'")


def _ended(world: World) -> None:
    world.sql("UPDATE registrations SET ended_at = now(), end_reason = 'expired'")


def _confirmed(world: World) -> None:
    world.sql("UPDATE registrations SET confirmation = 'confirmed'")


def _given_back(world: World) -> None:
    world.sql("DELETE FROM registrations")


def _moved_to_another_website(world: World) -> None:
    world.edit("contacts", world.karin, website="elsewhere.se")


def _the_company_moved(world: World) -> None:
    world.edit("companies", world.company, domain="elsewhere.se")


def _another_leads(world: World) -> None:
    world.sql("UPDATE registrations SET contact_id = :bo, domain = 'another.se'", bo=world.bo)


def _refused(world: World) -> None:
    world.sql(
        "INSERT INTO requests (partner_id, hub_id, action, source, key, who, requested_at, created_at, contact_id, "
        "company_id, state, reason, domain, decided_at) SELECT 1, :hub, 'register', 'api', 'k', 't', now(), now(), "
        ":bo, :company, 'unavailable', 'existing_customer', 'another.se', now()",
        hub=world.rig.hub, bo=world.bo, company=world.company,
    )  # fmt: skip


def _another_tier(world: World) -> None:
    world.sql("UPDATE partners SET tier = 'elite'")


def _the_partners_own(world: World) -> None:
    world.sql("UPDATE portals SET partner_company_id = :id WHERE hub_id = :hub", id=world.company, hub=world.rig.hub)


CHANGES = (
    _edited_by_hand, _a_day_longer, _held, _ended, _confirmed, _given_back, _moved_to_another_website,
    _the_company_moved, _another_leads, _refused, _another_tier, _the_partners_own,
)  # fmt: skip


@pytest.mark.parametrize("changed", CHANGES, ids=lambda of: of.__name__.strip("_"))
def test_after_any_change_a_resync_shows_what_one_shows_that_knows_nothing_again(
    world: World, changed: Callable[[World], None]
) -> None:
    for _ in range(2):
        world.resync()
    records = [("contacts", world.karin), ("contacts", world.bo), ("companies", world.company)]
    before = [world.shown(*one) for one in records]
    changed(world)
    world.resync()
    shown = [world.shown(*one) for one in records]
    assert (shown == before) is (changed is _edited_by_hand)
    world.sql("UPDATE records SET settled = NULL")
    assert world.resync().written == 0
    assert [world.shown(*one) for one in records] == shown


def _its_domain_is_registered(world: World) -> None:
    hold(world.rig, {"elsewhere.se"})


def _it_was_refused(world: World) -> None:
    _request(world, state="unavailable", decided_at="now()")


def _it_asks(world: World) -> None:
    _request(world, state="processing", decided_at="NULL")


def _it_leads_another_domain(world: World) -> None:
    world.sql("UPDATE registrations SET hub_id = :hub, contact_id = :id", hub=world.rig.hub, id=world.stranger)


def _it_takes_the_domain_of_a_company(world: World) -> None:
    at_company = {"email": "dag@fjallvik.se", "website": " "}
    world.rig.sandbox.create(world.rig.hub, "contacts", at_company, company=world.company)


def _its_request_is_set(world: World) -> None:
    world.edit("contacts", world.stranger, partner_registration_request="register")


def _request(world: World, *, state: str, decided_at: str) -> None:
    world.sql(
        "INSERT INTO requests (partner_id, hub_id, action, source, key, who, requested_at, created_at, contact_id, "
        f"state, domain, decided_at) SELECT 1, :hub, 'register', 'api', 'k', 't', now(), now(), :id, '{state}', "
        f"'elsewhere.se', {decided_at}",
        hub=world.rig.hub, id=world.stranger,
    )  # fmt: skip


NO_STRANGER = (
    _its_domain_is_registered, _it_was_refused, _it_asks, _it_leads_another_domain, _it_takes_the_domain_of_a_company,
    _its_request_is_set,
)  # fmt: skip


@pytest.mark.parametrize("known", NO_STRANGER, ids=lambda of: of.__name__.strip("_"))
def test_a_stranger_is_one_no_more_once_anything_names_it(world: World, known: Callable[[World], None]) -> None:
    assert not world.resync().marked
    assert not world.kept("contact", world.stranger)
    known(world)
    after = world.resync()
    # Shown, kept, or marked to be read properly.
    assert after.marked + after.written or world.kept("contact", world.stranger)


def test_by_other_rules_nothing_is_known_again(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(2):
        world.resync()
    monkeypatch.setattr(settled, "_RELEASE", "another release")
    with statements(world.rig) as asked:
        world.resync()
    assert [one for one in asked if "UNION" in one]
    assert len(domain_rules().digest) == 32
