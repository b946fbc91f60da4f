"""Faults that were found by trying to break it, each kept as a test."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from support.rig import LEAD, Rig
from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.errors import FixRequest, HubSpotError, RetryLater
from syncworker.hubspot.quota import Lane
from syncworker.hubspot.records import BatchRead
from syncworker.registration.rules.terms import Source
from syncworker.store import tables
from syncworker.store.portals import Mode
from syncworker.sync import operations
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.resync import resync
from syncworker.sync.triggers import changed
from syncworker.sync.wake import Bell, RedisWaker, Ring


def lead(number: int, **more: str) -> dict[str, str]:
    return {**LEAD, "email": f"ada@verk-{number}-ab.se", "website": f"verk-{number}-ab.se", **more}


def ask(rig: Rig, number: int, **more: str) -> str:
    made = rig.sandbox.create(rig.hub, "contacts", lead(number, **more))
    operations.register(rig.context, rig.hub, made["id"], who="t", source=Source.API, key=made["id"])
    return str(made["id"])


class Refusing:
    """HubSpot's answer to a batch read that holds a certain id, in front of the real client."""

    def __init__(self, real: HubSpotClient, bad: set[str], error: HubSpotError) -> None:
        self._real, self._bad, self._error = real, bad, error
        self.refused = 0

    def in_lane(self, lane: Lane) -> Refusing:
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def batch_read(self, object_type: Any, ids: Any, **more: Any) -> BatchRead:
        if self._bad & set(ids):
            self.refused += 1
            raise self._error
        return self._real.batch_read(object_type, ids, **more)


def behind(rig: Rig, bad: set[str], error: HubSpotError) -> Refusing:
    import time

    refusing = Refusing(rig.context.client(rig.hub), bad, error)
    rig.context._clients[rig.hub] = (time.monotonic(), refusing)  # type: ignore[assignment]
    return refusing


BAD_REQUEST = FixRequest("no such thing", route="POST /x", status=400)
TROUBLE = RetryLater("internal error", route="POST /x", retry_after_s=0.5, scope="call", status=500)


@pytest.mark.parametrize("error", [BAD_REQUEST, TROUBLE])
def test_one_record_that_a_read_chokes_on_harms_no_neighbour(rig: Rig, error: HubSpotError) -> None:
    ids = [ask(rig, number) for number in range(7)]
    behind(rig, {ids[3]}, error)
    rig.settle()
    states = {r.contact_id: r.state for r in rig.requests()}
    assert states == {**dict.fromkeys(ids, "registered"), ids[3]: "processing"}
    [left] = [m for m in rig.marks() if m.kind == "contact"]
    assert (left.object_id, left.attempts) == (ids[3], 1)


def test_trouble_with_all_of_a_portal_is_blamed_on_no_record_and_asked_about_less_and_less(rig: Rig) -> None:
    ids = [ask(rig, number) for number in range(8)]
    refusing = behind(rig, set(ids), TROUBLE)
    waits = []
    for _ in range(4):
        rig.settle()
        with rig.context.database.transaction() as tx:
            until = tx.connection.execute(text("SELECT blocked_until FROM portals WHERE hub_id = :h"), {"h": rig.hub})
            waits.append((until.scalar_one() - rig.clock.time).total_seconds())
        rig.pass_time(seconds=waits[-1] + 0.1)
    assert {m.attempts for m in rig.marks()} == {0}
    assert waits == sorted(waits)
    assert waits[-1] >= 4 * waits[0]
    # three calls a try: the batch, and each half of it
    assert refusing.refused <= 12


def test_a_preview_puts_no_other_domain_on_the_waiting_list(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=0)
    contact_id = ask(rig, 1)
    rig.settle()
    # When the portal is only observed while the website turns bad, and a slot frees before it is read again
    set_mode(rig.context, rig.hub, Mode.OBSERVE, who="t")
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {"website": "localhost"})
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, Kind.CONTACT, [contact_id], priority=Priority.PERSON, cause="t")
    )
    rig.settle()
    [waiting] = rig.requests()
    assert (waiting.state, waiting.domain) == ("waiting", "verk-1-ab.se")


def test_capacity_is_what_it_is_under_the_lock(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=5)
    for number in range(5):
        ask(rig, number)
    locked, go_on = threading.Event(), threading.Event()

    def lower() -> None:
        with rig.context.database.transaction() as tx:
            tx.connection.execute(update(tables.partners).values(capacity=2))
            locked.set()
            go_on.wait(60)

    other = threading.Thread(target=lower)
    other.start()
    locked.wait(60)
    threading.Timer(0.5, go_on.set).start()
    rig.settle()
    other.join()
    assert len(rig.registrations()) == 2


