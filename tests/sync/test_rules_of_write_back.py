"""Who may write, what if HubSpot refuses, and what if somebody else was faster?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from support.rig import LEAD, Rig, Unlimited
from support.second_worker import Meanwhile, second_worker
from syncworker.hubspot.quota import Bucket
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync import claims, marks, operations
from syncworker.sync.claims import BACKOFF, LEASE, Claim, Lane
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.reconcile import work_off
from syncworker.sync.reconcile.reconcile import OLDEST_EVERY, reconcile, reconcile_kind
from syncworker.sync.wake import Bell, Ring

ADA = "ada@fjordline-tools.se"
STATUS = "partner_registration_status"


def leads(rig: Rig, count: int) -> list[str]:
    """Leads of as many companies, all asked to be registered."""
    ids = []
    for number in range(count):
        domain = f"lead-{number}-works.se"
        company = rig.sandbox.create(rig.hub, "companies", {"name": domain, "domain": domain})
        made = rig.sandbox.create(
            rig.hub, "contacts", {**LEAD, "email": f"a@{domain}", "website": domain}, company=company["id"]
        )
        ids.append(str(made["id"]))
        operations.register(rig.context, rig.hub, ids[-1], who="t", source=Source.API, key=ids[-1])
    return ids


def status(rig: Rig, contact_id: str) -> str | None:
    value: str | None = rig.sandbox.record(rig.hub, "contacts", contact_id)["properties"].get(STATUS)
    return value


def options(rig: Rig, *, without: str | None) -> None:
    """A person takes an option of the status away (or puts all back), on contacts."""
    token = rig.portals[0]["access_token"]
    path = f"/crm/properties/2026-09/contacts/{STATUS}"
    known = ("registered", "pending", "unavailable", "invalid_data", "expired", "deregistered")
    body = {"options": [{"label": name, "value": name} for name in known if name != without]}
    rig.sandbox.json("PATCH", path, body, token=token)


def mark_of(rig: Rig, contact_id: str) -> Any:
    [found] = [row for row in rig.marks() if (row.kind, row.object_id) == ("contact", contact_id)]
    return found


# --- one bad record ---


def test_a_batch_that_is_refused_is_split_until_the_bad_record_is_alone(rig: Rig) -> None:
    options(rig, without="unavailable")
    rig.context.database.run(
        lambda tx: tx.connection.execute(
            text(
                "INSERT INTO holds (domain, kind, added_by, added_at)"
                " VALUES ('lead-3-works.se', 'existing_customer', 't', now())"
            )
        )
    )
    ids = leads(rig, 8)
    rig.sandbox.reset_stats()
    reconcile_kind(rig.context, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    # I expect all but the bad one to be written
    assert [status(rig, i) for i in ids] == ["registered"] * 3 + [None] + ["registered"] * 4
    # with one call for each step of halving: 8, 4, 4, 2, 2, 1, 1
    assert sum(n for key, n in rig.writes().items() if "contacts" in key) == 7
    # and the bad one alone to be tried again
    rig.settle()
    [failed] = rig.marks()
    assert (failed.object_id, failed.attempts, failed.parked_at) == (ids[3], 1, None)


def test_a_record_that_fails_again_and_again_is_parked_with_the_reason_in_words(rig: Rig) -> None:
    options(rig, without="registered")
    [contact_id] = leads(rig, 1)
    for step in BACKOFF:
        rig.settle()
        assert mark_of(rig, contact_id).parked_at is None
        rig.clock.time += step * 1.2
    rig.settle()
    parked = mark_of(rig, contact_id)
    assert parked.parked_at is not None
    assert STATUS in parked.last_error
    with rig.context.database.transaction() as tx:
        assert not portals.get(tx, rig.hub).is_blocked(tx.now)
    # When a person has mended it and says so
    options(rig, without=None)
    rig.context.database.run(lambda tx: marks.retry(tx, rig.hub))
    rig.settle()
    assert status(rig, contact_id) == "registered"


def test_of_a_partial_answer_each_record_has_its_own_result(rig: Rig) -> None:
    ids = leads(rig, 4)
    gone = Meanwhile(
        "2026-09/contacts/batch/read", lambda: rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{ids[1]}/delete")
    )
    with second_worker(rig, gone) as worker:
        reconcile_kind(worker, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    assert [status(rig, i) for i in (ids[0], ids[2], ids[3])] == ["registered"] * 3
    assert mark_of(rig, ids[1]).attempts == 1
    # The next look finds that it is gone
    rig.clock.time += BACKOFF[0] * 1.2
    rig.settle()
    assert rig.marks() == []


def test_a_record_that_hubspot_cannot_write_counts_against_that_record_and_blocks_nobody(rig: Rig) -> None:
    first, second = leads(rig, 2)
    # Given that HubSpot reports an error of its own for every second record
    broken = Meanwhile("2026-09/companies/batch/read", lambda: rig.sandbox.faults(http={"partial_batch": 1.0}))
    with second_worker(rig, broken) as worker:
        reconcile_kind(worker, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    rig.sandbox.faults()
    assert (status(rig, first), status(rig, second)) == ("registered", None)
    assert mark_of(rig, second).attempts == 1
    with rig.context.database.transaction() as tx:
        assert portals.get(tx, rig.hub).blocked_until is None
    rig.clock.time += BACKOFF[0] * 1.2
    rig.settle()
    assert status(rig, second) == "registered"


# --- somebody was faster ---


def test_whoever_lost_the_lease_before_the_write_back_writes_nothing(rig: Rig) -> None:
    [contact_id] = leads(rig, 1)
    rig.sandbox.reset_stats()

    def overtake() -> None:
        rig.clock.time += LEASE
        assert reconcile_kind(rig.context, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
        # and it changed since, so that writing what was read before would show
        rig.sandbox.edit(rig.hub, "contacts", contact_id, {"partner_registration_detail": "newer"})

    with second_worker(rig, Meanwhile("2026-09/companies/batch/read", overtake)) as slow:
        reconcile_kind(slow, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    assert {key: n for key, n in rig.writes().items() if "contacts" in key} == {
        "POST /crm/objects/contacts/batch/update 200": 1
    }
    assert len(rig.registrations()) == 1
    assert rig.contact("a@lead-0-works.se")["partner_registration_detail"] == "newer"


def test_the_lease_is_renewed_before_the_write_back(rig: Rig) -> None:
    [contact_id] = leads(rig, 1)
    left: list[timedelta] = []

    def later() -> None:
        rig.clock.time += LEASE - timedelta(seconds=1)

    def look() -> None:
        left.append(mark_of(rig, contact_id).not_before - rig.clock.time)

    slow_read, write = Meanwhile("2026-09/companies/batch/read", later), Meanwhile("contacts/batch/update", look)

    def both(call: object) -> None:
        slow_read(call)  # type: ignore[arg-type] # a CallMade
        write(call)  # type: ignore[arg-type] # a CallMade

    with second_worker(rig, both) as worker:
        reconcile_kind(worker, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    assert left == [LEASE]
    assert status(rig, contact_id) == "registered"


def test_what_is_marked_while_it_is_written_is_looked_at_again(rig: Rig) -> None:
    [contact_id] = leads(rig, 1)
    again = Meanwhile(
        "contacts/batch/update",
        lambda: rig.context.database.run(
            lambda tx: mark(tx, rig.hub, Kind.CONTACT, [contact_id], priority=Priority.WEBHOOK, cause="t")
        ),
    )
    with second_worker(rig, again) as worker:
        reconcile_kind(worker, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    assert mark_of(rig, contact_id).not_before <= rig.clock.time


def test_the_partner_is_locked_before_the_marks(rig: Rig) -> None:
    [contact_id] = leads(rig, 1)
    worker = threading.Thread(target=reconcile_kind, args=(rig.context, rig.hub, Kind.CONTACT, Lane.INTERACTIVE))
    with rig.context.database.transaction() as tx:
        portals.lock_partner(tx, portals.get(tx, rig.hub).partner.id)
        worker.start()
        while not _somebody_waits(rig):
            assert worker.is_alive()
        # Given a worker that waits for the partner, I expect whoever has it to get at the marks
        free = text("SELECT count(*) FROM (SELECT FROM marks WHERE object_id = :id FOR UPDATE SKIP LOCKED) AS free")
        assert tx.connection.execute(free, {"id": contact_id}).scalar_one() == 1
    worker.join(20)
    assert status(rig, contact_id) == "registered"


def _somebody_waits(rig: Rig) -> bool:
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with rig.context.database.transaction() as tx:
        return bool(tx.connection.execute(text(waits)).scalar_one())


# --- whom a domain concerns ---


def registered(rig: Rig) -> str:
    rig.submit(ADA)
    rig.settle()
    assert rig.status(ADA) == ("registered", None)
    return rig.contact_id(ADA)


def fan_out(rig: Rig, *, reconciled_later_by: timedelta) -> set[str]:
    """Mark the domain now, let its records be reconciled that much later; which kinds are looked at again?"""

    def work(tx: Tx) -> None:
        mark(tx, rig.hub, Kind.DOMAIN, ["fjordline-tools.se"], priority=Priority.POLL, cause="t")
        tx.connection.execute(text("UPDATE records SET reconciled_at = :at"), {"at": tx.now + reconciled_later_by})

    rig.context.database.run(work)
    reconcile_kind(rig.context, rig.hub, Kind.DOMAIN, Lane.BULK)
    return {row.kind for row in rig.marks()}


def test_what_was_decided_with_the_domain_is_not_looked_at_again(rig: Rig) -> None:
    registered(rig)
    assert fan_out(rig, reconciled_later_by=timedelta(0)) == set()
    assert fan_out(rig, reconciled_later_by=timedelta(minutes=5)) == set()


@pytest.mark.parametrize("seconds", [-1.0, 0.001, 5.0])
def test_what_was_reconciled_before_the_change_could_be_seen_is_looked_at_again(rig: Rig, seconds: float) -> None:
    registered(rig)
    # A transaction that began a moment after the change's did not see it, if that one waited for a lock
    assert fan_out(rig, reconciled_later_by=timedelta(seconds=seconds)) == {"contact", "company"}


# --- whose turn, and at what cost ---


def test_every_fifth_claim_takes_the_oldest(rig: Rig) -> None:
    def put(*ids: str, priority: Priority) -> None:
        rig.context.database.run(lambda tx: mark(tx, rig.hub, Kind.CONTACT, ids, priority=priority, cause="t"))

    put("999999", priority=Priority.RESYNC)
    rig.clock.time += timedelta(minutes=1)
    for _ in range(OLDEST_EVERY):
        put(*map(str, range(1_000_001, 1_000_301)), priority=Priority.POLL)
        reconcile_kind(rig.context, rig.hub, Kind.CONTACT, Lane.BULK)
    assert "999999" not in {row.object_id for row in rig.marks()}


class NoQuota(Unlimited):
    """Somebody has used up the limit: `wait_s` from now there is some again."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s

    def wait_for(self, hub_id: int, bucket: Bucket, *, lane: Lane = Lane.INTERACTIVE) -> float:
        return self.wait_s


