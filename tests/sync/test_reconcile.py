"""What a batch of marks comes to: in the ledger, in the CRM, and in calls to HubSpot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from support.rig import LEAD, Rig
from syncworker.registration.ledger import history
from syncworker.registration.rules.terms import Source
from syncworker.sync import marks, operations, turns, waiting
from syncworker.sync.claims import Lane
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile import reconcile
from syncworker.sync.reconcile.reconcile import reconcile_kind


def lead(number: int) -> dict[str, str]:
    return {
        "firstname": "Ada",
        "lastname": f"Berg {number}",
        "email": f"ada@lead-{number}-works.se",
        "company": f"Lead {number}",
        "website": f"lead-{number}-works.se",
        "country": "Sweden",
    }


def mark_contacts(rig: Rig, ids: list[str], *, priority: Priority = Priority.WEBHOOK) -> None:
    rig.context.database.run(lambda tx: mark(tx, rig.hub, Kind.CONTACT, ids, priority=priority, cause="a test"))


def test_reconciling_twice_changes_nothing_and_writes_nothing(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    before = rig.registrations(), rig.requests(), rig.contact("ada@fjordline-tools.se")
    rig.sandbox.reset_stats()
    # When the contact and its company are looked at again
    mark_contacts(rig, [rig.contact_id("ada@fjordline-tools.se")])
    rig.settle()
    # I expect nothing to be written, and everything to be as it was
    assert rig.writes() == {}
    assert (rig.registrations(), rig.requests(), rig.contact("ada@fjordline-tools.se")) == before


def test_a_record_nobody_asked_about_is_never_written_to(rig: Rig) -> None:
    # Given a complete contact that nobody asked about
    made = rig.sandbox.create(rig.hub, "contacts", lead(1))
    before = rig.sandbox.record(rig.hub, "contacts", made["id"])["properties"]
    # When it is marked and looked at
    mark_contacts(rig, [made["id"]])
    rig.settle()
    # I expect no write, and no trace of it
    assert rig.writes() == {}
    assert rig.sandbox.record(rig.hub, "contacts", made["id"])["properties"] == before
    assert rig.marks() == []


def test_a_batch_of_a_hundred_costs_one_call_of_each_kind(rig: Rig) -> None:
    # Given a hundred leads of a hundred companies, all asked to be registered
    ids = []
    for number in range(50):
        company = rig.sandbox.create(
            rig.hub, "companies", {"name": f"Lead {number}", "domain": f"lead-{number}-works.se"}
        )
        made = rig.sandbox.create(rig.hub, "contacts", lead(number), company=company["id"])
        ids.append(made["id"])
    for contact_id in ids:
        operations.register(rig.context, rig.hub, contact_id, who="tester", source=Source.API, key=contact_id)
    rig.sandbox.reset_stats()
    # When the batch is worked off

    assert reconcile_kind(rig.context, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    # I expect one contact read, one association read, one company read and one write of each kind
    calls = {key.removesuffix(" 200"): n for key, n in rig.sandbox.stats()["calls"].items() if "_sandbox" not in key}
    assert calls == {
        "POST /crm/objects/contacts/batch/read": 1,
        "POST /crm/associations/contacts/companies/batch/read": 1,
        "POST /crm/objects/companies/batch/read": 1,
        "POST /crm/objects/contacts/batch/update": 1,
        "POST /crm/objects/companies/batch/update": 1,
    }


def test_a_missing_field_is_named_and_mending_it_registers(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se", lastname="", website="")
    rig.settle()
    contact = rig.contact("ada@fjordline-tools.se")
    assert contact["partner_registration_status"] == "invalid_data"
    assert "last name" in str(contact["partner_registration_detail"])
    # When somebody mends the record
    rig.sandbox.edit(
        rig.hub,
        "contacts",
        rig.contact_id("ada@fjordline-tools.se"),
        {"lastname": "Berg", "website": "fjordline-tools.se"},
    )
    mark_contacts(rig, [rig.contact_id("ada@fjordline-tools.se")])
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)


def test_a_changed_website_never_changes_the_registered_domain(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    contact_id = rig.contact_id("ada@fjordline-tools.se")
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {"website": "other-site-of-theirs.se"})
    mark_contacts(rig, [contact_id])
    rig.settle()
    contact = rig.contact("ada@fjordline-tools.se")
    assert contact["partner_registered_domain"] == "fjordline-tools.se"
    assert rig.status("ada@fjordline-tools.se") == ("registered", "website_changed")
    assert "other-site-of-theirs.se" in str(contact["partner_registration_detail"])


def test_the_same_submission_seen_three_times_counts_once(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    rig.hurry()
    rig.settle()
    rig.hurry()
    rig.settle()
    assert len(rig.requests()) == 1


def test_a_second_contact_of_a_registered_domain_joins_and_uses_no_capacity(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=1)
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    rig.submit("bo@fjordline-tools.se", firstname="Bo")
    rig.settle()
    assert rig.status("bo@fjordline-tools.se") == ("registered", None)
    assert len(rig.registrations()) == 1


def test_beyond_capacity_a_lead_waits_and_gets_the_slot_that_is_freed(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=1)
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    rig.submit("bo@granlund-bygg.se", website="granlund-bygg.se", company="Granlund")
    rig.settle()
    assert rig.status("bo@granlund-bygg.se") == ("pending", "capacity_reached")
    # When the first is deregistered
    operations.deregister(rig.context, rig.hub, "fjordline-tools.se", who="tester", source=Source.APP)
    rig.settle()
    # I expect its slot to be kept while it can be undone
    assert rig.status("ada@fjordline-tools.se")[0] == "deregistered"
    assert rig.status("bo@granlund-bygg.se") == ("pending", "capacity_reached")
    rig.pass_time(minutes=10, seconds=1)
    rig.settle()
    # and then to be given to who waits
    assert rig.status("bo@granlund-bygg.se") == ("registered", None)
    assert rig.company("granlund-bygg.se")["partner_registration_status"] == "registered"
    assert rig.status("ada@fjordline-tools.se")[0] == "deregistered"


def test_a_deregistration_can_be_undone_and_shows_so(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    operations.deregister(rig.context, rig.hub, "fjordline-tools.se", who="tester", source=Source.APP)
    rig.settle()
    assert rig.company("fjordline-tools.se")["partner_registration_status"] == "deregistered"
    operations.undo(rig.context, rig.hub, "fjordline-tools.se", who="tester", source=Source.APP)
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    assert rig.company("fjordline-tools.se")["partner_registration_status"] == "registered"


def test_past_its_last_valid_day_a_registration_expires_and_a_new_request_registers_again(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    rig.pass_time(days=366, hours=30)
    rig.settle()
    assert rig.status("ada@fjordline-tools.se")[0] == "expired"
    assert rig.company("fjordline-tools.se")["partner_registration_status"] == "expired"
    operations.register(
        rig.context,
        rig.hub,
        rig.contact_id("ada@fjordline-tools.se"),
        who="t",
        source=Source.APP,
        key="again",
    )
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    assert [r.end_reason for r in rig.registrations()] == ["expired", None]


def test_a_registration_renews_itself_if_it_is_told_to(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    operations.set_renewal(rig.context, rig.hub, "fjordline-tools.se", renew=True, who="tester")
    [before] = rig.registrations()
    rig.pass_time(days=366, hours=30)
    rig.settle()
    [after] = rig.registrations()
    assert after.ended_at is None
    assert after.expires_on > before.expires_on
    assert rig.contact("ada@fjordline-tools.se")["partner_registration_expires_on"] == after.expires_on.isoformat()


def test_a_request_set_in_the_crm_registers_and_is_cleared(rig: Rig) -> None:
    made = rig.sandbox.create(rig.hub, "contacts", lead(1))
    rig.sandbox.edit(rig.hub, "contacts", made["id"], {"partner_registration_request": "register"})
    mark_contacts(rig, [made["id"]])
    rig.settle()
    contact = rig.contact("ada@lead-1-works.se")
    assert contact["partner_registration_status"] == "registered"
    assert contact["partner_registration_source"] == "crm"
    assert not contact.get("partner_registration_request")
    # and the same history read again is the same request
    mark_contacts(rig, [made["id"]])
    rig.settle()
    assert len(rig.requests()) == 1


def test_a_deregistration_set_in_the_crm_waits_for_a_manager(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    contact_id = rig.contact_id("ada@fjordline-tools.se")
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {"partner_registration_request": "deregister"})
    mark_contacts(rig, [contact_id])
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", "awaiting_confirmation")
    [asked] = [r for r in rig.requests() if r.state == "confirming"]
    waiting.confirm_deregistration(rig.context, rig.hub, asked.id, who="manager")
    rig.settle()
    assert rig.status("ada@fjordline-tools.se")[0] == "deregistered"


def test_two_partners_want_a_domain_and_the_second_is_told_it_is_taken(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    made = rig.sandbox.create(rig.other_hub, "contacts", {**LEAD, "email": "bo@fjordline-tools.se"})
    operations.register(rig.context, rig.other_hub, made["id"], who="t", source=Source.APP, key="1")
    rig.settle()
    other = rig.sandbox.record(rig.other_hub, "contacts", made["id"])["properties"]
    assert other["partner_registration_status"] == "unavailable"
    assert other["partner_registration_reason"] == "registered_by_another"


def test_a_hand_edit_is_overwritten_and_recorded(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    contact_id = rig.contact_id("ada@fjordline-tools.se")
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {"partner_registration_status": "expired"})
    mark_contacts(rig, [contact_id])
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    assert hand_edits(rig) == ["overwritten: partner_registration_status"]


def test_values_that_the_crm_does_not_keep_park_the_record(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    contact_id = rig.contact_id("ada@fjordline-tools.se")
    # When a workflow sets the status back each time
    for _ in range(3):
        rig.sandbox.edit(rig.hub, "contacts", contact_id, {"partner_registration_status": ""}, by="AUTOMATION_PLATFORM")
        mark_contacts(rig, [contact_id])
        rig.settle()
    [parked] = rig.marks()
    assert parked.object_id == contact_id
    assert parked.parked_at is not None
    assert "does not keep our values" in parked.last_error
    # Only what was set back is told as such
    assert len(hand_edits(rig)) == 2
    # When the workflow is stopped, and a person asks to try again
    rig.context.database.run(lambda tx: marks.retry(tx, rig.hub))
    rig.settle()
    # I expect it to be written at once
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    assert rig.marks() == []
    assert len(hand_edits(rig)) == 3


def hand_edits(rig: Rig) -> list[str]:
    with rig.context.database.transaction() as tx:
        return [e.why for e in history.of_domain(tx, "fjordline-tools.se") if e.event == "hand_edit"]


def test_one_bad_record_never_harms_its_neighbours(rig: Rig) -> None:
    # Given two leads, one of which the CRM has archived between the read and now
    absurd = "x" * 60_000
    rig.submit("ada@fjordline-tools.se")
    rig.submit("eve@granlund-bygg.se", website=f"javascript:{absurd}", company="\u202egnuL")
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    assert rig.status("eve@granlund-bygg.se")[0] == "invalid_data"


@pytest.mark.parametrize(("error", "said"), [(KeyError(), "KeyError"), (ValueError("no\nmore"), "ValueError: no")])
def test_an_error_is_kept_with_its_record_whatever_it_says_of_itself(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, error: Exception, said: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    mark_contacts(rig, ["1"])
    monkeypatch.setattr(reconcile, "work_off", fail)
    turns.interactive_turn(rig.context, rig.hub)
    assert [one.last_error for one in rig.marks()] == [said]


def test_everybody_at_a_registered_company_shows_it(rig: Rig) -> None:
    # Given colleagues: one by the company, one by the website
    company = rig.sandbox.create(rig.hub, "companies", {"name": "Fjordline", "domain": "fjordline-tools.se"})
    at_company = rig.sandbox.create(rig.hub, "contacts", {"email": "cy@elsewhere-mail.se"}, company=company["id"])
    by_website = rig.sandbox.create(
        rig.hub, "contacts", {"email": "di@elsewhere-mail.se", "website": "https://www.fjordline-tools.se/"}
    )
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    for made in (at_company, by_website):
        properties = rig.sandbox.record(rig.hub, "contacts", made["id"])["properties"]
        assert properties["partner_registration_status"] == "registered"


def test_a_domain_mark_says_whether_a_company_is_new_or_moved(rig: Rig) -> None:
    # Given a registered domain, and a company of it that nothing was known of
    rig.submit("ada@fjordline-tools.se")
    rig.submit("bo@granlund-bygg.se", website="granlund-bygg.se", company="Granlund")
    rig.settle()
    made = rig.sandbox.create(rig.hub, "companies", {"name": "Fjordline Nord", "domain": "fjordline-tools.se"})

    def causes() -> dict[str, str]:
        """Of the domains that are marked by reading the company."""
        rig.context.database.run(
            lambda tx: mark(tx, rig.hub, Kind.COMPANY, [made["id"]], priority=Priority.WEBHOOK, cause="webhook")
        )
        reconcile_kind(rig.context, rig.hub, Kind.COMPANY, Lane.INTERACTIVE)
        found = {row.object_id: row.cause for row in rig.marks() if row.kind == Kind.DOMAIN}
        rig.settle()
        return found

    # I expect its colleagues to be looked for, and nobody to be told that its domain changed
    assert causes() == {"fjordline-tools.se": "company first seen"}
    assert causes() == {}
    rig.sandbox.edit(rig.hub, "companies", made["id"], {"domain": "granlund-bygg.se"})
    assert causes() == {"granlund-bygg.se": "company's domain changed"}


def test_a_deleted_contact_ends_its_open_requests_and_no_registration(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=1)
    rig.submit("ada@fjordline-tools.se")
    rig.submit("bo@granlund-bygg.se", website="granlund-bygg.se", company="Granlund")
    rig.settle()
    for email in ("ada@fjordline-tools.se", "bo@granlund-bygg.se"):
        contact_id = rig.contact_id(email)
        rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact_id}/delete")
        mark_contacts(rig, [contact_id])
    rig.settle()
    assert sorted(r.state for r in rig.requests()) == ["ended", "registered"]
    [registration] = rig.registrations()
    assert registration.ended_at is None


def test_a_merged_contact_lives_on_under_its_new_id(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    old = rig.contact_id("ada@fjordline-tools.se")
    twin = rig.sandbox.create(rig.hub, "contacts", {"email": "ada.berg@fjordline-tools.se"})
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/merge", {"primary": old, "secondary": twin["id"]})
    mark_contacts(rig, [old, twin["id"]])
    rig.settle()
    [registration] = rig.registrations()
    assert registration.contact_id not in {old, twin["id"]}
    assert registration.ended_at is None


@pytest.mark.parametrize("mode", ["observe", "paused"])
def test_nothing_is_registered_or_written_unless_the_portal_is_in_mode_write(rig: Rig, mode: str) -> None:
    from syncworker.store.portals import Mode
    from syncworker.sync.portals.connect import set_mode

    set_mode(rig.context, rig.hub, Mode(mode), who="t")
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    assert rig.writes() == {}
    assert rig.registrations() == []
    # When a person switches it
    set_mode(rig.context, rig.hub, Mode.WRITE, who="t")
    rig.hurry()
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)


def test_dates_are_of_the_portals_time_zone(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    [registration] = rig.registrations()
    zone = ZoneInfo(rig.portals[0]["time_zone"])
    assert registration.registered_on == rig.clock.time.astimezone(zone).date()
    day_after = datetime.combine(registration.expires_on + timedelta(days=1), time(), zone)
    assert registration.expires_at == day_after
