"""Of a person who was deleted for privacy nothing personal is left, and what happened to the domain is."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import structlog
from sqlalchemy import cast, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.types import Text

from support.delivered import delivered
from support.hearing import heard, hearing
from support.rig import Rig
from support.second_worker import Meanwhile, second_worker
from syncworker import logs
from syncworker.redaction import without_persons
from syncworker.registration.rules.terms import Source
from syncworker.store.tables import metadata
from syncworker.sync import operations
from syncworker.sync.claims import Lane
from syncworker.sync.lists import lists
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.privacy import erasing
from syncworker.sync.reconcile.reconcile import reconcile_kind
from syncworker.sync.resync import resync
from syncworker.sync.resync.turn import continue_resync
from syncworker.sync.triggers import expiry
from syncworker.sync.triggers.inbox import expand
from syncworker.sync.triggers.submissions import poll_forms
from syncworker.sync.turns import interactive_turn

EMAIL, FIRST, LAST, PHONE = "ada.berg@fjordline-tools.se", "Adalinde", "Bergfalk", "+46 70 123 45 67"
PERSONAL = (EMAIL, FIRST, LAST, PHONE)
DOMAIN = "fjordline-tools.se"


@pytest.fixture
def logged(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Everything is logged, as a worker would; gives what was."""
    root = logging.getLogger()
    before = root.handlers[:], root.level
    logs.configure(level="info")
    yield lambda: "".join(capfd.readouterr())
    root.handlers[:], level = before
    root.setLevel(level)
    structlog.reset_defaults()


def submit(rig: Rig, **fields: str) -> str:
    rig.submit(EMAIL, firstname=FIRST, lastname=LAST, phone=PHONE, **fields)
    rig.settle()
    return rig.contact_id(EMAIL)


def delete_for_privacy(rig: Rig, contact_id: str) -> None:
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact_id}/gdpr-delete")


def look_at(rig: Rig, *ids: str) -> None:
    rig.context.database.run(lambda tx: mark(tx, rig.hub, Kind.CONTACT, ids, priority=Priority.WEBHOOK, cause="a test"))
    rig.settle()


def told_of_deletion(rig: Rig, contact_id: str) -> None:
    """The webhook alone: it is expanded, and HubSpot is asked for nothing."""
    rows = [f'[[{rig.hub}, "contact", "{contact_id}", "privacyDeletion"]]']
    delivered(rig.context.database, rows)
    expand(rig.context)


def found_of(rig: Rig, *texts: str) -> list[str]:
    """Where one of these texts stands, in whatever table and column, whoever added it."""
    found = []
    with rig.context.database.transaction() as tx:
        for table in metadata.sorted_tables:
            for column in table.columns:
                if not isinstance(column.type, Text | JSONB):
                    continue
                values = tx.connection.execute(select(cast(column, Text)).where(column.is_not(None))).scalars()
                for value in values:
                    found += [f"{table.name}.{column.name}: {value}" for text in texts if text.lower() in value.lower()]
    return found


def test_a_privacy_deletion_takes_every_personal_field_and_leaves_the_domains_history(
    rig: Rig, logged: Callable[[], str]
) -> None:
    contact = submit(rig)
    assert found_of(rig, EMAIL)
    rig.sandbox.faults(seed=7, webhooks={"duplicated": 1.0, "reordered": True}, search_lag_s=0)
    with hearing(rig):
        # When two events come for it, each twice, in no order
        delete_for_privacy(rig, contact)
        heard(rig)
    assert found_of(rig, *PERSONAL) == []
    # I expect the registration to stand, by its company, with all that happened to it
    [registration] = rig.registrations()
    assert (registration.contact_id, registration.ended_at) == (contact, None)
    with rig.context.database.transaction() as tx:
        assert [entry.event.value for entry in lists.domain_history(tx, rig.hub, DOMAIN)] == ["registered"]
        [line] = lists.registrations(tx, rig.hub).items
    assert (line.contact_name, line.orphaned) == (None, False)
    assert rig.marks() == []
    said = logged()
    assert [text for text in PERSONAL if text in said] == []
    # And what HubSpot goes on listing not to count anew
    rig.hurry()
    poll_forms(rig.context, rig.hub)
    rig.settle()
    assert len(rig.requests()) == 1
    assert found_of(rig, *PERSONAL) == []
    # But what such a person submits from now on to be a request like any other
    rig.clock.time += timedelta(seconds=1)
    submit(rig)
    assert [request.state for request in rig.requests()] == ["registered", "registered"]