class RefusesAll(Unlimited):
    """There was quota when it was asked about, and others took it."""

    def take(self, hub_id: int, bucket: Bucket, *, wait_s: float, lane: Lane = Lane.INTERACTIVE) -> None:
        raise RateLimited(hub_id, bucket, 3.0, lane=lane)


def test_without_quota_nothing_is_claimed_and_the_bell_is_rung_for_when_there_is_some(rig: Rig) -> None:
    [contact_id] = leads(rig, 1)
    rig.waker.rings.clear()
    with second_worker(rig, limiter=NoQuota(7.0)) as worker:
        assert reconcile(worker, rig.hub, Lane.INTERACTIVE) is False
    assert mark_of(rig, contact_id).claim_token is None
    assert Ring(Bell.SERVE_INTERACTIVE, rig.hub, delay_ms=7000) in rig.waker.rings


def test_quota_that_is_gone_after_the_claim_gives_the_claim_back_uncounted(rig: Rig) -> None:
    [contact_id] = leads(rig, 1)
    with second_worker(rig, limiter=RefusesAll()) as worker:
        reconcile_kind(worker, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    back = mark_of(rig, contact_id)
    assert (back.claim_token, back.attempts) == (None, 0)
    with rig.context.database.transaction() as tx:
        portal = portals.get(tx, rig.hub)
    assert (portal.blocked_reason, portal.blocked_until) == ("rate_limit", rig.clock.time + timedelta(seconds=3))
    rig.pass_time(seconds=3)
    rig.settle()
    assert status(rig, contact_id) == "registered"


def test_quota_that_only_bulk_work_waits_for_blocks_the_portal_for_nobody(rig: Rig) -> None:
    [contact_id] = leads(rig, 1)
    with second_worker(rig, limiter=RefusesAll()) as worker:
        reconcile_kind(worker.in_lane(Lane.BULK), rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    back = mark_of(rig, contact_id)
    assert (back.claim_token, back.attempts) == (None, 0)
    with rig.context.database.transaction() as tx:
        assert not portals.get(tx, rig.hub).is_blocked(rig.clock.time)


def test_raising_the_capacity_in_the_settings_gives_the_new_slots_away(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig(partner_capacity=0)
    registered_later = leads(rig, 1)
    rig.settle()
    assert status(rig, registered_later[0]) == "pending"
    # When it starts again with other settings
    again = make_rig(partner_capacity=1)
    again.settle()
    assert status(rig, registered_later[0]) == "registered"


def test_another_tier_in_the_settings_is_shown_on_the_companies(make_rig: Callable[..., Rig]) -> None:
    rig = make_rig()
    registered(rig)
    again = make_rig(partner_tier="gold")
    again.settle()
    assert rig.company("fjordline-tools.se")["partner_tier"] == "gold"


def test_a_lease_that_was_waited_away_is_renewed_before_anything_is_written(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    rig.submit(ADA)
    renewed = []
    renew = claims.renew

    def renew_and_count(tx: Tx, claim: Claim) -> object:
        renewed.append(tx.now)
        return renew(tx, claim)

    monkeypatch.setattr(claims, "renew", renew_and_count)
    # Given a transaction that had to wait for all of what counts as soon
    monkeypatch.setattr(work_off, "SOON_S", 0.0)
    operations.register(rig.context, rig.hub, rig.contact_id(ADA), who="t", source=Source.API, key="k")
    reconcile_kind(rig.context, rig.hub, Kind.CONTACT, Lane.INTERACTIVE)
    # I expect it renewed when it was decided, and before the contact and the company were written
    assert len(renewed) == 3
    assert rig.status(ADA) == ("registered", None)


class Killed(BaseException):
    """The process is gone."""


def killed() -> None:
    raise Killed


def test_what_a_killed_worker_wrote_is_taken_back_when_it_is_true_no_more(rig: Rig) -> None:
    # Given a second lead at a registered domain, and a worker that is killed when it has written to it and its company
    rig.submit(ADA)
    rig.settle()
    bo = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": "bo@fjordline-tools.se", "website": "fjordline.se"})
    company = rig.sandbox.create(rig.hub, "companies", {"name": "Fjordline", "domain": "fjordline-tools.se"})
    rig.settle()
    rig.sandbox.edit(rig.hub, "contacts", bo["id"], {"website": "fjordline-tools.se"})
    operations.register(rig.context, rig.hub, bo["id"], who="t", source=Source.API, key="k")
    mark_them(rig, Kind.COMPANY, company["id"])
    for kind in (Kind.CONTACT, Kind.COMPANY):
        with second_worker(rig, Meanwhile("/batch/update", killed)) as worker, suppress(Killed):
            reconcile_kind(worker, rig.hub, kind, Lane.INTERACTIVE)
    assert status(rig, bo["id"]) == "registered"
    assert rig.sandbox.record(rig.hub, "companies", company["id"])["properties"].get(STATUS) == "registered"
    # When both are of another domain before anybody looks again
    rig.sandbox.edit(rig.hub, "contacts", bo["id"], {"website": "another-site.se"})
    rig.sandbox.edit(rig.hub, "companies", company["id"], {"domain": "another-site.se"})
    rig.pass_time(seconds=LEASE.total_seconds() + 1)
    rig.settle()
    # I expect neither to show a registration that is not theirs
    assert not status(rig, bo["id"])
    assert not rig.sandbox.record(rig.hub, "companies", company["id"])["properties"].get(STATUS)


def mark_them(rig: Rig, kind: Kind, *ids: str) -> None:
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, kind, ids, priority=Priority.PERSON, cause="t"),
    )
