"""Whoever changes something that is about no one lead stands in the history, with what it was."""

from __future__ import annotations

from sqlalchemy import text

from syncworker.access.roles import Role
from syncworker.registration.ledger import people
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import HoldKind, Source
from syncworker.store.portals import Mode
from syncworker.sync import accounts, operations, parked
from syncworker.sync.lists import lists
from syncworker.sync.lists.did_list import DidLine, what_people_did
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.notices.kinds import Channel, NoticeKind
from syncworker.sync.notices.switches import set_webhook, switch
from syncworker.sync.portals import pausing, steering
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.portals.hold_import import import_holds
from syncworker.sync.resync import resync
from web.deployment import HUB, OTHER_HUB, Deployment

EVA = "eva@acme-partner.se"
BO = "bo@acme-partner.se"


def did(deployment: Deployment, hub_id: int | None = HUB, *, everywhere: bool = True) -> list[DidLine]:
    with deployment.database.transaction() as tx:
        return list(what_people_did(tx, hub_id, everywhere=everywhere).items)


def told(deployment: Deployment) -> list[tuple[str, str, object]]:
    return [(line.event, line.who, dict(line.detail)) for line in did(deployment)]


def test_whoever_tries_marks_again_or_lets_them_go(deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        for kind in (Kind.CONTACT, Kind.COMPANY):
            mark(tx, HUB, kind, ["7", "8"], priority=Priority.POLL, cause="poll")
        tx.connection.execute(text("UPDATE marks SET parked_at = now()"))
    parked.retry(deployment.context, HUB, [(Kind.CONTACT, "7")], who=EVA, source=Source.APP)
    parked.dismiss(deployment.context, HUB, [(Kind.COMPANY, None)], who="api", source=Source.API)
    # Nothing was let go, so nothing is told
    assert parked.dismiss(deployment.context, HUB, [(Kind.COMPANY, None)], who="api", source=Source.API) == 0
    assert told(deployment) == [
        ("marks_dismissed", "api", {"count": 2, "marks": ["company all"]}),
        ("marks_retried", EVA, {"count": 1, "marks": ["contact 7"]}),
    ]


def test_whoever_steers_a_resync(deployment: Deployment) -> None:
    begun = resync.start(deployment.context, HUB, who=EVA)
    for turn in (resync.pause, resync.resume, resync.cancel):
        turn(deployment.context, begun.id, who=EVA)
    assert [event for event, _, _ in reversed(told(deployment))] == [
        "resync_started", "resync_paused", "resync_resumed", "resync_cancelled",
    ]  # fmt: skip


def test_whoever_adds_lifts_and_brings_in_holds_for_all_portals(deployment: Deployment) -> None:
    operations.add_hold(deployment.context, "acme.se", HoldKind.EXISTING_CUSTOMER, who=EVA)
    operations.lift_hold(deployment.context, "acme.se", who=EVA)
    content = b"domain,kind\nbeta.se,existing_customer\n"
    for dry_run in (True, False, False):
        import_holds(deployment.context, content, "holds.csv", who=EVA, dry_run=dry_run)
    assert told(deployment) == [
        ("holds_imported", EVA, {"count": 1, "file": "holds.csv"}),
        ("hold_removed", EVA, {"hold": "acme.se"}),
        ("hold_added", EVA, {"hold": "acme.se", "kind": "existing_customer"}),
    ]


def test_whoever_changes_an_account_and_whose_and_erased_they_are_nobody(deployment: Deployment) -> None:
    run = deployment.database.run
    run(lambda tx: accounts.add(tx, BO, role=Role.VIEWER, password=None, portals=[HUB], who=EVA))
    run(lambda tx: accounts.change(tx, BO, role=Role.OPERATOR, every_portal=True, who=EVA))
    run(lambda tx: accounts.make_link(tx, BO, "x" * 40, who=EVA))
    run(lambda tx: set_webhook(tx, deployment.context.secrets, BO, "https://acme-partner.se/told", who=BO))
    run(lambda tx: switch(tx, HUB, BO, [NoticeKind.CAPACITY], channel=Channel.WEBHOOK, on=True, who=BO))
    run(lambda tx: accounts.remove(tx, BO, who=EVA))
    assert [(line.event, line.about) for line in did(deployment)] == [
        ("user_removed", BO), ("notices_switched", BO), ("webhook_set", BO), ("link_made", BO), ("user_changed", BO),
        ("user_added", BO),
    ]  # fmt: skip
    assert dict(did(deployment)[4].detail) == {"role": "operator", "portals": "all"}
    run(lambda tx: people.erase(tx, BO))
    assert {line.about for line in did(deployment)} == {f"erased person {person(deployment)}"}


def person(deployment: Deployment) -> int:
    [(number,)] = deployment.rows(text("SELECT id FROM persons WHERE erased_at IS NOT NULL"))
    return int(number)


def test_whoever_switches_pauses_and_forgets_a_portal(deployment: Deployment) -> None:
    set_mode(deployment.context, HUB, Mode.OBSERVE, who=EVA)
    set_mode(deployment.context, HUB, Mode.OBSERVE, who=EVA)
    pausing.pause(deployment.context, HUB, who=EVA, source=Source.APP, reason="a look")
    pausing.unpause(deployment.context, HUB, who=EVA, source=Source.APP)
    assert [event for event, _, _ in told(deployment)] == ["unpaused", "paused", "mode_set"]
    assert dict(did(deployment)[2].detail) == {"mode": ["write", "observe"]}
    steering.forget(deployment.context, HUB, who=EVA)
    assert did(deployment, None)[0].event == "portal_removed"


def test_the_old_tier_and_the_new_one_are_told(deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        before = lists.portals.get(tx, HUB)
        tx.connection.execute(text("UPDATE partners SET tier = 'diamond', capacity = NULL"))
        now = lists.portals.get(tx, HUB)
        steering.tell_settings(tx, before, now, new_token=True, who=EVA)
        steering.tell_settings(tx, now, now, new_token=False, who=EVA)
    assert told(deployment) == [
        ("portal_changed", EVA, {"tier": ["gold", "diamond"], "capacity": [5, None], "token": True})
    ]


def test_whoever_looks_again_for_a_submissions_contact_stands_in_its_leads_history(deployment: Deployment) -> None:
    request_id = deployment.asked("7", state=State.UNRESOLVED, domain="acme.se")
    operations.retry_request(deployment.context, request_id, who=EVA)
    with deployment.database.transaction() as tx:
        entries = lists.domain_history(tx, HUB, "acme.se")
    assert [(entry.event, entry.who) for entry in entries] == [("request_retried", EVA)]
    assert did(deployment) == []


def test_of_another_portal_nothing_is_told_and_of_the_deployment_only_holds_to_who_sees_some(
    deployment: Deployment,
) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    set_mode(deployment.context, OTHER_HUB, Mode.OBSERVE, who=EVA)
    operations.add_hold(deployment.context, "acme.se", HoldKind.EXISTING_CUSTOMER, who=EVA)
    deployment.database.run(lambda tx: accounts.add(tx, BO, role=Role.VIEWER, password=None, who=EVA))
    assert [line.event for line in did(deployment)] == ["user_added", "hold_added"]
    assert [line.event for line in did(deployment, everywhere=False)] == ["hold_added"]
    assert [line.event for line in did(deployment, None)] == ["user_added", "hold_added", "mode_set"]


def test_the_list_is_read_page_by_page_from_an_index_of_its_own(deployment: Deployment) -> None:
    for mode in (Mode.OBSERVE, Mode.WRITE, Mode.OBSERVE):
        set_mode(deployment.context, HUB, mode, who=EVA)
    seen: list[int] = []
    cursor = None
    with deployment.database.transaction() as tx:
        for _ in range(3):
            page = what_people_did(tx, HUB, limit=1, cursor=cursor)
            seen += [line.id for line in page.items]
            cursor = page.next
        assert (seen, cursor) == (sorted(seen, reverse=True), None)
