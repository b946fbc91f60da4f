"""What was a merged record's is the survivor's, whichever of the two is looked at, and however it is heard of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import text

from support.hearing import heard, hearing
from support.rig import Rig
from support.second_worker import Meanwhile, second_worker
from syncworker.registration.rules.terms import Source
from syncworker.sync import operations
from syncworker.sync.claims import Lane
from syncworker.sync.lists import lists
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile.reconcile import reconcile_kind
from syncworker.sync.triggers.polling import poll_records
from syncworker.sync.triggers.submissions import poll_forms

ADA, BO = "ada@fjordline-tools.se", "bo@granlund-bygg.se"
BO_FIELDS = {"firstname": "Bo", "website": "granlund-bygg.se", "company": "Granlund Bygg"}


def two_leads(rig: Rig) -> tuple[str, str]:
    """Two contacts of two companies, each of which asked for its domain."""
    rig.submit(ADA)
    rig.submit(BO, **BO_FIELDS)
    rig.settle()
    return rig.contact_id(ADA), rig.contact_id(BO)


def merge(rig: Rig, primary: str, secondary: str, kind: str = "contacts") -> str:
    body = {"primary": primary, "secondary": secondary}
    made = rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/{kind}/merge", body)
    return str(made["id"])


def look_at(rig: Rig, kind: Kind, *ids: str) -> None:
    rig.context.database.run(lambda tx: mark(tx, rig.hub, kind, ids, priority=Priority.WEBHOOK, cause="a test"))
    rig.settle()


def told(rig: Rig, domain: str) -> list[tuple[str, str]]:
    with rig.context.database.transaction() as tx:
        return [(entry.event.value, entry.why) for entry in lists.domain_history(tx, rig.hub, domain)]


def waiting_for_a_person(rig: Rig) -> list[tuple[str, str | None]]:
    with rig.context.database.transaction() as tx:
        found = lists.registrations(tx, rig.hub, needs_person=True).items
        assert lists.needing_people(tx, rig.hub).needs_person == len(found)
    return [(line.domain, line.needs_person) for line in found]


def shown(rig: Rig, kind: str, object_id: str, name: str = "status") -> str | None:
    properties: dict[str, str | None] = rig.sandbox.record(rig.hub, kind, object_id)["properties"]
    return properties.get(f"partner_registration_{name}")


def test_of_two_lead_contacts_that_became_one_a_person_settles_the_second(rig: Rig) -> None:
    ada, bo = two_leads(rig)
    # When the CRM merges them, and tells of it twice and out of order
    rig.sandbox.faults(seed=5, webhooks={"duplicated": 1.0, "reordered": True}, search_lag_s=0)
    with hearing(rig):
        survivor = merge(rig, bo, ada)
        heard(rig)
    # I expect both domains to stay registered, by the one contact there is
    assert [(r.domain, r.contact_id, r.ended_at) for r in rig.registrations()] == [
        ("fjordline-tools.se", survivor, None),
        ("granlund-bygg.se", survivor, None),
    ]
    assert {request.contact_id for request in rig.requests()} == {survivor}
    assert shown(rig, "contacts", survivor) == "registered"
    assert shown(rig, "contacts", survivor, "reason") in {None, ""}
    # And the domain that its website does not name to wait for a person, with the reason in words
    [(domain, why)] = waiting_for_a_person(rig)
    assert domain == "fjordline-tools.se"
    assert f"contact {ada} is {survivor} now, who stands for granlund-bygg.se" in str(why)
    assert ("merged", f"contact {ada} is {survivor} now") in told(rig, domain)
    # When that person names somebody else at the company
    other = rig.sandbox.create(rig.hub, "contacts", {"email": "cy@fjordline-tools.se", "website": domain})
    chosen = operations.choose_lead_contact(rig.context, rig.hub, domain, other["id"], who="cli:mo", source=Source.APP)
    rig.settle()
    assert (chosen.contact_id, chosen.needs_person) == (other["id"], None)
    assert waiting_for_a_person(rig) == []
    assert shown(rig, "contacts", other["id"]) == "registered"
    assert told(rig, domain)[-1] == ("lead_contact_chosen", f"was contact {survivor}")
    assert rig.marks() == []


@pytest.mark.parametrize("follows", [True, False], ids=["batch follows", "batch does not"])
def test_a_merge_that_no_webhook_told_is_seen_by_the_poll(rig: Rig, follows: bool) -> None:
    ada, bo = two_leads(rig)
    rig.sandbox.settings(rig.hub, batch_follows_merges=follows)
    survivor = merge(rig, ada, bo)
    rig.hurry()
    poll_records(rig.context, rig.hub)
    rig.settle()
    assert {r.contact_id for r in rig.registrations()} == {survivor}
    # And one that even the poll misses, when the old record is looked at: it is not taken for gone
    dan = rig.sandbox.create(rig.hub, "contacts", {"email": "dan@elsewhere-mail.se"})
    last = merge(rig, dan["id"], survivor)
    look_at(rig, Kind.CONTACT, survivor)
    assert {r.contact_id for r in rig.registrations()} == {last}
    assert [(domain, f"contact {bo} is {survivor}" in str(why)) for domain, why in waiting_for_a_person(rig)] == [
        ("granlund-bygg.se", True)
    ]
    # A person who looks and finds it right says so
    operations.leave_lead_contact(rig.context, rig.hub, "granlund-bygg.se", who="cli:mo", source=Source.APP)
    assert waiting_for_a_person(rig) == []


def test_a_merge_of_merged_contacts_keeps_every_domain(rig: Rig) -> None:
    ada, bo = two_leads(rig)
    rig.submit("cy@havsbris-el.se", website="havsbris-el.se", company="Havsbris")
    rig.settle()
    first = merge(rig, ada, bo)
    last = merge(rig, rig.contact_id("cy@havsbris-el.se"), first)
    # When only the very oldest record is looked at
    look_at(rig, Kind.CONTACT, bo)
    assert {(r.contact_id, r.ended_at) for r in rig.registrations()} == {(last, None)}
    assert [domain for domain, _ in waiting_for_a_person(rig)] == ["fjordline-tools.se", "granlund-bygg.se"]


@pytest.mark.long
def test_requests_that_wait_for_both_contacts_are_decided_for_the_one_there_is(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=1)
    rig.submit("first@havsbris-el.se", website="havsbris-el.se", company="Havsbris")
    rig.settle()
    ada, bo = two_leads(rig)
    assert {request.state.value for request in rig.requests()[1:]} == {"waiting"}
    # Given that one of the two failed so often that it waits for a person
    parked = "INSERT INTO marks (hub_id, kind, object_id, priority, cause, marked_at, not_before, parked_at)"
    with rig.context.database.transaction() as tx:
        tx.connection.execute(
            text(f"{parked} VALUES (:hub, 'contact', :id, 1, 'test', now(), now(), now())"), {"hub": rig.hub, "id": bo}
        )
    survivor = merge(rig, ada, bo)
    look_at(rig, Kind.CONTACT, ada)
    assert rig.marks() == []
    waiting = [request for request in rig.requests() if request.state == "waiting"]
    assert [(request.contact_id, request.domain) for request in waiting] == [(survivor, "fjordline-tools.se")] * 2
    # When the slot comes free it is one registration
    operations.deregister(rig.context, rig.hub, "havsbris-el.se", who="t", source=Source.APP)
    rig.pass_time(minutes=11)
    rig.settle()
    assert [r.domain for r in rig.registrations() if r.ended_at is None] == ["fjordline-tools.se"]
    assert shown(rig, "contacts", survivor) == "registered"


def test_a_contact_that_is_merged_while_a_worker_is_at_it_loses_nothing(rig: Rig) -> None:
    rig.submit(ADA)
    rig.submit(BO, **BO_FIELDS)
    poll_forms(rig.context, rig.hub)
    # When the two are merged after a worker has read them
    survivors: list[str] = []
    ada, bo = rig.contact_id(ADA), rig.contact_id(BO)
    meanwhile = Meanwhile("contacts/batch/read", lambda: survivors.append(merge(rig, ada, bo)))
    with second_worker(rig, meanwhile) as worker:
        reconcile_kind(worker, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    # I expect what it decided to stand, for the contact that there is now, and nothing to be left over
    rig.pass_time(minutes=1)
    rig.settle()
    assert {(r.domain, r.contact_id) for r in rig.registrations()} == {
        ("fjordline-tools.se", survivors[0]),
        ("granlund-bygg.se", survivors[0]),
    }
    assert shown(rig, "contacts", survivors[0]) == "registered"
    assert rig.marks() == []


def test_a_merged_company_shows_the_best_state_and_its_other_domain(rig: Rig) -> None:
    two_leads(rig)
    fjord, granlund = (rig.sandbox.by_domain(rig.hub, domain) for domain in ("fjordline-tools.se", "granlund-bygg.se"))
    assert fjord is not None
    assert granlund is not None
    with hearing(rig):
        survivor = merge(rig, fjord["id"], granlund["id"], "companies")
        heard(rig)
    assert [(r.domain, r.company_id, r.ended_at) for r in rig.registrations()] == [
        ("fjordline-tools.se", survivor, None),
        ("granlund-bygg.se", survivor, None),
    ]
    assert shown(rig, "companies", survivor) == "registered"
    shows = shown(rig, "companies", survivor, "detail")
    assert "Other domains: " in str(shows)
    assert waiting_for_a_person(rig) == []
    assert {shown(rig, "contacts", rig.contact_id(email)) for email in (ADA, BO)} == {"registered"}


def test_what_was_set_in_the_crm_before_a_merge_counts_once(rig: Rig) -> None:
    fields = {"email": ADA, "firstname": "Ada", "lastname": "Berg", "company": "Fjord", "website": "fjord-x.se"}
    made = rig.sandbox.create(rig.hub, "contacts", fields)
    twin = rig.sandbox.create(rig.hub, "contacts", {"email": "ada.berg@elsewhere-mail.se"})
    rig.sandbox.edit(rig.hub, "contacts", made["id"], {"partner_registration_request": "register"})
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, Kind.CONTACT, [made["id"]], priority=Priority.WEBHOOK, cause="a test")
    )
    # When it is merged after it was read with who set it, and before that could be cleared
    survivors: list[str] = []
    meanwhile = Meanwhile("contacts/batch/read", lambda: survivors.append(merge(rig, made["id"], twin["id"])), nth=2)
    with second_worker(rig, meanwhile) as worker:
        reconcile_kind(worker, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    assert shown(rig, "contacts", survivors[0], "request") == "register"
    rig.pass_time(seconds=10)
    look_at(rig, Kind.CONTACT, made["id"], survivors[0])
    assert shown(rig, "contacts", survivors[0], "request") in {None, ""}
    assert [(request.contact_id, request.state) for request in rig.requests()] == [(survivors[0], "registered")]