def test_requests_set_in_the_crm_at_once_in_many_contacts_do_not_deadlock(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=1000)
    made = [rig.sandbox.create(rig.hub, "contacts", lead(number))["id"] for number in range(60)]
    for contact_id in made:
        rig.sandbox.edit(rig.hub, "contacts", contact_id, {"partner_registration_request": "register"})
    for contact_id in made:
        rig.context.database.run(
            lambda tx: mark(tx, rig.hub, Kind.CONTACT, [contact_id], priority=Priority.PERSON, cause="t")  # noqa: B023
        )
    from syncworker.sync import claims
    from syncworker.sync.reconcile.work_off import work_off

    batches = [
        rig.context.database.run(
            lambda tx: claims.claim(tx, rig.hub, Kind.CONTACT, lane=claims.Lane.INTERACTIVE, limit=15)
        )
        for _ in range(4)
    ]
    with rig.context.database.transaction() as tx:
        before = _deadlocks(tx)
    threads = [threading.Thread(target=work_off, args=(rig.context, batch)) for batch in batches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rig.settle()
    assert len(rig.registrations()) == 60
    with rig.context.database.transaction() as tx:
        assert _deadlocks(tx) == before


def _deadlocks(tx: Any) -> int:
    tx.connection.execute(text("SELECT pg_stat_force_next_flush()"))
    query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(tx.connection.execute(query).scalar_one())


def test_three_requests_set_in_the_crm_within_an_hour_are_no_sign_that_it_keeps_nothing(rig: Rig) -> None:
    made = rig.sandbox.create(rig.hub, "contacts", lead(1))
    for _ in range(5):
        rig.sandbox.edit(rig.hub, "contacts", made["id"], {"partner_registration_request": "register"})
        rig.context.database.run(
            lambda tx: mark(tx, rig.hub, Kind.CONTACT, [made["id"]], priority=Priority.WEBHOOK, cause="t")
        )
        rig.settle()
        rig.pass_time(minutes=2)
    assert rig.marks() == []
    assert not rig.contact("ada@verk-1-ab.se").get("partner_registration_request")


def test_a_request_set_while_the_clearing_went_wrong_is_heard(rig: Rig) -> None:
    # Given a lead that was registered from the CRM, whose clearing was written but never finished
    made = rig.sandbox.create(rig.hub, "contacts", lead(1))
    rig.sandbox.edit(rig.hub, "contacts", made["id"], {"partner_registration_request": "register"})
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, Kind.CONTACT, [made["id"]], priority=Priority.WEBHOOK, cause="t")
    )
    from syncworker.sync.reconcile import work_off as module

    real = module._finish
    killed = False

    class Killed(BaseException):
        pass

    def kill(*args: Any, **more: Any) -> Any:
        nonlocal killed
        if not killed:
            killed = True
            # Somebody sets it again, and our clearing, on its way, wipes it out
            rig.sandbox.edit(rig.hub, "contacts", made["id"], {"partner_registration_request": "deregister"})
            rig.sandbox.edit(rig.hub, "contacts", made["id"], {"partner_registration_request": ""})
            raise Killed
        return real(*args, **more)

    module._finish = kill
    try:
        with pytest.raises(Killed):
            rig.settle()
    finally:
        module._finish = real
    rig.pass_time(seconds=61)
    rig.settle()
    assert [r.action for r in rig.requests()] == ["register", "deregister"]


def test_a_persons_word_for_a_record_that_is_parked_within_the_minute_is_heard_after_it(rig: Rig) -> None:
    from syncworker.sync import claims

    def put() -> None:
        rig.context.database.run(lambda tx: mark(tx, rig.hub, Kind.CONTACT, ["1"], priority=Priority.PERSON, cause="t"))

    def park() -> None:
        taken = rig.context.database.run(
            lambda tx: claims.claim(tx, rig.hub, Kind.CONTACT, lane=claims.Lane.INTERACTIVE)
        )
        rig.context.database.run(lambda tx: claims.fail(tx, taken, dict.fromkeys(taken.marks, "no"), park=True))

    put()
    park()
    rig.pass_time(seconds=5)
    put()
    [row] = rig.marks()
    assert row.parked_at is None
    assert row.not_before <= rig.clock.time + timedelta(minutes=1)


def test_what_changes_between_two_pages_hides_nothing(rig: Rig) -> None:
    rig.sandbox.seed(contacts=430, companies=10, portal=rig.hub)
    client = rig.context.client(rig.hub)
    since = rig.clock.time - timedelta(days=365 * 30)
    seen: set[str] = set()
    everybody = {record["id"] for page in _all_pages(rig) for record in page}
    stretch: changed.Stretch | None = changed.Stretch(since=since, until=rig.clock.time + timedelta(hours=1))
    while stretch is not None:
        search = changed.ask(Kind.CONTACT, stretch)
        page = client.search(
            "contact",
            filter_groups=[search.filters],
            sort=search.sort,
            properties=[changed.MODIFIED[Kind.CONTACT]],
            limit=changed.PAGE,
        )
        if not seen:
            # Those that were on the first page leave it: all others move up
            for record in page.records[:50]:
                rig.sandbox.edit(rig.hub, "contacts", record.id, {"jobtitle": "Boss"})
        seen |= {record.id for record in page.records}
        stretch = changed.follow(Kind.CONTACT, stretch, page)
    assert everybody <= seen


