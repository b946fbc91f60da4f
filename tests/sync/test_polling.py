"""Do polls keep their promise over HTTP, against an index that is as bad as it may be? (docs/polling.md)"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.event import listen

from support.delivered import delivered
from support.rig import LEAD, Rig
from support.sandbox_server import SandboxServer
from syncworker.hubspot.events import Event
from syncworker.store.tables import cursors as rows
from syncworker.store.tables import records
from syncworker.sync.sweep import sweep
from syncworker.sync.triggers import cursors, inbox
from syncworker.sync.triggers.cursors import Cursor
from syncworker.sync.triggers.polling import LATE, LATE_EVERY, poll_records

SEARCHES = "POST /crm/objects/contacts/search 200"
SEEDS = range(1, 1 + int(os.environ.get("THOROUGH", "1")))
REQUEST = {"partner_registration_request": "register"}
ADA = "ada@fjordline-tools.se"


@pytest.fixture
def sandbox(sandbox: SandboxServer) -> Iterator[SandboxServer]:
    yield sandbox
    sandbox.move_clock(ahead_s=0)


def only(rig: Rig, *triggers: str) -> None:
    """These are due now, and the others much later."""
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE cursors SET due_at = '2100-01-01', leased_until = NULL"))
        for trigger in triggers:
            tx.connection.execute(
                text("UPDATE cursors SET due_at = '2000-01-01' WHERE trigger = :trigger"), {"trigger": trigger}
            )


def cursor_of(rig: Rig, trigger: str) -> Cursor:
    names = ("hub_id", "trigger", "high_water", "hurried_at", "until", "after_id", "settled_to")
    with rig.context.database.transaction() as tx:
        query = select(*(rows.c[name] for name in names)).where(rows.c.hub_id == rig.hub, rows.c.trigger == trigger)
        return Cursor(**tx.connection.execute(query).one()._mapping)


def registered(rig: Rig) -> str:
    rig.submit(ADA)
    rig.settle()
    assert rig.status(ADA) == ("registered", None)
    return rig.contact_id(ADA)


def poll(rig: Rig) -> None:
    rig.hurry()
    rig.settle()


# --- the promise ---


@pytest.mark.parametrize("seed", SEEDS)
def test_what_an_index_at_its_worst_shows_within_an_hour_is_marked_in_time(rig: Rig, seed: int) -> None:
    # Given an index that lags by up to an hour, each change by its own; that shows some and takes them back
    dice = random.Random(seed)  # noqa: S311 - repeatable on purpose, no secret
    rig.sandbox.seed(contacts=260, portal=rig.hub, seed=seed)
    found = rig.sandbox.get(f"/_sandbox/portals/{rig.hub}/contacts?limit=100")["results"]
    found += rig.sandbox.get(f"/_sandbox/portals/{rig.hub}/contacts?limit=100&offset=100")["results"]
    found += rig.sandbox.get(f"/_sandbox/portals/{rig.hub}/contacts?limit=100&offset=200")["results"]
    ids = [one["id"] for one in found]
    whims = {"lag_most_s": 3600, "flickers": 0.2, "strangers": 0.5, "repeats": 0.5, "shuffled": True, "miscounts": True}
    rig.sandbox.faults(seed=seed, search_lag_s=0, search=whims)
    asked: dict[str, datetime] = {}
    late_by: list[str] = []
    step = timedelta(minutes=5)
    steps = int((timedelta(minutes=60) + LATE + 2 * LATE_EVERY) / step)
    for number in range(steps):
        if number == 1:  # and a flood
            for contact_id in ids[:230]:
                rig.sandbox.edit(rig.hub, "contacts", contact_id, {"jobtitle": "Boss"})
        elif number < 10:
            for contact_id in dice.sample(ids, 12):
                # When contacts change, some again and again, and somebody asks to register some of them
                if contact_id not in asked:
                    wanted = REQUEST if dice.random() < 0.5 else {"jobtitle": f"Boss {number}"}
                    rig.sandbox.edit(rig.hub, "contacts", contact_id, wanted)
                    if wanted is REQUEST:
                        asked[contact_id] = rig.clock.time
        rig.pass_time(seconds=step.total_seconds())
        rig.sandbox.move_clock(ahead_s=int((rig.clock.time - datetime.now(UTC)).total_seconds()) + 1)
        poll_records(rig.context, rig.hub)
        marked = {m.object_id for m in rig.marks()}
        promised = rig.clock.time - timedelta(minutes=60) - timedelta(minutes=10) - step
        late_by += [one for one, at in asked.items() if at <= promised and one not in marked]
    # I expect a mark of each by the time that was promised, and none of those that nobody asked for
    assert len(asked) > 20
    assert late_by == []
    assert {m.object_id for m in rig.marks()} == set(asked)


def test_a_request_on_a_contact_that_changes_every_twenty_minutes_does_not_wait_for_the_last_change(rig: Rig) -> None:
    # Given many changes, and an index that is always ten minutes behind
    rig.sandbox.seed(contacts=210, portal=rig.hub)
    made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": ADA})
    rig.sandbox.faults(search_lag_s=600)
    rig.sandbox.edit(rig.hub, "contacts", made["id"], REQUEST)
    for minutes in range(0, 80, 10):
        rig.pass_time(minutes=10)
        rig.sandbox.move_clock(ahead_s=int((rig.clock.time - datetime.now(UTC)).total_seconds()) + 1)
        # When others hide it from the look at the newest
        edit = {"portal": rig.hub, "contacts": 210, "property": "jobtitle", "value": f"Boss {minutes}"}
        rig.sandbox.post("/_sandbox/mass-edit", edit)
        if minutes % 20 == 0:
            rig.sandbox.edit(rig.hub, "contacts", made["id"], {"city": f"Town {minutes}"})
        with rig.context.database.transaction() as tx:
            tx.connection.execute(text("UPDATE cursors SET allowance = 0"))
        poll_records(rig.context, rig.hub)
    assert {m.object_id for m in rig.marks()} == {made["id"]}


@pytest.mark.long
def test_25_000_records_of_one_millisecond_are_all_read(sandbox: SandboxServer, make_rig: Callable[..., Rig]) -> None:
    hub = sandbox.portals()[0]["hub_id"]
    sandbox.seed(contacts=25_000, portal=hub)
    rig = make_rig()
    rig.sandbox.post(
        "/_sandbox/mass-edit",
        {"portal": hub, "contacts": 25_000, "property": "partner_registration_request", "value": "register"},
    )
    rig.pass_time(minutes=70)
    # A turn reads 100 pages, and the next goes on where it was
    only(rig, "contact.late")
    poll_records(rig.context, rig.hub)
    half_way = cursor_of(rig, "contact.late")
    assert (half_way.until is not None, half_way.after_id > 0) == (True, True)
    poll_records(rig.context, rig.hub)
    assert len(rig.marks()) == 25_000
    done = cursor_of(rig, "contact.late")
    assert (done.high_water, done.until, done.after_id) == (half_way.until, None, 0)
    assert rig.sandbox.calls()[SEARCHES] == 127, "and one for requests that are still set"


def test_a_clock_of_ours_that_is_ahead_does_not_pass_over_what_search_will_show(rig: Rig) -> None:
    before = cursor_of(rig, "contact.late").high_water
    rig.pass_time(hours=2)
    # Given a worker to whom HubSpot says that it is three hours earlier
    rig.sandbox.faults(search_lag_s=0, clock_s=-3 * 3600)
    other = Rig(rig.sandbox, rig.settings.database_url or "", rig.settings.redis_url or "")
    other.clock.time = rig.clock.time
    only(rig, "contact.late")
    poll_records(other.context, rig.hub)
    other.close()
    assert cursor_of(rig, "contact.late").high_water == before
    # When the clocks agree, the look goes on
    only(rig, "contact.late")
    poll_records(rig.context, rig.hub)
    assert abs(cursor_of(rig, "contact.late").high_water - (rig.clock.time - LATE)) < timedelta(seconds=5)


# --- cursors ---


def test_a_worker_that_lost_its_lease_does_not_put_a_stretch_back(rig: Rig) -> None:
    only(rig, "contact.late")
    with rig.context.database.transaction() as tx:
        [slow] = cursors.take(tx, rig.hub, "co%")
        quick = cursors.step(tx, slow, high_water=slow.high_water, until=rig.clock.time, after_id=700)
        assert quick is not None
        assert cursors.step(tx, slow, high_water=slow.high_water, until=rig.clock.time, after_id=100) is None
    assert cursor_of(rig, "contact.late").after_id == 700


def test_a_poll_that_takes_long_keeps_its_lease_page_by_page(rig: Rig) -> None:
    only(rig, "contact.late")
    with rig.context.database.transaction() as tx:
        [cursor] = cursors.take(tx, rig.hub, "co%")
    for _ in range(3):
        rig.pass_time(seconds=50)
        with rig.context.database.transaction() as tx:
            stepped = cursors.step(
                tx, cursor, high_water=cursor.high_water, until=rig.clock.time, after_id=cursor.after_id + 1
            )
        assert stepped is not None
        cursor = stepped
        with rig.context.database.transaction() as tx:
            tx.connection.execute(text("UPDATE cursors SET due_at = '2000-01-01' WHERE trigger = 'contact.late'"))
            assert cursors.take(tx, rig.hub, "co%") == []


# --- what no search shows ---


def test_a_deletion_that_no_webhook_told_of_is_found_in_the_recycle_bin(rig: Rig) -> None:
    contact_id = registered(rig)
    for number in range(105):
        made = rig.sandbox.create(rig.hub, "contacts", {"email": f"gone-{number}@example.se"})
        rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{made['id']}/delete")
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact_id}/delete")
    only(rig, "contact.archived")
    rig.settle()
    with rig.context.database.transaction() as tx:
        presence = select(records.c.presence).where(records.c.kind == "contact", records.c.object_id == contact_id)
        assert tx.connection.execute(presence).scalar_one() != "live"
    # and it is found once
    only(rig, "contact.archived")
    poll_records(rig.context, rig.hub)
    assert rig.marks() == []


def test_a_contact_without_a_website_that_came_to_a_registered_company_is_found(rig: Rig) -> None:
    registered(rig)
    company = rig.sandbox.by_domain(rig.hub, "fjordline-tools.se")
    assert company is not None
    made = rig.sandbox.create(rig.hub, "contacts", {"email": "cy@mejl-hemma.se"})
    poll(rig)
    assert rig.status("cy@mejl-hemma.se") == (None, None)
    # When it is associated, which changes its property
    rig.sandbox.post(
        f"/_sandbox/portals/{rig.hub}/associate", {"contact": made["id"], "company": company["id"], "primary": True}
    )
    rig.sandbox.edit(rig.hub, "contacts", made["id"], {"jobtitle": "Boss"})
    poll(rig)
    assert rig.status("cy@mejl-hemma.se") == ("registered", None)


# --- forms ---


def test_a_submission_that_shows_late_below_others_is_found_by_the_late_look(
    make_rig: Callable[..., Rig],
) -> None:
    # Given a form that is enabled for hours
    rig = make_rig(partner_capacity=200)
    hours_ago = rig.clock.time - timedelta(hours=3)
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE forms SET enabled_at = :at"), {"at": hours_ago})
        tx.connection.execute(text("UPDATE cursors SET settled_to = high_water WHERE trigger LIKE 'form:%'"))
    rig.pass_time(minutes=40)
    for number in range(60):
        rig.sandbox.submit(rig.form, rig.hub, **{**LEAD, "email": f"a@firma-{number}.se"})
    poll(rig)
    # When one shows that was made before sixty others, of which a page has fifty
    fields = [{"objectTypeId": "0-1", "name": name, "value": value} for name, value in {**LEAD, "email": ADA}.items()]
    made_at = str(int(datetime.now(UTC).timestamp() * 1000) - 60_000)
    rig.sandbox.post(
        f"/submissions/v3/integration/submit/{rig.hub}/{rig.form}", {"fields": fields, "submittedAt": made_at}
    )
    with rig.context.database.transaction() as tx:
        tx.connection.execute(
            text("UPDATE cursors SET high_water = high_water + interval '10 minutes' WHERE trigger LIKE 'form:%'")
        )
        tx.connection.execute(
            text("UPDATE cursors SET settled_to = :at WHERE trigger LIKE 'form:%'"),
            {"at": rig.clock.time - timedelta(minutes=70)},
        )
    poll(rig)
    assert len(rig.requests()) == 60
    # I expect it once the late look has come
    rig.pass_time(minutes=20)
    poll(rig)
    assert len(rig.requests()) == 61


def test_cursors_are_locked_before_marks_in_every_transaction(rig: Rig) -> None:
    # Given all that locks both: polls of each kind, a form's hint, a clock that went back
    touched: dict[int, list[str]] = {}
    wrong: list[list[str]] = []

    def note(connection: Connection, _cursor: object, statement: str, *_: object) -> None:
        if found := re.search(r"(?:UPDATE|INTO|DELETE FROM) (cursors|marks)\b", statement):
            touched.setdefault(id(connection), []).append(found[1])

    def committed(connection: Connection) -> None:
        order = touched.pop(id(connection), [])
        if order != sorted(order):
            wrong.append(order)

    listen(rig.context.database.engine, "before_cursor_execute", note)
    listen(rig.context.database.engine, "commit", committed)
    for number in range(3):
        made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": f"a@firma-{number}.se", **REQUEST})
        delivered(rig.context.database, [inbox.row([Event(rig.hub, "contact", "creation", (made["id"],), None)])])
    sweep(rig.context)
    rig.pass_time(hours=2)
    for look in ("contact.late", "contact.now", "contact.archived"):
        only(rig, look)
        poll_records(rig.context, rig.hub)
    assert len(rig.marks()) == 3
    rig.settle()
    sweep(rig.context)
    rig.pass_time(hours=-1)
    sweep(rig.context)
    assert wrong == []
