"""What sets the worker going: webhooks, polls, forms, and a person's word."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from support.delivered import delivered
from support.rig import LEAD, Rig
from support.sandbox_server import SandboxServer
from syncworker.hubspot.events import Event
from syncworker.registration.rules.terms import Source
from syncworker.store.portals import Mode
from syncworker.store.tables import cursors, inbox
from syncworker.sync import operations
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.form_switch import disable_form, enable_form
from syncworker.sync.resync import resync
from syncworker.sync.triggers import inbox as incoming
from syncworker.sync.triggers import submissions
from syncworker.sync.triggers.cursors import FORM_POLLS_A_DAY, SPENT_AHEAD, hurry_forms, rest, take
from syncworker.sync.wake import Bell

MANY = 6_000 * int(os.environ.get("THOROUGH", "1"))


def event(rig: Rig, *ids: str, kind: Any = "contact", name: Any = "propertyChange", hub: int | None = None) -> Event:
    return Event(hub_id=hub or rig.hub, kind=kind, event=name, object_ids=ids)


def arrive(rig: Rig, *events: Event) -> None:
    delivered(rig.context.database, [incoming.row(events)])


def registered(rig: Rig, email: str = "ada@fjordline-tools.se") -> str:
    rig.submit(email)
    rig.settle()
    assert rig.status(email) == ("registered", None)
    return rig.contact_id(email)


def quiet(rig: Rig) -> None:
    """Let polls see all that is there, then count from zero."""
    rig.hurry()
    rig.settle()
    rig.sandbox.reset_stats()


# --- webhooks ---


def test_a_thousand_webhooks_for_a_contact_are_one_read(rig: Rig) -> None:
    contact_id = registered(rig)
    rig.sandbox.reset_stats()
    for _ in range(20):
        arrive(rig, *[event(rig, contact_id) for _ in range(50)])
    rig.settle()
    assert rig.sandbox.calls("POST /crm/objects/contacts/batch/read") == {
        "POST /crm/objects/contacts/batch/read 200": 1
    }
    assert rig.writes() == {}


def test_rows_become_marks_and_go_in_one_transaction(rig: Rig) -> None:
    arrive(rig, event(rig, "7"), event(rig, "8", kind="company"))
    assert incoming.expand(rig.context) is False
    with rig.context.database.transaction() as tx:
        assert tx.connection.execute(select(inbox)).all() == []
    assert {(m.kind, m.object_id) for m in rig.marks()} == {("contact", "7"), ("company", "8")}


def test_an_event_of_a_portal_that_was_removed_is_dropped(rig: Rig) -> None:
    arrive(rig, event(rig, "7", hub=999), event(rig, "8"))
    incoming.expand(rig.context)
    assert [m.object_id for m in rig.marks()] == ["8"]


def test_a_new_contact_hurries_the_forms_and_again_after_5_and_15_seconds(rig: Rig) -> None:
    quiet(rig)
    arrive(rig, event(rig, "7", name="creation"))
    incoming.expand(rig.context)
    assert [r.bell for r in rig.waker.rings if r.bell is Bell.SERVE_INTERACTIVE]
    rig.pass_time(seconds=1)
    due_in = []
    for _ in range(3):
        submissions.poll_forms(rig.context, rig.hub)
        with rig.context.database.transaction() as tx:
            form = tx.connection.execute(select(cursors).where(cursors.c.trigger.like("form:%"))).one()
        due_in.append(round((form.due_at - form.hurried_at).total_seconds()))
        rig.clock.time = form.due_at
    assert due_in == [5, 15, 75]


def test_form_polls_stay_within_their_share_of_the_daily_quota(rig: Rig) -> None:
    # Given hints that never stop for an hour
    quiet(rig)
    began = rig.clock.time
    polls = 0
    while rig.clock.time < began + timedelta(hours=1):
        with rig.context.database.transaction() as tx:
            delay_ms = hurry_forms(tx, rig.hub)
        assert delay_ms is not None
        rig.clock.time += timedelta(milliseconds=delay_ms + 1)
        with rig.context.database.transaction() as tx:
            for cursor in take(tx, rig.hub, "form:%"):
                polls += 1
                rest(tx, cursor, every=timedelta(minutes=1))
    # I expect an hour's share, and what may be spent ahead, at most
    share = FORM_POLLS_A_DAY / 24
    ahead = SPENT_AHEAD / timedelta(days=1) * FORM_POLLS_A_DAY
    assert share <= polls <= share + ahead + 2


# --- polls ---


def test_a_change_that_no_webhook_told_of_is_found_by_the_poll(rig: Rig) -> None:
    contact_id = registered(rig)
    quiet(rig)
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {"website": "another-site-of-ada.se"})
    rig.hurry()
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", "website_changed")


def test_our_own_write_back_comes_back_in_a_poll_and_marks_nothing(rig: Rig) -> None:
    registered(rig)
    rig.hurry()
    before = rig.sandbox.stats()["calls"]
    rig.run(next(ring for ring in _due(rig) if ring.bell is Bell.SERVE_BULK))
    assert rig.marks() == []
    assert before != rig.sandbox.stats()["calls"]


def test_an_edit_of_no_interest_to_many_contacts_marks_nothing(rig: Rig) -> None:
    registered(rig)
    rig.sandbox.seed(contacts=500, companies=50, portal=rig.hub)
    quiet(rig)
    rig.sandbox.post(
        "/_sandbox/mass-edit", {"portal": rig.hub, "contacts": 500, "property": "jobtitle", "value": "Boss"}
    )
    rig.hurry()
    rig.settle()
    calls = rig.sandbox.stats()["calls"]
    assert not [key for key in calls if "batch" in key], calls
    assert rig.registrations()[1:] == []


def test_many_contacts_edited_in_something_else_come_to_nothing(
    sandbox: SandboxServer, make_rig: Callable[..., Rig]
) -> None:
    # Given a portal of many contacts (THOROUGH=5: 100,000), freshly connected
    hub = sandbox.portals()[0]["hub_id"]
    sandbox.seed(contacts=MANY, companies=MANY // 10, portal=hub)
    time.sleep(0.01)  # the clock's next moment: what was there before the connection is not read
    rig = make_rig()
    # When all of them are edited in a property of no interest
    edit = {"portal": rig.hub, "contacts": MANY, "property": "jobtitle", "value": "Boss"}
    rig.sandbox.post("/_sandbox/mass-edit", edit)
    rig.hurry()
    rig.settle()
    prompt = rig.sandbox.stats()["calls"]["POST /crm/objects/contacts/search 200"]
    # and the late look has come
    rig.pass_time(minutes=70)
    rig.hurry()
    rig.settle()
    # I expect that they were all looked at, and nothing was marked, registered, written or read one by one
    calls = rig.sandbox.stats()["calls"]
    assert prompt <= 7, "what brings nothing is not read twice"
    assert MANY // 200 <= calls["POST /crm/objects/contacts/search 200"] <= MANY // 200 + 20
    assert not [key for key in calls if "batch" in key], calls
    assert rig.registrations() == []
    assert rig.requests() == []


def test_a_new_contact_of_a_registered_domain_is_found_by_the_poll(rig: Rig) -> None:
    registered(rig)
    quiet(rig)
    made = rig.sandbox.create(
        rig.hub, "contacts", {"email": "cy@mejl-hemma.se", "website": "http://fjordline-tools.se"}
    )
    rig.hurry()
    rig.settle()
    found = rig.sandbox.record(rig.hub, "contacts", made["id"])["properties"]
    assert found["partner_registration_status"] == "registered"


def test_a_request_set_in_the_crm_is_found_by_the_poll(rig: Rig) -> None:
    quiet(rig)
    made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": "ada@fjordline-tools.se"})
    rig.sandbox.edit(rig.hub, "contacts", made["id"], {"partner_registration_request": "register"})
    rig.hurry()
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)


def test_a_freshly_connected_portal_is_not_read_from_the_beginning(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": "old@fjordline-tools.se"})
    with rig.context.database.transaction() as tx:
        water = (
            tx.connection.execute(select(cursors.c.high_water).where(cursors.c.trigger == "contact.now"))
            .scalars()
            .first()
        )
    assert water is not None
    assert made["id"]
    assert water <= rig.clock.time


def test_the_late_look_finds_what_search_had_not_yet(rig: Rig) -> None:
    # Given that search lags behind
    contact_id = registered(rig)
    quiet(rig)
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {"website": "another-site-of-ada.se"})
    with rig.context.database.transaction() as tx:
        # and the high-water has passed the change without having seen it
        tx.connection.execute(
            text("UPDATE cursors SET high_water = :later WHERE trigger = 'contact.now'"),
            {"later": rig.clock.time + timedelta(hours=2)},
        )
    rig.hurry()
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    rig.pass_time(minutes=70)
    rig.hurry()
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", "website_changed")


# --- forms ---


def test_a_submission_before_the_form_was_enabled_registers_nobody(rig: Rig) -> None:
    rig.context.database.run(lambda tx: disable_form(tx, rig.hub, rig.form))
    rig.sandbox.submit(rig.form, rig.hub, **LEAD, email="early@fjordline-tools.se")
    rig.clock.time += timedelta(seconds=2)
    rig.context.database.run(lambda tx: enable_form(tx, rig.hub, rig.form))
    rig.hurry()
    rig.settle()
    assert rig.requests() == []


def test_submissions_beyond_a_page_are_all_read(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=200)
    for number in range(120):
        rig.sandbox.submit(
            rig.form, rig.hub, **{**LEAD, "website": f"firma-{number}.se", "email": f"a@firma-{number}.se"}
        )
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    assert len([r for r in rig.requests() if r.state == "registered"]) == 121


def test_a_hinted_look_reads_what_is_new_and_the_last_one_a_little_further(make_rig: Callable[..., Rig]) -> None:
    # Given more than a page of submissions within two minutes
    rig = make_rig(partner_capacity=200)
    for number in range(70):
        rig.submit(f"a@firma-{number}.se", website=f"firma-{number}.se")
    submissions.poll_forms(rig.context, rig.hub)
    pages = []
    # When one more comes with its hint, and then no other
    rig.submit("a@firma-70.se", website="firma-70.se")
    for seconds in (1, 5, 10):
        if not pages:
            rig.context.database.run(lambda tx: hurry_forms(tx, rig.hub))
        rig.pass_time(seconds=seconds)
        rig.sandbox.reset_stats()
        submissions.poll_forms(rig.context, rig.hub)
        pages.append(sum(rig.sandbox.calls("GET /form-integrations").values()))
    # I expect a page for the hint, and two minutes read again for each look after it
    assert pages == [1, 2, 2]
    assert len(rig.requests()) == 71


def test_a_submission_whose_contact_lags_is_resolved_later(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    contact_id = rig.contact_id("ada@fjordline-tools.se")
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact_id}/delete")
    rig.settle()
    [waiting] = rig.requests()
    assert (waiting.state, waiting.contact_id) == ("processing", None)
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact_id}/restore")
    rig.pass_time(seconds=2)
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)


def test_a_submission_that_never_resolves_waits_for_a_person_with_the_reason(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    contact_id = rig.contact_id("ada@fjordline-tools.se")
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact_id}/delete")
    for _ in range(len(submissions.RESOLVE_AGAIN) + 1):
        rig.settle()
        rig.pass_time(days=2)
    [given_up] = rig.requests()
    assert given_up.state == "unresolved"
    assert "no contact" in given_up.detail
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact_id}/restore")
    operations.retry_request(rig.context, given_up.id, who="t")
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)


def test_a_submission_keeps_no_email_once_its_contact_is_known(rig: Rig) -> None:
    registered(rig)
    with rig.context.database.transaction() as tx:
        assert tx.connection.execute(text("SELECT email FROM requests")).scalars().all() == [None]


# --- a person's word, and the clock ---


def test_a_resync_of_a_portal_writes_what_differs_and_nothing_else(rig: Rig) -> None:
    contact_id = registered(rig)
    rig.sandbox.seed(contacts=250, companies=20, portal=rig.hub)
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {"partner_registered_domain": "wrong.se"})
    started = resync.start(rig.context, rig.hub, who="tester")
    with pytest.raises(resync.ResyncRuns, match=str(started.id)):
        resync.start(rig.context, rig.hub, who="tester")
    rig.settle()
    with rig.context.database.transaction() as tx:
        done = resync.get(tx, started.id)
    assert (done.state, done.listed >= 270, done.marked, done.written) == ("done", True, 0, 1)
    assert rig.contact("ada@fjordline-tools.se")["partner_registered_domain"] == "fjordline-tools.se"
    assert len(rig.registrations()) == 1


def test_a_named_record_is_looked_at_at_a_persons_word(rig: Rig) -> None:
    contact_id = registered(rig)
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {"partner_registration_status": ""})
    rig.context.database.run(lambda tx: resync.mark_named(tx, rig.hub, contacts=[contact_id], who="t"))
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)


def test_data_that_is_not_mended_within_30_days_ends_the_request(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se", lastname="")
    rig.settle()
    assert rig.status("ada@fjordline-tools.se")[0] == "invalid_data"
    rig.pass_time(days=30, seconds=1)
    rig.settle()
    assert [r.state for r in rig.requests()] == ["ended"]
    assert rig.status("ada@fjordline-tools.se") == (None, None)


def test_an_open_request_can_be_withdrawn_and_leaves_nothing(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=0)
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("pending", "capacity_reached")
    operations.withdraw(rig.context, rig.requests()[0].id, who="tester")
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == (None, None)


def test_the_partners_own_company_shows_tier_and_capacity(make_rig: Callable[..., Rig], sandbox: Any) -> None:
    hub = sandbox.portals()[0]["hub_id"]
    own = sandbox.create(hub, "companies", {"name": "We", "domain": "vi-partnern.se"})
    rig = make_rig(partner_company_id=own["id"], partner_capacity=7)
    registered(rig)
    shown = rig.sandbox.record(rig.hub, "companies", own["id"])["properties"]
    assert (shown["partner_capacity_limit"], shown["partner_capacity_used"]) == ("7", "1")
    assert shown["partner_tier"] == "untiered"


def test_an_idempotency_key_asks_once(rig: Rig) -> None:
    made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": "ada@fjordline-tools.se"})
    first = operations.register(rig.context, rig.hub, made["id"], who="t", source=Source.API, key="k")
    assert first is not None
    assert operations.register(rig.context, rig.hub, made["id"], who="t", source=Source.API, key="k") is None
    rig.settle()
    assert len(rig.requests()) == 1


def test_a_paused_portal_keeps_its_marks(rig: Rig) -> None:
    rig.context.database.run(lambda tx: mark(tx, rig.hub, Kind.CONTACT, ["1"], priority=Priority.PERSON, cause="t"))
    from syncworker.sync.portals.connect import set_mode

    set_mode(rig.context, rig.hub, Mode.PAUSED, who="t")
    rig.settle()
    assert [m.object_id for m in rig.marks()] == ["1"]


def _due(rig: Rig) -> list[Any]:
    from syncworker.sync.sweep import due

    with rig.context.database.transaction() as tx:
        return due(tx)
