"""A deleted record ends no registration; what nobody stands for any more is shown; a restore brings it back."""

from __future__ import annotations

import pytest

from support.hearing import heard, hearing
from support.rig import Rig
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.sync import operations
from syncworker.sync.doctor.registrations import registrations as findings
from syncworker.sync.lists import lists
from syncworker.sync.marks import Kind, Priority, mark

ADA = "ada@fjordline-tools.se"
DOMAIN = "fjordline-tools.se"


@pytest.fixture
def lead(rig: Rig) -> tuple[str, str]:
    """A registered contact and its company."""
    rig.submit(ADA)
    rig.settle()
    company = rig.sandbox.by_domain(rig.hub, DOMAIN)
    assert company is not None
    return rig.contact_id(ADA), str(company["id"])


def change(rig: Rig, what: str, kind: str, object_id: str, *, marked: bool = True) -> None:
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/{kind}/{object_id}/{what}")
    if marked:
        of = Kind.CONTACT if kind == "contacts" else Kind.COMPANY
        rig.context.database.run(
            lambda tx: mark(tx, rig.hub, of, [object_id], priority=Priority.WEBHOOK, cause="a test")
        )
        rig.settle()


def orphans(rig: Rig) -> list[str]:
    with rig.context.database.transaction() as tx:
        found = lists.registrations(tx, rig.hub, orphaned=True).items
        [orphaned] = [f for f in findings(tx, portals.get(tx, rig.hub)) if f.name == "orphans"]
    assert orphaned.ok is not bool(found)
    assert all(line.orphaned for line in found)
    return [line.domain for line in found]


def shown(rig: Rig, kind: str, object_id: str) -> str | None:
    properties: dict[str, str | None] = rig.sandbox.record(rig.hub, kind, object_id)["properties"]
    return properties.get("partner_registration_status")


def test_a_registration_stays_with_its_company_and_is_an_orphan_without_one(rig: Rig, lead: tuple[str, str]) -> None:
    contact, company = lead
    with hearing(rig):
        change(rig, "delete", "contacts", contact, marked=False)
        heard(rig)
        assert orphans(rig) == []
        assert shown(rig, "companies", company) == "registered"
        # When the company goes, too
        change(rig, "delete", "companies", company, marked=False)
        heard(rig)
        assert orphans(rig) == [DOMAIN]
        [registration] = rig.registrations()
        assert registration.ended_at is None
        # And when one of them comes back
        change(rig, "restore", "contacts", contact, marked=False)
        heard(rig)
        # A restored contact may have come by a form, whose submission is waited for
        rig.pass_time(seconds=3)
        rig.settle()
    assert orphans(rig) == []
    assert shown(rig, "contacts", contact) == "registered"
    with rig.context.database.transaction() as tx:
        [line] = lists.registrations(tx, rig.hub).items
    assert line.contact_name == "Ada Berg"


def test_another_contact_may_stand_for_an_orphan(rig: Rig, lead: tuple[str, str]) -> None:
    contact, company = lead
    change(rig, "delete", "contacts", contact)
    change(rig, "delete", "companies", company)
    employer = rig.sandbox.create(rig.hub, "companies", {"name": "Fjordline", "domain": DOMAIN})
    other = rig.sandbox.create(rig.hub, "contacts", {"email": "cy@fjordline-tools.se"}, company=employer["id"])
    chosen = operations.choose_lead_contact(rig.context, rig.hub, DOMAIN, other["id"], who="t", source=Source.APP)
    rig.settle()
    # The company that is gone stays named until a person looks: the contact stands for it
    assert chosen.contact_id == other["id"]
    assert orphans(rig) == []
    assert shown(rig, "contacts", other["id"]) == "registered"


def test_a_contact_that_was_imported_and_never_seen_is_known_to_be_gone(rig: Rig, lead: tuple[str, str]) -> None:
    contact, company = lead
    with rig.context.database.transaction() as tx:
        tx.connection.exec_driver_sql("DELETE FROM records")
    change(rig, "delete", "contacts", contact)
    change(rig, "delete", "companies", company)
    assert orphans(rig) == [DOMAIN]


def test_open_requests_of_a_deleted_contact_end_and_its_company_stops_showing_them(rig: Rig) -> None:
    rig.submit("eve@granlund-bygg.se", website="", lastname="")
    rig.settle()
    company = rig.sandbox.by_domain(rig.hub, "granlund-bygg.se")
    assert company is not None
    contact = rig.contact_id("eve@granlund-bygg.se")
    assert shown(rig, "companies", company["id"]) == "invalid_data"
    change(rig, "delete", "contacts", contact)
    assert [request.state for request in rig.requests()] == ["ended"]
    assert shown(rig, "companies", company["id"]) in {None, ""}
    # When it is restored, with its data mended
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact}/restore")
    rig.sandbox.edit(rig.hub, "contacts", contact, {"lastname": "Ek"})
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, Kind.CONTACT, [contact], priority=Priority.WEBHOOK, cause="a test")
    )
    rig.settle()
    # I expect what ended to stay ended, and the record not to show what is over
    assert [request.state for request in rig.requests()] == ["ended"]
    assert shown(rig, "contacts", contact) in {None, ""}


def test_a_lead_who_was_deleted_before_they_were_found_is_registered_as_soon_as_they_are_restored(rig: Rig) -> None:
    rig.submit(ADA)
    contact = rig.contact_id(ADA)
    change(rig, "delete", "contacts", contact, marked=False)
    for _ in range(12):  # until the next look is an hour away
        rig.settle()
        rig.pass_time(minutes=10)
    [request] = rig.requests()
    assert (request.state, request.contact_id) == ("processing", None)
    change(rig, "restore", "contacts", contact)
    assert rig.status(ADA) == ("registered", None)