def test_what_a_deleted_person_submits_anew_counts_however_late_the_deletion_is_heard_of(rig: Rig) -> None:
    contact = submit(rig)
    deleted_at = rig.clock.time
    # When the same person submits the form again, and is read, before the webhook of the deletion comes
    delete_for_privacy(rig, contact)
    rig.pass_time(seconds=5)
    rig.submit(EMAIL, firstname=FIRST, lastname="Anew", company="Anew", website="https://anew-ab.se")
    rig.pass_time(seconds=30)
    occurred = round(deleted_at.timestamp() * 1000)
    delivered(rig.context.database, [f'[[{rig.hub}, "contact", "{contact}", "privacyDeletion", {occurred}]]'])
    expand(rig.context)
    rig.hurry()
    rig.settle()
    # I expect the second one to be a lead like any other
    assert [(request.state, request.domain) for request in rig.requests()] == [
        ("registered", DOMAIN), ("registered", "anew-ab.se"),
    ]  # fmt: skip


def test_the_webhook_alone_is_enough_where_hubspot_cannot_be_asked(rig: Rig) -> None:
    contact = submit(rig, website=EMAIL)
    other = rig.sandbox.create(rig.hub, "contacts", {"email": "x@elsewhere-mail.se", "website": f"mail {EMAIL}"})
    operations.register(rig.context, rig.hub, other["id"], who="t", source=Source.API, key=EMAIL)
    rig.settle()
    parked = {"last_error": f"something about {FIRST}", "kind": "contact", "object_id": contact, "hub_id": rig.hub}
    times = {"marked_at": rig.clock.time, "not_before": rig.clock.time, "parked_at": rig.clock.time}
    with rig.context.database.transaction() as tx:
        tx.connection.execute(metadata.tables["marks"].insert().values(**parked, **times, priority=1, cause="t"))
        tx.connection.exec_driver_sql("UPDATE portals SET mode = 'paused'")
    assert len({place.partition(":")[0] for place in found_of(rig, *PERSONAL)}) >= 5
    told_of_deletion(rig, contact)
    told_of_deletion(rig, other["id"])
    assert found_of(rig, *PERSONAL) == []


