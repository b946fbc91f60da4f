"""Marks and claims: what is looked at again, by whom, in which order, and what if that fails."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from support.ledger import LedgerRig
from syncworker.store.tables import marks as table
from syncworker.sync import claims, marks
from syncworker.sync.claims import BACKOFF, LEASE, Claim, Lane
from syncworker.sync.marks import Kind, Priority, mark

HUB = 42


@pytest.fixture
def rig(database_url: str) -> Iterator[LedgerRig]:
    made = LedgerRig(database_url)
    made.portal(HUB)
    yield made
    made.close()


def put(rig: LedgerRig, *ids: str, priority: Priority = Priority.WEBHOOK, kind: Kind = Kind.CONTACT) -> None:
    rig.database.run(lambda tx: mark(tx, HUB, kind, ids, priority=priority, cause="a test"))


def take(rig: LedgerRig, lane: Lane = Lane.INTERACTIVE, **more: Any) -> Claim:
    return rig.database.run(lambda tx: claims.claim(tx, HUB, Kind.CONTACT, lane=lane, **more))


def rows(rig: LedgerRig) -> dict[str, Any]:
    with rig.database.transaction() as tx:
        return {row.object_id: row for row in tx.connection.execute(select(table))}


def key(object_id: str) -> tuple[Kind, str]:
    return (Kind.CONTACT, object_id)


def finish(rig: LedgerRig, claim: Claim) -> None:
    rig.database.run(lambda tx: claims.finish(tx, claim, claim.marks.keys()))


def fail(rig: LedgerRig, claim: Claim, object_id: str, message: str = "no") -> None:
    rig.database.run(lambda tx: claims.fail(tx, claim, {key(object_id): message}))


def test_marking_again_takes_a_new_generation_and_adds_no_row(rig: LedgerRig) -> None:
    put(rig, "1")
    first = rows(rig)["1"].generation
    for _ in range(5):
        put(rig, "1", "1")
    assert len(rows(rig)) == 1
    assert rows(rig)["1"].generation > first


def test_a_claim_takes_a_hundred_at_most_and_nobody_else_gets_them(rig: LedgerRig) -> None:
    put(rig, *map(str, range(150)))
    first, second, third = take(rig), take(rig), take(rig)
    assert (len(first.ids), len(second.ids), third.ids) == (100, 50, [])
    assert not set(first.ids) & set(second.ids)
    assert {row.not_before for row in rows(rig).values()} == {rig.clock.time + LEASE}


def test_two_claims_at_the_same_instant_share_nothing(rig: LedgerRig) -> None:
    put(rig, *map(str, range(120)))
    with rig.database.transaction() as one, rig.database.transaction() as two:
        first = claims.claim(one, HUB, Kind.CONTACT, lane=Lane.INTERACTIVE)
        second = claims.claim(two, HUB, Kind.CONTACT, lane=Lane.INTERACTIVE)
    assert (len(first.ids), len(second.ids)) == (100, 20)


def test_a_killed_workers_lease_runs_out_and_that_is_the_recovery(rig: LedgerRig) -> None:
    put(rig, "1")
    take(rig)
    rig.clock.time += LEASE - timedelta(seconds=1)
    assert take(rig).ids == []
    rig.clock.time += timedelta(seconds=1)
    assert take(rig).ids == ["1"]


def test_renewing_starts_the_lease_anew(rig: LedgerRig) -> None:
    put(rig, "1")
    claim = take(rig)
    rig.clock.time += LEASE * 0.8
    assert rig.database.run(lambda tx: claims.renew(tx, claim)) == {key("1")}
    rig.clock.time += LEASE * 0.8
    assert take(rig).ids == []


def test_without_the_token_nobody_renews_finishes_or_fails(rig: LedgerRig) -> None:
    put(rig, "1")
    lost = take(rig)
    rig.clock.time += LEASE
    mine = take(rig)
    # When the one who lost the lease comes back
    assert rig.database.run(lambda tx: claims.renew(tx, lost)) == frozenset()
    finish(rig, lost)
    fail(rig, lost, "1")
    rig.database.run(lambda tx: claims.give_back(tx, lost))
    # I expect the mark to be as the new holder left it
    row = rows(rig)["1"]
    assert (row.claim_token, row.attempts) == (mine.token, 0)


def test_finishing_deletes_the_mark(rig: LedgerRig) -> None:
    put(rig, "1")
    finish(rig, take(rig))
    assert rows(rig) == {}


def test_what_was_marked_again_meanwhile_is_looked_at_again_at_once(rig: LedgerRig) -> None:
    put(rig, "1", "2")
    claim = take(rig)
    put(rig, "2")
    # Then it keeps its lease: nobody else takes it
    assert take(rig).ids == []
    finish(rig, claim)
    assert list(rows(rig)) == ["2"]
    assert take(rig).ids == ["2"]


def test_a_failure_rests_for_each_step_of_the_schedule_and_is_then_parked_with_its_reason(
    rig: LedgerRig,
) -> None:
    put(rig, "1", priority=Priority.POLL)
    for step in BACKOFF:
        fail(rig, take(rig, Lane.BULK), "1", "the CRM says no")
        rest = rows(rig)["1"].not_before - rig.clock.time
        assert step * 0.8 <= rest <= step * 1.2
        assert take(rig, Lane.BULK).ids == []
        rig.clock.time += step * 1.2
    fail(rig, take(rig, Lane.BULK), "1", "the CRM says no")
    assert rows(rig)["1"].parked_at == rig.clock.time
    assert rows(rig)["1"].last_error == "the CRM says no"
    rig.clock.time += timedelta(days=30)
    assert take(rig, Lane.BULK).ids == []


def test_a_failure_of_the_portal_leaves_the_attempts_as_they_are(rig: LedgerRig) -> None:
    put(rig, "1")
    claim = take(rig)
    rig.database.run(lambda tx: claims.give_back(tx, claim, error="HubSpot is away"))
    row = rows(rig)["1"]
    assert (row.attempts, row.last_error, row.claim_token) == (0, "HubSpot is away", None)
    assert take(rig).ids == ["1"]


def parked(rig: LedgerRig) -> None:
    put(rig, "1", priority=Priority.POLL)
    claim = take(rig, Lane.BULK)
    rig.database.run(lambda tx: claims.fail(tx, claim, {key("1"): "no"}, park=True))


@pytest.mark.parametrize("priority", [Priority.PERSON, Priority.WEBHOOK])
def test_a_persons_a_forms_or_a_webhooks_mark_unparks(rig: LedgerRig, priority: Priority) -> None:
    parked(rig)
    put(rig, "1", priority=priority)
    row = rows(rig)["1"]
    assert (row.parked_at, row.attempts) == (None, 0)
    assert take(rig).ids == ["1"]


@pytest.mark.parametrize("priority", [Priority.POLL, Priority.RESYNC])
def test_a_bulk_mark_leaves_parking_and_backoff_alone(rig: LedgerRig, priority: Priority) -> None:
    parked(rig)
    put(rig, "1", priority=priority)
    assert rows(rig)["1"].parked_at is not None
    put(rig, "2", priority=Priority.POLL)
    fail(rig, take(rig, Lane.BULK), "2")
    before = rows(rig)["2"]
    put(rig, "2", priority=priority)
    after = rows(rig)["2"]
    assert (after.not_before, after.attempts) == (before.not_before, 1)


def test_a_backoff_is_reset_once_a_minute_at_most(rig: LedgerRig) -> None:
    put(rig, "1")
    fail(rig, take(rig), "1")
    rig.clock.time += timedelta(minutes=1)
    put(rig, "1")
    assert rows(rig)["1"].attempts == 0
    fail(rig, take(rig), "1")
    rig.clock.time += timedelta(seconds=4)
    # Then a storm of webhooks for a record that fails is no storm of calls
    put(rig, "1")
    assert rows(rig)["1"].attempts == 1
    assert take(rig).ids == []


def test_people_go_before_webhooks_and_polls_before_resyncs(rig: LedgerRig) -> None:
    put(rig, "resync", priority=Priority.RESYNC)
    put(rig, "poll", priority=Priority.POLL)
    put(rig, "webhook", priority=Priority.WEBHOOK)
    put(rig, "person", priority=Priority.PERSON)
    order = [take(rig, lane, limit=1).ids for lane in (Lane.INTERACTIVE, Lane.INTERACTIVE, Lane.BULK, Lane.BULK)]
    assert order == [["person"], ["webhook"], ["poll"], ["resync"]]
    assert take(rig).ids == []


def test_a_claim_of_the_oldest_does_not_mind_priority(rig: LedgerRig) -> None:
    put(rig, "old resync", priority=Priority.RESYNC)
    rig.clock.time += timedelta(minutes=1)
    put(rig, "poll", priority=Priority.POLL)
    assert take(rig, Lane.BULK, limit=1, oldest_first=True).ids == ["old resync"]


def test_a_flood_of_webhooks_counts_as_bulk_and_people_still_come_first(rig: LedgerRig) -> None:
    put(rig, *map(str, range(501)))
    put(rig, "person", priority=Priority.PERSON)
    assert take(rig).ids == ["person"]
    assert take(rig).ids == []
    assert len(take(rig, Lane.BULK).ids) == 100


def test_a_mark_takes_the_better_priority_and_keeps_it(rig: LedgerRig) -> None:
    put(rig, "1", priority=Priority.POLL)
    put(rig, "1", priority=Priority.PERSON)
    put(rig, "1", priority=Priority.RESYNC)
    assert rows(rig)["1"].priority == Priority.PERSON


def along(rig: LedgerRig, claim: Claim, *companies: str) -> None:
    rig.database.run(lambda tx: claims.claim_also(tx, claim, Kind.COMPANY, companies, cause="a test"))


def test_companies_come_along_under_the_same_token(rig: LedgerRig) -> None:
    put(rig, "1")
    claim = take(rig)
    along(rig, claim, "c1", "c2")
    assert {k for k in claim.marks if k[0] is Kind.COMPANY} == {(Kind.COMPANY, "c1"), (Kind.COMPANY, "c2")}
    assert rig.database.run(lambda tx: claims.renew(tx, claim)) == claim.marks.keys()
    finish(rig, claim)
    assert rows(rig) == {}


def test_a_company_that_somebody_holds_is_marked_again_instead(rig: LedgerRig) -> None:
    put(rig, "c1", kind=Kind.COMPANY)
    holder = rig.database.run(lambda tx: claims.claim(tx, HUB, Kind.COMPANY, lane=Lane.INTERACTIVE))
    put(rig, "1")
    claim = take(rig)
    along(rig, claim, "c1")
    assert (Kind.COMPANY, "c1") not in claim.marks
    # Then whoever holds it has to look again
    finish(rig, holder)
    again = rig.database.run(lambda tx: claims.claim(tx, HUB, Kind.COMPANY, lane=Lane.INTERACTIVE))
    assert again.ids == ["c1"]


def test_a_parked_company_does_not_come_along(rig: LedgerRig) -> None:
    put(rig, "c1", kind=Kind.COMPANY)
    holder = rig.database.run(lambda tx: claims.claim(tx, HUB, Kind.COMPANY, lane=Lane.INTERACTIVE))
    rig.database.run(lambda tx: claims.fail(tx, holder, {(Kind.COMPANY, "c1"): "no"}, park=True))
    put(rig, "1")
    claim = take(rig)
    along(rig, claim, "c1")
    assert (Kind.COMPANY, "c1") not in claim.marks
    assert rows(rig)["c1"].parked_at is not None


def test_one_word_of_a_person_retries_or_dismisses_what_is_parked(rig: LedgerRig) -> None:
    parked(rig)
    assert rig.database.run(lambda tx: marks.retry(tx, HUB)) == 1
    assert take(rig).ids == ["1"]
    rig.clock.time += LEASE
    claim = take(rig)
    rig.database.run(lambda tx: claims.fail(tx, claim, {key("1"): "no"}, park=True))
    assert rig.database.run(lambda tx: marks.dismiss(tx, HUB, Kind.CONTACT, "1")) == 1
    assert rows(rig) == {}


def test_retry_and_dismiss_touch_nothing_that_is_not_parked(rig: LedgerRig) -> None:
    put(rig, "1")
    assert rig.database.run(lambda tx: marks.retry(tx, HUB)) == 0
    assert rig.database.run(lambda tx: marks.dismiss(tx, HUB)) == 0
    assert list(rows(rig)) == ["1"]


def test_a_claim_with_another_token_is_nobodys(rig: LedgerRig) -> None:
    put(rig, "1")
    claim = replace(take(rig), token=uuid4())
    finish(rig, claim)
    assert list(rows(rig)) == ["1"]
