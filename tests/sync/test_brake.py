"""Nothing takes many statuses away before a person has looked, whoever counts and however it is divided."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from support.rig import LEAD, Rig
from syncworker.cli import output
from syncworker.registration.rules.terms import Source, Status
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.portals import UNTIL_A_PERSON_ACTS, Portal
from syncworker.sync import operations
from syncworker.sync.marks import Kind
from syncworker.sync.portals import pausing
from syncworker.sync.reconcile import brake
from syncworker.sync.reconcile.plan import Plan

VALUES = ["", *Status]


def register(rig: Rig, count: int) -> list[str]:
    """So many contacts without companies, each registered on a domain of its own; their ids."""
    ids = []
    for number in range(count):
        lead = {**LEAD, "email": f"ada@firma-{number}.se", "website": f"firma-{number}.se"}
        ids.append(str(rig.sandbox.create(rig.hub, "contacts", lead)["id"]))
        operations.register(rig.context, rig.hub, ids[-1], who="eva", source=Source.APP, key=str(number))
    rig.settle()
    return ids


def shown(rig: Rig, ids: list[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for contact_id in ids:
        status = rig.sandbox.record(rig.hub, "contacts", contact_id)["properties"]["partner_registration_status"]
        found[status] = found.get(status, 0) + 1
    return found


def portal(rig: Rig) -> Portal:
    with rig.context.database.transaction() as tx:
        return portals.get(tx, rig.hub)


def test_registrations_that_all_end_on_one_day_wait_for_a_person(rig: Rig) -> None:
    ids = register(rig, 25)
    rig.sandbox.reset_stats()
    rig.pass_time(days=400)
    rig.settle()
    # I expect the ledger to be as it is, and the CRM to show what it showed
    assert {row.end_reason for row in rig.registrations()} == {"expired"}
    assert rig.writes() == {}
    assert shown(rig, ids) == {"registered": 25}
    stopped = portal(rig)
    assert (stopped.blocked_reason, stopped.blocked_until) == ("brake", UNTIL_A_PERSON_ACTS)
    assert stopped.blocked_detail is not None
    assert stopped.blocked_detail.startswith("25 of 25 known statuses would be cleared or downgraded within an hour")
    assert "registered to expired" in stopped.blocked_detail
    # where a table shows but the beginning of a cell, too
    command = f"`syncworker unpause --portal {rig.hub}`"
    assert command in output.clean(f"brake: {stopped.blocked_detail}")
    assert command in stopped.blocked_detail[:250]
    # and to stay so, whatever else fails or heals
    rig.pass_time(hours=3)
    with rig.context.database.transaction() as tx:
        portals.block(tx, rig.hub, until=tx.now, reason="outage", detail="HubSpot is away")
        portals.unblock(tx, rig.hub)
    rig.settle()
    assert (portal(rig).blocked_reason, shown(rig, ids)) == ("brake", {"registered": 25})
    # When a person lets it go on
    pausing.unpause(rig.context, rig.hub, who="cli:eva", source=Source.APP)
    rig.settle()
    assert (portal(rig).blocked_reason, shown(rig, ids)) == (None, {"expired": 25})
    with rig.context.database.transaction() as tx:
        told = tx.connection.execute(
            text(
                "SELECT event, coalesce(name, who) FROM history LEFT JOIN persons ON persons.id = person_id "
                "WHERE event LIKE 'brake%' ORDER BY history.id"
            )
        )
        assert [tuple(row) for row in told] == [("braked", "syncworker"), ("brake_released", "cli:eva")]


def test_a_few_are_written_without_asking(rig: Rig) -> None:
    ids = register(rig, 19)
    rig.pass_time(days=400)
    rig.settle()
    assert (portal(rig).blocked_reason, shown(rig, ids)) == (None, {"expired": 19})


def plan(*ids: int, before: str = "registered", after: str = "") -> Plan:
    made = Plan()
    for number in ids:
        made.settle(
            (Kind.CONTACT, str(number)),
            changes={"status": after},
            wanted={"status": after},
            current={"status": before},
            known=None,
            now=None,  # type: ignore[arg-type] # asked only of what is known
        )
    return made


def hold_back(rig: Rig, made: Plan) -> bool:
    of = portal(rig)
    return rig.context.database.run(lambda tx: brake.hold_back(tx, of, made, "status", "domain"))


def know(rig: Rig, count: int) -> None:
    """So many records of the portal show a status."""
    insert = text("""
        INSERT INTO records (hub_id, kind, object_id, reconciled_at, written)
        SELECT :hub, 'contact', 'r' || n, now(), '{"status": "registered"}' FROM generate_series(1, :count) AS n
    """)
    with rig.context.database.transaction() as tx:
        tx.connection.execute(insert, {"hub": rig.hub, "count": count})


def test_the_batches_of_an_hour_count_together_and_a_record_once(rig: Rig) -> None:
    know(rig, 1000)
    assert not hold_back(rig, plan(*range(40)))
    # The same records again, tried anew: nothing more falls
    assert not hold_back(rig, plan(*range(40)))
    # Those that show more than before, or the same, do not count
    assert not hold_back(rig, plan(*range(100, 200), before="pending", after="registered"))
    assert not hold_back(rig, plan(*range(200, 300), before="expired", after="unavailable"))
    late = plan(*range(40, 51))
    assert hold_back(rig, late)
    assert late.writes == {}
    assert portal(rig).blocked_reason == "brake"
    # Nor is anything else written then, by whoever had begun before
    harmless = plan(500, before="", after="registered")
    assert hold_back(rig, harmless)
    assert harmless.writes == {}


def test_after_an_hour_it_counts_anew(rig: Rig) -> None:
    know(rig, 1000)
    assert not hold_back(rig, plan(*range(50)))
    rig.pass_time(minutes=61)
    assert not hold_back(rig, plan(*range(50, 100)))


def test_a_release_lasts_an_hour_and_what_it_wrote_does_not_count(rig: Rig) -> None:
    know(rig, 100)
    assert hold_back(rig, plan(*range(30)))
    pausing.unpause(rig.context, rig.hub, who="eva", source=Source.APP)
    assert not hold_back(rig, plan(*range(60)))
    rig.pass_time(minutes=61)
    assert not hold_back(rig, plan(*range(60, 79)))
    assert hold_back(rig, plan(79))


def test_a_clock_that_was_a_year_ahead_leaves_no_release_and_no_count_of_that_year(rig: Rig) -> None:
    know(rig, 1000)
    before = rig.clock.time
    rig.pass_time(days=365)
    assert hold_back(rig, plan(*range(60)))
    pausing.unpause(rig.context, rig.hub, who="eva", source=Source.APP)
    rig.pass_time(minutes=61)
    assert not hold_back(rig, plan(*range(40)))
    # When the clock is set right, what fell counts on for an hour
    rig.clock.time = before
    assert hold_back(rig, plan(*range(40, 51)))
    pausing.unpause(rig.context, rig.hub, who="eva", source=Source.APP)
    rig.pass_time(days=1)
    assert not hold_back(rig, plan(*range(40)))
    # and a release of a year from now lets nothing pass
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE brakes SET released_until = :at"), {"at": before + timedelta(days=365)})
    assert hold_back(rig, plan(*range(60)))


def test_workers_that_count_at_once_do_not_pass_it_together(rig: Rig) -> None:
    know(rig, 400)
    plans = [plan(*range(start, start + 10)) for start in range(0, 80, 10)]
    of = portal(rig)

    def work(made: Plan) -> None:
        def count(tx: Tx) -> bool:
            return brake.hold_back(tx, of, made, "status", "domain")

        rig.context.database.run(count)

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, plans))
    assert sum(len(made.writes) for made in plans) == 20
    assert portal(rig).blocked_reason == "brake"


@given(before=st.sampled_from(VALUES), after=st.sampled_from(VALUES))
def test_what_falls_does_not_rise_when_it_is_put_back(before: str, after: str) -> None:
    assert not (brake.is_downgrade(before, after) and brake.is_downgrade(after, before))
    assert brake.is_downgrade(before, "") == bool(before)
    assert not brake.is_downgrade(before, Status.REGISTERED)


@pytest.mark.parametrize(
    ("falling", "known", "too_many"),
    [(19, 0, False), (20, 0, True), (20, 399, True), (20, 400, False), (21, 400, True), (5000, 100_000, False)],
)
def test_five_percent_and_at_least_twenty(falling: int, known: int, too_many: bool) -> None:
    assert brake.is_too_many(falling, known) is too_many