def _all_pages(rig: Rig) -> Any:
    after: str | None = None
    while True:
        page = rig.context.client(rig.hub).list_page("contact", properties=["email"], after=after)
        yield [{"id": record.id} for record in page.records]
        after = page.after
        if after is None:
            return


def test_a_resync_that_hubspot_refuses_ends_and_says_so(rig: Rig) -> None:
    started = resync.start(rig.context, rig.hub, who="t")
    import time

    class RefusingList(Refusing):
        def listing(self, *args: Any, **more: Any) -> Any:
            raise BAD_REQUEST

    rig.context._clients[rig.hub] = (time.monotonic(), RefusingList(rig.context.client(rig.hub), set(), BAD_REQUEST))  # type: ignore[assignment]
    rig.settle()
    with rig.context.database.transaction() as tx:
        ended = resync.get(tx, started.id)
    assert ended.state == "failed"
    assert "no such thing" in str(ended.last_error)


def test_rings_with_a_delay_do_not_multiply(rig: Rig, redis_url: str) -> None:
    import redis

    waker = RedisWaker(redis_url)
    for _ in range(10):
        waker.ring(Ring(Bell.SERVE_BULK, 7, delay_ms=5000))
    with redis.Redis.from_url(redis_url) as client:
        queued = client.llen("dramatiq:bulk.DQ")
    waker.close()
    assert queued == 1


def test_a_merged_company_keeps_the_state_of_its_lead(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    old = rig.sandbox.by_domain(rig.hub, "fjordline-tools.se")
    assert old is not None
    other = rig.sandbox.create(rig.hub, "companies", {"name": "Fjordline AB", "domain": "fjordline-ab.se"})
    rig.sandbox.edit(rig.hub, "contacts", rig.contact_id("ada@fjordline-tools.se"), {"website": "fjordline-ny.se"})
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/companies/merge", {"primary": other["id"], "secondary": old["id"]})
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, Kind.COMPANY, [old["id"]], priority=Priority.WEBHOOK, cause="t")
    )
    rig.settle()
    rig.context.database.run(
        lambda tx: mark(
            tx, rig.hub, Kind.CONTACT, [rig.contact_id("ada@fjordline-tools.se")], priority=Priority.WEBHOOK, cause="t"
        )
    )
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", "website_changed")


def test_who_began_to_wait_while_another_partner_registered_the_domain_hears_of_it(
    make_rig: Callable[..., Rig],
) -> None:
    # Given a partner that waits for a domain, decided before the other's registration was there to be seen
    rig = make_rig()
    made = rig.sandbox.create(rig.other_hub, "contacts", lead(1))
    with rig.context.database.transaction() as tx:
        tx.connection.execute(
            text("UPDATE partners SET capacity = 0 WHERE id = (SELECT partner_id FROM portals WHERE hub_id = :h)"),
            {"h": rig.other_hub},
        )
    operations.register(rig.context, rig.other_hub, made["id"], who="t", source=Source.API, key="1")
    rig.settle()
    ask(rig, 1)
    from syncworker.registration.ledger import moves

    real = moves.contacts_waiting_elsewhere
    moves.contacts_waiting_elsewhere = lambda *_: set()
    try:
        rig.settle()
    finally:
        moves.contacts_waiting_elsewhere = real
    other = rig.sandbox.record(rig.other_hub, "contacts", made["id"])["properties"]
    assert other["partner_registration_status"] == "unavailable"


def test_history_tells_of_waiting_only_who_waits(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=1)
    ask(rig, 1)
    rig.settle()
    ask(rig, 2)
    rig.settle()
    from syncworker.registration.ledger import history

    with rig.context.database.transaction() as tx:
        told = {n: [e.event for e in history.of_domain(tx, f"verk-{n}-ab.se")] for n in (1, 2)}
    assert told == {1: ["registered"], 2: ["pending"]}


def test_a_hold_can_be_lifted_and_the_flag_goes_with_it(rig: Rig) -> None:
    from syncworker.registration.ledger import holds
    from syncworker.registration.ledger.holds import Hold, NotHeld
    from syncworker.registration.rules.terms import HoldKind
    from syncworker.sync.lists import lists
    from syncworker.sync.lists.hold_list import hold_lines

    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    held = [Hold(domain="fjordline-tools.se", kind=HoldKind.EXISTING_CUSTOMER)]
    rig.context.database.run(lambda tx: holds.add(tx, held, who="t"))
    operations.lift_hold(rig.context, "fjordline-tools.se", who="t")
    rig.settle()
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)
    with rig.context.database.transaction() as tx:
        assert hold_lines(tx).items == ()
        [told] = [
            entry for entry in lists.domain_history(tx, rig.hub, "fjordline-tools.se") if entry.event == "hold_lifted"
        ]
    assert (told.event, told.who, told.why) == ("hold_lifted", "t", "existing_customer")
    with pytest.raises(NotHeld):
        operations.lift_hold(rig.context, "fjordline-tools.se", who="t")
