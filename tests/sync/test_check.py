"""Does a check say what would come of a request, whatever is free, waits or is overdue, and do nothing?"""

from __future__ import annotations

from sqlalchemy import text

from support.rig import LEAD, Rig
from syncworker.registration.rules.decision import Outcome
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.sync import operations
from syncworker.sync.lists import lists
from syncworker.sync.lists.check import Checked, check

# Portal :hub waits for lead-1.se to lead-:many.se, in this order.
_LINE = text("""
    INSERT INTO requests (partner_id, hub_id, action, source, key, who, requested_at, created_at, contact_id, state,
                          reason, domain)
    SELECT partner_id, hub_id, 'register', 'form', 'k' || n, 'form', now() - interval '1 day' + n * interval '1 s',
           now(), 9000 + n, 'waiting', 'capacity_reached', 'lead-' || n || '.se'
      FROM portals, generate_series(1, :many) AS n WHERE hub_id = :hub
""")
MANY = 40


def contact(rig: Rig, domain: str) -> str:
    fields = {**LEAD, "email": f"ada@{domain}", "website": domain}
    return str(rig.sandbox.create(rig.hub, "contact", fields)["id"])


def looked_at(rig: Rig, contact_id: str) -> Checked:
    return check(rig.context, rig.hub, contact_id, source=Source.APP)


def counted(checked: Checked) -> tuple[Outcome, int | None, int, int]:
    return checked.decision.outcome, checked.position, checked.capacity.used, checked.capacity.waiting


def set_capacity(rig: Rig, to: int) -> None:
    """By hand in the database: nobody gives the slots away."""
    run(rig, f"UPDATE partners SET capacity = {to}")


def run(rig: Rig, sql: str) -> None:
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text(sql))


def test_free_slots_go_to_those_who_stand_before_it_as_when_it_is_really_asked_for(rig: Rig) -> None:
    asked = contact(rig, "asked.se")
    with rig.context.database.transaction() as tx:
        tx.connection.execute(_LINE, {"hub": rig.hub, "many": MANY})
    set_capacity(rig, 0)
    assert counted(looked_at(rig, asked)) == (Outcome.WAIT, MANY + 1, 0, MANY)
    set_capacity(rig, MANY + 1)
    assert counted(looked_at(rig, asked)) == (Outcome.REGISTER, None, MANY, 0)
    set_capacity(rig, 10)
    foreseen = looked_at(rig, asked)
    assert counted(foreseen) == (Outcome.WAIT, MANY + 1 - 10, 10, MANY - 10)
    assert not rig.registrations()
    operations.register(rig.context, rig.hub, asked, who="ada", source=Source.APP, key="k")
    rig.settle()
    with rig.context.database.transaction() as tx:
        held = lists.capacity_of(rig.context, tx, rig.hub)
        line = lists.requests_(tx, rig.hub, state="waiting").items
    assert (held.used, held.waiting) == (foreseen.capacity.used, foreseen.capacity.waiting + 1)
    assert [one.position for one in line if one.request.domain == "asked.se"] == [foreseen.position]
    # It has its own place by now.
    assert looked_at(rig, asked).position == foreseen.position
    set_capacity(rig, MANY)
    assert counted(looked_at(rig, asked)) == (Outcome.WAIT, 1, MANY, 1)
    set_capacity(rig, MANY + 1)
    assert looked_at(rig, asked).decision.outcome is Outcome.REGISTER


def test_who_waits_in_a_portal_that_is_paused_leaves_the_slot_to_others(rig: Rig) -> None:
    asked = contact(rig, "asked.se")
    run(
        rig,
        f"""
        UPDATE portals SET mode = 'paused',
               partner_id = (SELECT partner_id FROM portals WHERE hub_id = {rig.hub}) WHERE hub_id = {rig.other_hub}
    """,
    )
    with rig.context.database.transaction() as tx:
        tx.connection.execute(_LINE, {"hub": rig.other_hub, "many": 3})
    set_capacity(rig, 1)
    assert counted(looked_at(rig, asked)) == (Outcome.REGISTER, None, 0, 3)
    set_capacity(rig, 0)
    assert counted(looked_at(rig, asked)) == (Outcome.WAIT, 4, 0, 3)


def test_what_is_overdue_counts_as_ended_and_is_not(rig: Rig) -> None:
    first, second = contact(rig, "first.se"), contact(rig, "second.se")
    set_capacity(rig, 1)
    operations.register(rig.context, rig.hub, first, who="ada", source=Source.APP, key="k")
    rig.settle()
    assert counted(looked_at(rig, second)) == (Outcome.WAIT, 1, 1, 0)
    rig.pass_time(days=400)
    before = rig.registrations()
    assert counted(looked_at(rig, first)) == (Outcome.REGISTER, None, 0, 0)
    assert counted(looked_at(rig, second)) == (Outcome.REGISTER, None, 0, 0)
    assert rig.registrations() == before
    # Who waits already has the slot that is coming free.
    with rig.context.database.transaction() as tx:
        tx.connection.execute(_LINE, {"hub": rig.hub, "many": 2})
    assert counted(looked_at(rig, second)) == (Outcome.WAIT, 2, 1, 1)
    # It ends as soon as somebody really asks.
    operations.register(rig.context, rig.hub, second, who="ada", source=Source.APP, key="l")
    rig.settle()
    assert [one.end_reason for one in rig.registrations()] == ["expired", None]


def test_another_partners_overdue_claim_is_in_nobodys_way(rig: Rig) -> None:
    theirs = contact(rig, "theirs.se")
    operations.register(rig.context, rig.hub, theirs, who="ada", source=Source.APP, key="k")
    rig.settle()
    run(
        rig,
        "UPDATE registrations SET partner_id = other.partner_id, hub_id = other.hub_id"
        f" FROM portals AS other WHERE other.hub_id = {rig.other_hub}",
    )
    assert looked_at(rig, theirs).decision.outcome is Outcome.REFUSE
    rig.pass_time(days=400)
    assert looked_at(rig, theirs).decision.outcome is Outcome.REGISTER


def test_looking_waits_for_nobody_who_decides_and_keeps_nobody_waiting(rig: Rig) -> None:
    asked = contact(rig, "asked.se")
    with rig.context.database.transaction() as tx:
        portals.lock_partner(tx, portals.get(tx, rig.hub).partner.id)
        assert looked_at(rig, asked).decision.outcome is Outcome.REGISTER