def test_what_was_read_before_a_deletion_is_not_kept_after_it(rig: Rig) -> None:
    contact = submit(rig)
    rig.sandbox.edit(rig.hub, "contacts", contact, {"country": "Norway"})
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, Kind.CONTACT, [contact], priority=Priority.WEBHOOK, cause="a test")
    )
    # When the webhook comes between a worker's read and its commit
    meanwhile = Meanwhile("contacts/batch/read", lambda: told_of_deletion(rig, contact))
    with second_worker(rig, meanwhile) as worker:
        reconcile_kind(worker, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    assert meanwhile.calls
    assert found_of(rig, *PERSONAL) == []


def test_what_a_resync_listed_before_a_deletion_is_not_kept_after_it(rig: Rig) -> None:
    # Given a registered domain, and a colleague of the lead's of whom nobody has heard
    submit(rig)
    colleague = "bo.nyman@fjordline-tools.se"
    contact = rig.sandbox.create(rig.hub, "contacts", {"email": colleague, "website": DOMAIN, "lastname": "Nyman"})[
        "id"
    ]

    def deleted() -> None:
        delete_for_privacy(rig, contact)
        told_of_deletion(rig, contact)
        interactive_turn(rig.context, rig.hub)

    # When the colleague is deleted, and that is done with, between the list's page and its commit
    resync.start(rig.context, rig.hub, who="t")
    meanwhile = Meanwhile("/contacts", deleted)
    with second_worker(rig, meanwhile) as worker:
        while continue_resync(worker, rig.hub):
            pass
    assert meanwhile.calls
    rig.settle()
    assert found_of(rig, colleague, "Nyman") == []


def test_a_deletion_whose_webhook_was_lost_is_found_by_looking(rig: Rig) -> None:
    contact = submit(rig)
    delete_for_privacy(rig, contact)
    look_at(rig, contact)
    assert found_of(rig, *PERSONAL) == []


def test_a_submission_that_is_first_seen_after_the_deletion_is_not_taken_in(rig: Rig) -> None:
    # Given a submission of a form that was not polled yet, by a person who is known by another one
    contact = submit(rig)
    rig.sandbox.submit(rig.form, rig.hub, email=EMAIL, firstname=FIRST, lastname=LAST)
    rig.pass_time(minutes=5)
    delete_for_privacy(rig, contact)
    told_of_deletion(rig, contact)
    rig.hurry()
    poll_forms(rig.context, rig.hub)
    rig.settle()
    assert len(rig.requests()) == 1
    assert found_of(rig, *PERSONAL) == []


def test_a_submission_whose_contact_is_never_found_keeps_its_email_for_thirty_days(rig: Rig) -> None:
    rig.sandbox.submit(rig.form, rig.hub, email=EMAIL, firstname=FIRST)
    delete_for_privacy(rig, rig.contact_id(EMAIL))
    for _ in range(16):
        rig.hurry()
        rig.settle()
        rig.pass_time(days=2)
    expiry.end_overdue(rig.context)
    assert [request.state for request in rig.requests()] == ["ended"]
    assert found_of(rig, EMAIL) == []


def test_a_person_asks_for_somebody_to_be_erased(rig: Rig) -> None:
    contact = submit(rig)
    boss = "cli:marta@fjord-furu.se"
    operations.deregister(rig.context, rig.hub, DOMAIN, who=boss, source=Source.APP)
    longer = f"jim{EMAIL}"
    with rig.context.database.transaction() as tx:
        note = metadata.tables["holds"].insert()
        values = {"kind": "existing_customer", "added_by": boss, "added_at": tx.now}
        tx.connection.execute(note.values(domain="x.se", note=f"asked by {EMAIL.upper()}; see {longer}.", **values))
    rig.submit(longer, website="havsbris-el.se", company="Havsbris")
    # Given that it is only asked what would be done
    would = erasing.erase(rig.context, email=EMAIL, dry_run=True)
    assert would.contacts == ((rig.hub, contact),)
    assert would.texts["holds.note"] == 1
    assert found_of(rig, EMAIL)
    erasing.erase(rig.context, email=EMAIL)
    assert [place for place in found_of(rig, EMAIL, FIRST, LAST) if longer not in place] == []
    assert found_of(rig, longer)
    # When it is somebody who did things, I expect the history to tell of the same somebody, without a name
    assert erasing.erase(rig.context, email="marta@fjord-furu.se").persons == (boss,)
    assert found_of(rig, "marta") == []
    with rig.context.database.transaction() as tx:
        [who] = [e.who for e in lists.domain_history(tx, rig.hub, DOMAIN) if e.event == "deregistered"]
    assert who.startswith("erased person ")
    # And the contact, which is alive in the CRM, to be looked at without being kept anew
    rig.settle()
    assert [place for place in found_of(rig, EMAIL, FIRST, LAST) if longer not in place] == []
    assert erasing.erase(rig.context, hub_id=rig.hub, contact_id=contact).contacts == ((rig.hub, contact),)


@pytest.mark.parametrize("name", ["form", "registered", "api", "write"])
def test_a_slip_of_whoever_erases_changes_no_word_that_is_nobodys_name(rig: Rig, name: str) -> None:
    submit(rig)
    before = rig.requests(), rig.registrations()
    assert erasing.erase(rig.context, person=name, dry_run=True).texts == {}
    erasing.erase(rig.context, person=name)
    with pytest.raises(erasing.NotAnEmail):
        erasing.erase(rig.context, email=name)
    assert (rig.requests(), rig.registrations()) == before


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("no contact ada@x.se, nor <bo.ek+1@a-b.co.uk>; id 12", "no contact <email>, nor <<email>>; id 12"),
        ("GET /contacts/ada%40x.se?idProperty=email", "GET /contacts/<email>?idProperty=email"),
        ("x: failed\nDETAIL:  Failing row (Ada,\nBerg).\n[SQL: INSERT]", "x: failed\nDETAIL: left out\n[SQL: INSERT]"),
        ("nobody @ home", "nobody @ home"),
        # An endless word, as anybody may send one: it takes as long as it is, and not its square, which were minutes
        (f"{'a' * 50_000} @ ada@x.se", f"{'a' * 50_000} @ <email>"),
    ],
    ids=range(5),
)
def test_what_others_errors_quote_of_persons_is_taken_out(said: str, left: str) -> None:
    assert without_persons(said) == left


def test_a_log_line_has_no_person_in_it(logged: Callable[[], str]) -> None:
    try:
        raise ValueError(f"refused: {EMAIL}\nDETAIL:  Failing row contains ({FIRST}).")
    except ValueError:
        logging.getLogger("somebody").exception("it failed for %s", EMAIL)
    said = logged()
    assert "it failed for <email>" in said
    assert [text for text in PERSONAL if text in said] == []
