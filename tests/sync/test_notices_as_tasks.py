"""Does the owner of a contact get one task of a notice, and never two?"""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from support.rig import Rig
from syncworker.access import users
from syncworker.access.roles import Role
from syncworker.registration.rules.terms import HoldKind
from syncworker.store.database import Tx
from syncworker.sync import marks, operations
from syncworker.sync.notices import delivering
from syncworker.sync.notices.kinds import Channel, NoticeKind
from syncworker.sync.notices.switches import switch

OWNER = "5511"


def set_up(rig: Rig, *people: str) -> None:
    """Refusals are tasks, as so many people wish."""

    def work(tx: Tx) -> None:
        for email in people or ("eva@us.example",):
            users.add(tx, email, role=Role.MANAGER, password=None, who="t")
            switch(tx, rig.hub, email, [NoticeKind.REFUSED], channel=Channel.TASK, on=True, who="t")

    rig.context.database.run(work)


def refuse(rig: Rig, domain: str, *, owner: str = OWNER) -> str:
    operations.add_hold(rig.context, domain, HoldKind.EXISTING_CUSTOMER, who="t")
    rig.submit(f"ada@{domain}", website=domain)
    contact = rig.contact_id(f"ada@{domain}")
    rig.sandbox.edit(rig.hub, "contacts", contact, {"hubspot_owner_id": owner})
    rig.settle()
    return contact


def after(rig: Rig, minutes: int = 2) -> None:
    rig.pass_time(minutes=minutes)
    while delivering.tell(rig.context):
        pass


def tasks(rig: Rig) -> list[dict[str, Any]]:
    found = rig.sandbox.get(f"/_sandbox/portals/{rig.hub}/tasks")["results"]
    return [one["properties"] for one in found]


def waiting(rig: Rig) -> list[Any]:
    return [mark for mark in rig.marks() if mark.kind == "notice"]


def test_the_owner_gets_one_task_however_many_wish_it(rig: Rig) -> None:
    set_up(rig, "eva@us.example", "bo@us.example")
    contact = refuse(rig, "fjordline-tools.se")
    refuse(rig, "nobodys-ab.se", owner="")
    after(rig)
    after(rig, minutes=20)
    [task] = tasks(rig)
    assert (task["hubspot_owner_id"], task["_about"]) == (OWNER, f"contacts:{contact}")
    assert task["hs_task_subject"].endswith("2 leads could not be registered")
    assert "fjordline-tools.se: unavailable, an existing customer" in task["hs_task_body"]
    assert waiting(rig) == []


def test_a_deleted_contact_has_no_owner_to_tell(rig: Rig) -> None:
    set_up(rig)
    contact = refuse(rig, "fjordline-tools.se")
    rig.sandbox.post(f"/_sandbox/portals/{rig.hub}/contacts/{contact}/delete")
    after(rig)
    assert (tasks(rig), waiting(rig)) == ([], [])


def test_where_the_answer_is_lost_a_person_is_asked_and_no_second_task_made(rig: Rig) -> None:
    set_up(rig)
    refuse(rig, "fjordline-tools.se")
    rig.sandbox.faults(seed=1, http={"write:lost_answer": 1.0})
    after(rig)
    rig.sandbox.faults(search_lag_s=0)
    assert len(tasks(rig)) == 1
    [mark] = waiting(rig)
    assert mark.parked_at is not None
    assert mark.last_error.startswith("notice not sent: ")
    after(rig, minutes=600)
    assert len(tasks(rig)) == 1


def test_what_hubspot_did_not_take_is_asked_again(rig: Rig) -> None:
    set_up(rig)
    refuse(rig, "fjordline-tools.se")
    rig.sandbox.faults(seed=1, http={"write:429": 1.0})
    after(rig)
    rig.sandbox.faults(search_lag_s=0)
    assert (tasks(rig), waiting(rig)[0].parked_at) == ([], None)
    after(rig)
    assert (len(tasks(rig)), waiting(rig)) == (1, [])


def test_after_a_killed_worker_the_task_waits_for_a_person(rig: Rig) -> None:
    set_up(rig)
    refuse(rig, "fjordline-tools.se")
    after(rig)
    # As a worker leaves it that was killed after HubSpot made the task
    with rig.context.database.transaction() as tx:
        ids = [str(one) for one in tx.connection.execute(text("SELECT id FROM deliveries")).scalars()]
        tx.connection.execute(text("UPDATE deliveries SET sent_at = NULL"))
        marks.mark(tx, rig.hub, marks.Kind.NOTICE, ids, priority=marks.Priority.PERSON, cause="a test")
    after(rig)
    assert len(tasks(rig)) == 1
    [mark] = waiting(rig)
    assert "HubSpot may have made the task" in mark.last_error
    assert mark.parked_at is not None
    # There is one, says whoever looked
    rig.context.database.run(lambda tx: marks.dismiss(tx, rig.hub))
    after(rig)
    assert len(tasks(rig)) == 1


def test_nothing_is_written_to_a_portal_that_only_observes(rig: Rig) -> None:
    set_up(rig)
    refuse(rig, "fjordline-tools.se")
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE portals SET mode = 'observe' WHERE hub_id = :hub"), {"hub": rig.hub})
    after(rig)
    assert tasks(rig) == []
    assert "in mode observe" in waiting(rig)[0].last_error
