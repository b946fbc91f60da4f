"""What do contacts and companies show when the records around them change, and when nothing may be written?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from support.rig import LEAD, Rig
from syncworker.registration.ledger import holds
from syncworker.registration.ledger.holds import Hold
from syncworker.registration.rules.terms import HoldKind, Source
from syncworker.store.portals import Mode
from syncworker.sync import operations
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals import takeover
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.reconcile.fan_out import mark_changes
from syncworker.sync.resync import resync
from syncworker.sync.resync.turn import continue_resync
from syncworker.sync.triggers import daily

ADA = "ada@fjordline-tools.se"


def look_at(rig: Rig, *ids: str, kind: Kind = Kind.CONTACT) -> None:
    rig.context.database.run(lambda tx: mark(tx, rig.hub, kind, ids, priority=Priority.WEBHOOK, cause="a test"))
    rig.settle()


def company(rig: Rig, domain: str) -> str:
    return str(rig.sandbox.create(rig.hub, "companies", {"name": domain, "domain": domain})["id"])


def lead_at(rig: Rig, company_id: str, email: str = "ada@mejl-hemma.se", **fields: str) -> str:
    """A lead that has its domain from its company."""
    made = rig.sandbox.create(
        rig.hub, "contacts", {**LEAD, "email": email, "website": "", **fields}, company=company_id
    )
    return str(made["id"])


def ask(rig: Rig, contact_id: str) -> None:
    operations.register(rig.context, rig.hub, contact_id, who="t", source=Source.APP, key=f"{contact_id} asks")
    rig.settle()


def shown(rig: Rig, kind: str, id_: str) -> tuple[str | None, str | None]:
    of = rig.sandbox.record(rig.hub, kind, id_)["properties"]
    return of.get("partner_registration_status") or None, of.get("partner_registration_reason") or None


def move(rig: Rig, contact_id: str, company_id: str) -> None:
    body = {"contact": contact_id, "company": company_id, "primary": True}
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/associate", body)


# --- companies and their people ---


def test_a_contact_who_moves_to_another_company_shows_that_companys_state(rig: Rig) -> None:
    old, new = company(rig, "alfa-verken.se"), company(rig, "bravo-bygg.se")
    contact_id = lead_at(rig, old)
    ask(rig, contact_id)
    assert shown(rig, "contacts", contact_id) == ("registered", None)
    move(rig, contact_id, new)
    look_at(rig, contact_id)
    # I expect the registration to stay with the old company
    assert shown(rig, "contacts", contact_id) == (None, None)
    assert shown(rig, "companies", old) == ("registered", None)
    assert shown(rig, "companies", new) == (None, None)
    [registration] = rig.registrations()
    assert (registration.ended_at, registration.company_id) == (None, old)


def test_a_changed_association_is_seen_at_the_old_and_at_the_new_company(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=0)
    old, new = company(rig, "alfa-verken.se"), company(rig, "bravo-bygg.se")
    contact_id = lead_at(rig, old)
    ask(rig, contact_id)
    assert shown(rig, "companies", old) == ("pending", "capacity_reached")
    # When the contact moves, and nothing but the contact is looked at
    move(rig, contact_id, new)
    look_at(rig, contact_id)
    assert shown(rig, "companies", new) == ("pending", "capacity_reached")
    assert shown(rig, "companies", old) == (None, None)


def test_a_changed_association_that_nothing_told_of_is_found_by_a_resync_and_by_the_daily_look(rig: Rig) -> None:
    first, second, third = (company(rig, f"{name}-verken.se") for name in ("alfa", "bravo", "charlie"))
    contact_id = lead_at(rig, first)
    ask(rig, contact_id)
    move(rig, contact_id, second)
    resync.start(rig.context, rig.hub, who="t")
    while continue_resync(rig.context, rig.hub):
        pass
    rig.settle()
    assert shown(rig, "contacts", contact_id) == (None, None)
    # When it moves back, unheard again
    move(rig, contact_id, first)
    rig.pass_time(hours=21)
    daily.look(rig.context)
    rig.settle()
    assert shown(rig, "contacts", contact_id) == ("registered", None)
    assert shown(rig, "companies", third) == (None, None)


def test_a_company_that_changes_its_domain_changes_that_of_its_people(rig: Rig) -> None:
    at = company(rig, "alfa-verken.se")
    contact_id = lead_at(rig, at)
    ask(rig, contact_id)
    rig.sandbox.edit(rig.hub, "companies", at, {"domain": "bravo-bygg.se"})
    look_at(rig, at, kind=Kind.COMPANY)
    # The registration stays with what was registered
    assert shown(rig, "contacts", contact_id) == ("registered", "website_changed")
    assert [(r.domain, r.ended_at) for r in rig.registrations()] == [("alfa-verken.se", None)]


def test_people_of_a_company_that_gets_a_registered_domain_show_it(rig: Rig) -> None:
    ask(rig, lead_at(rig, company(rig, "alfa-verken.se")))
    other = company(rig, "bravo-bygg.se")
    colleague = lead_at(rig, other, email="cy@mejl-hemma.se")
    rig.sandbox.edit(rig.hub, "companies", other, {"domain": "alfa-verken.se"})
    look_at(rig, other, kind=Kind.COMPANY)
    assert shown(rig, "companies", other) == ("registered", None)
    assert shown(rig, "contacts", colleague) == ("registered", None)


def test_a_company_of_several_domains_shows_the_best_of_its_states_and_names_the_others(rig: Rig) -> None:
    hold(rig, "held-domain.se")
    at = company(rig, "alfa-verken.se")
    for email, website in (("a@mejl-hemma.se", "held-domain.se"), ("b@mejl-hemma.se", "bravo-bygg.se")):
        ask(rig, lead_at(rig, at, email=email, website=website))
        shown_now = shown(rig, "companies", at)
        assert shown_now == (
            ("unavailable", "existing_customer") if website == "held-domain.se" else ("registered", None)
        )
    detail = rig.sandbox.record(rig.hub, "companies", at)["properties"]["partner_registration_detail"]
    assert "held-domain.se unavailable" in detail


def test_a_company_shows_our_tier_only_while_we_hold_its_registration(rig: Rig) -> None:
    at = company(rig, "alfa-verken.se")
    ask(rig, lead_at(rig, at))
    assert rig.company("alfa-verken.se")["partner_tier"] == "untiered"
    operations.deregister(rig.context, rig.hub, "alfa-verken.se", who="t", source=Source.APP)
    rig.settle()
    assert not rig.company("alfa-verken.se").get("partner_tier")


def hold(rig: Rig, domain: str, kind: HoldKind = HoldKind.EXISTING_CUSTOMER) -> None:
    rig.context.database.run(
        lambda tx: mark_changes(
            tx, holds.add(tx, [Hold(domain=domain, kind=kind)], who="t"), cause="hold", priority=Priority.POLL
        )
    )
    rig.settle()


def test_a_hold_that_comes_later_is_shown_to_a_person_on_contact_and_company(rig: Rig) -> None:
    at = company(rig, "alfa-verken.se")
    contact_id = lead_at(rig, at)
    ask(rig, contact_id)
    hold(rig, "alfa-verken.se", HoldKind.PURSUED_BY_VENDOR)
    assert shown(rig, "contacts", contact_id) == ("registered", "hold_came_later")
    assert shown(rig, "companies", at) == ("registered", "hold_came_later")
    assert [r.ended_at for r in rig.registrations()] == [None]


def test_an_own_domain_of_the_settings_is_nobodys_to_register(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(own_domains="fjordline-tools.se,other-own.se")
    rig.submit(ADA)
    rig.settle()
    assert rig.status(ADA) == ("unavailable", "own_or_affiliated")


def test_a_portal_shows_nothing_of_another_partners_registration_but_that_it_is_taken(rig: Rig) -> None:
    rig.submit(ADA)
    rig.settle()
    made = rig.sandbox.create(rig.other_hub, "contacts", {**LEAD, "email": "bo@mejl-hemma.se"})
    operations.register(rig.context, rig.other_hub, made["id"], who="t", source=Source.APP, key="1")
    rig.settle()
    of = rig.sandbox.record(rig.other_hub, "contacts", made["id"])["properties"]
    ours = {name: value for name, value in of.items() if name.startswith("partner_") and value}
    assert set(ours) == {
        "partner_registration_status", "partner_registration_reason", "partner_registration_detail",
    }  # fmt: skip
    assert rig.portals[0]["name"] not in ours["partner_registration_detail"]
    assert rig.portals[0]["partner"] not in ours["partner_registration_detail"]


# --- observed only ---


def test_in_mode_observe_it_is_said_on_the_request_what_would_be(rig: Rig) -> None:
    set_mode(rig.context, rig.hub, Mode.OBSERVE, who="t")
    rig.submit(ADA)
    rig.submit("bo@granlund-bygg.se", website="granlund-bygg.se", lastname="")
    rig.settle()
    good, bad = sorted(rig.requests(), key=lambda r: r.requested_at)
    assert (good.state, good.domain) == ("processing", "fjordline-tools.se")
    assert good.detail.startswith("would be registered")
    assert bad.detail.startswith("would be invalid_data; Missing: last name")
    assert rig.writes() == {}


def test_in_mode_observe_no_company_is_written_to_either(make_rig: Callable[..., Rig], tmp_path: Path) -> None:
    rig = make_rig()
    at = company(rig, "alfa-verken.se")
    contact_id = lead_at(rig, at)
    set_mode(rig.context, rig.hub, Mode.OBSERVE, who="t")
    # Given what is registered already was taken over, as on day one
    file = tmp_path / "old.csv"
    file.write_text(f"domain,registered_on\nalfa-verken.se,{rig.clock.time.date() - timedelta(days=30)}\n")
    takeover.import_registrations(rig.context, rig.hub, file, who="t", dry_run=False)
    rig.settle()
    look_at(rig, at, kind=Kind.COMPANY)
    look_at(rig, contact_id)
    assert rig.writes() == {}
    # When a person switches it to write, both show it
    set_mode(rig.context, rig.hub, Mode.WRITE, who="t")
    rig.settle()
    assert shown(rig, "companies", at) == ("registered", None)
    assert shown(rig, "contacts", contact_id) == ("registered", None)


def test_a_registration_of_a_partners_observed_portal_takes_no_waiting_slot(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=0)
    rig.submit(ADA)
    rig.settle()
    assert rig.status(ADA)[0] == "pending"
    set_mode(rig.context, rig.hub, Mode.OBSERVE, who="t")
    rig.context.database.run(lambda tx: tx.connection.execute(text("UPDATE partners SET capacity = 5")))
    look_at(rig, rig.contact_id(ADA))
    assert rig.registrations() == []
    # and gets it when it is written to again
    set_mode(rig.context, rig.hub, Mode.WRITE, who="t")
    rig.settle()
    assert rig.status(ADA) == ("registered", None)
