"""What is a request, what is the same request, and what becomes of one that is set in the CRM?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from support.rig import LEAD, SECRET_KEY, Rig
from support.second_worker import Meanwhile, second_worker
from syncworker.hubspot.records import FieldValue, Submission
from syncworker.registration.ledger import registrations
from syncworker.registration.rules.terms import Source
from syncworker.store.secrets import Secrets
from syncworker.sync import operations, waiting
from syncworker.sync.claims import Lane
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile.reconcile import reconcile
from syncworker.sync.triggers import submissions

ADA = "ada@fjordline-tools.se"
REQUEST = "partner_registration_request"
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def look_at(rig: Rig, *ids: str, kind: Kind = Kind.CONTACT) -> None:
    rig.context.database.run(lambda tx: mark(tx, rig.hub, kind, ids, priority=Priority.WEBHOOK, cause="a test"))
    rig.settle()


def lead(rig: Rig, email: str = ADA, **fields: str) -> str:
    made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": email, **fields})
    return str(made["id"])


def set_request(rig: Rig, contact_id: str, value: str, *, by: str = "CRM_UI") -> None:
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {REQUEST: value}, by=by)


def registered(rig: Rig) -> str:
    rig.submit(ADA)
    rig.settle()
    assert rig.status(ADA) == ("registered", None)
    return rig.contact_id(ADA)


# --- forms ---


def submission(
    *, email: str = "Ada@Fjordline-Tools.se ", at: datetime = NOON, conversion: str | None = None
) -> Submission:
    return Submission(conversion_id=conversion, submitted_at=at, values=(FieldValue("email", email),))


def key(one: Submission, *, form: str = "f", secret_key: str = SECRET_KEY) -> str:
    return submissions.request(Secrets(secret_key), form, one).key


def test_a_submission_is_known_by_its_form_and_conversion_id() -> None:
    first = key(submission(conversion="c"))
    # The email and the time may be told in other words the next time
    assert key(submission(conversion="c", email="other@x.se", at=NOON + timedelta(seconds=1))) == first
    assert key(submission(conversion="d")) != first
    assert key(submission(conversion="c"), form="g") != first


def test_without_a_conversion_id_it_is_known_by_its_time_and_a_keyed_hash_of_its_email() -> None:
    first = key(submission())
    assert key(submission(email="ada@fjordline-tools.se")) == first
    assert key(submission(at=NOON + timedelta(milliseconds=1))) != first
    assert key(submission(email="bo@fjordline-tools.se")) != first
    assert key(submission(), secret_key="another key, long enough to be one") != first
    assert "ada@" not in first.lower()
    assert "fjordline" not in first.lower()
    assert "fjordline" not in first


# --- set in the CRM ---


def test_each_time_it_is_set_is_a_request_of_its_own_with_who_set_it(rig: Rig) -> None:
    contact_id = lead(rig, website="")
    for who in ("CRM_UI", "AUTOMATION_PLATFORM"):
        set_request(rig, contact_id, "register", by=who)
        look_at(rig, contact_id)
    first, second = rig.requests()
    assert (first.source, second.source) == (Source.CRM, Source.WORKFLOW)
    assert first.who.startswith("CRM_UI:userId:")
    assert second.who == "AUTOMATION_PLATFORM:workflow:1"


def test_a_value_that_replaces_it_before_it_is_cleared_is_a_new_request(rig: Rig) -> None:
    contact_id = lead(rig)
    set_request(rig, contact_id, "register")
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, Kind.CONTACT, [contact_id], priority=Priority.PERSON, cause="t")
    )
    # When a user changes their mind after our reads and before our clearing
    changed_mind = Meanwhile("2026-09/contacts/batch/read", lambda: set_request(rig, contact_id, "deregister"), nth=2)
    with second_worker(rig, changed_mind) as worker:
        reconcile(worker, rig.hub, Lane.INTERACTIVE)
    rig.settle()
    # I expect both to be requests, although our clearing went over the second
    assert [r.action for r in rig.requests()] == ["register", "deregister"]
    assert rig.status(ADA) == ("registered", "awaiting_confirmation")
    assert not rig.contact(ADA).get(REQUEST)


def test_a_value_set_right_after_it_was_cleared_is_a_new_request_and_is_cleared_too(rig: Rig) -> None:
    contact_id = lead(rig)
    set_request(rig, contact_id, "register")
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, Kind.CONTACT, [contact_id], priority=Priority.PERSON, cause="t")
    )
    again = Meanwhile("contacts/batch/update", lambda: set_request(rig, contact_id, "register"))
    with second_worker(rig, again) as worker:
        reconcile(worker, rig.hub, Lane.INTERACTIVE)
    rig.settle()
    assert len({r.requested_at for r in rig.requests()}) == 2
    assert not rig.contact(ADA).get(REQUEST)


def test_a_request_of_a_workflow_needs_a_conversion_and_that_of_a_person_does_not(rig: Rig) -> None:
    contact_id = lead(rig)
    set_request(rig, contact_id, "register", by="AUTOMATION_PLATFORM")
    look_at(rig, contact_id)
    assert rig.status(ADA) == ("invalid_data", "no_conversion")
    set_request(rig, contact_id, "register")
    look_at(rig, contact_id)
    assert rig.status(ADA) == ("registered", None)


def test_a_dropdown_deregisters_at_once_where_the_settings_allow_it(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(crm_deregister="allow")
    contact_id = registered(rig)
    set_request(rig, contact_id, "deregister")
    look_at(rig, contact_id)
    assert rig.status(ADA)[0] == "deregistered"
    assert not rig.contact(ADA).get(REQUEST)


def test_a_deregistration_that_is_withdrawn_leaves_the_registration_as_it_was(rig: Rig) -> None:
    contact_id = registered(rig)
    set_request(rig, contact_id, "deregister")
    look_at(rig, contact_id)
    [asked] = [r for r in rig.requests() if r.state == "confirming"]
    operations.withdraw(rig.context, asked.id, who="manager")
    rig.settle()
    assert rig.status(ADA) == ("registered", None)


def test_the_word_of_whoever_confirmed_is_in_the_history(rig: Rig) -> None:
    contact_id = registered(rig)
    set_request(rig, contact_id, "deregister")
    look_at(rig, contact_id)
    [asked] = [r for r in rig.requests() if r.state == "confirming"]
    waiting.confirm_deregistration(rig.context, rig.hub, asked.id, who="the manager")
    rig.settle()
    with rig.context.database.transaction() as tx:
        who = text(
            "SELECT name FROM history JOIN persons ON persons.id = person_id "
            "WHERE event = 'deregistered' AND registration_id IS NOT NULL"
        )
        assert "the manager" in tx.connection.execute(who).scalars().all()
        assert registrations.newest_of(tx, 1, "fjordline-tools.se").deregistered_at is not None


# --- what is kept of people ---


@pytest.mark.parametrize("event", ["registered", "deregistered", "invalid"])
def test_nothing_personal_is_in_the_history_or_the_requests(rig: Rig, event: str) -> None:
    rig.submit(ADA, lastname="" if event == "invalid" else "Berg")
    rig.settle()
    if event == "deregistered":
        set_request(rig, rig.contact_id(ADA), "deregister")
        look_at(rig, rig.contact_id(ADA))
        waiting.confirm_deregistration(rig.context, rig.hub, rig.requests()[-1].id, who="manager")
        rig.settle()
    with rig.context.database.transaction() as tx:
        for table in ("history", "requests", "registrations", "marks"):
            rows = tx.connection.execute(text(f"SELECT to_jsonb(t)::text FROM {table} AS t")).scalars().all()
            for row in rows:
                # Ids are hexadecimal, and may spell a first name by chance.
                assert not [part for part in ("ada@", "ada berg", '"ada"', "berg") if part in row.lower()], (table, row)
                assert "berg" not in row.lower(), (table, row)


def test_of_a_contact_that_is_gone_neither_name_nor_email_is_kept(rig: Rig) -> None:
    contact_id = registered(rig)
    # A privacy deletion cannot be told from a deletion afterwards
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact_id}/gdpr-delete")
    look_at(rig, contact_id)
    with rig.context.database.transaction() as tx:
        kept = text("SELECT presence, name, email FROM records WHERE kind = 'contact' AND object_id = :id")
        assert tx.connection.execute(kept, {"id": contact_id}).one() == ("archived", None, None)
    assert [r.ended_at for r in rig.registrations()] == [None]
