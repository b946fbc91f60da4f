"""Is every record looked at once, and written only where it differs, whatever happens on the way?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import insert, text

from support.rig import Rig
from support.second_worker import Meanwhile, second_worker
from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.quota import Lane
from syncworker.hubspot.records import CallMade
from syncworker.registration.rules.terms import Status
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.store.tables import registrations
from syncworker.sync import turns
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.reconcile import brake
from syncworker.sync.resync import resync, turn
from syncworker.sync.resync.preview import preview
from syncworker.sync.resync.resync import Resync, State
from syncworker.sync.resync.scope import Scope
from syncworker.sync.resync.turn import continue_resync

STATUS = "partner_registration_status"


def registered_leads(rig: Rig, number: int) -> dict[str, str]:
    """Contacts whose domains the ledger holds, and the CRM knows nothing of it, as after a restore: domains by id."""
    rig.sandbox.seed(contacts=number, companies=number // 5, portal=rig.hub)
    leads: dict[str, str] = {}
    for one in everybody(rig, "contacts"):
        website = (one["properties"].get("website") or "").removeprefix("https://www.").strip("/")
        if website:
            leads[one["id"]] = website
    hold(rig, set(leads.values()))
    return leads


def hold(rig: Rig, domains: set[str]) -> None:
    """The partner holds these domains."""
    now = rig.clock.time
    rows = [
        {
            "partner_id": 1,
            "hub_id": rig.hub,
            "domain": domain,
            "source": "import",
            "registered_on": now.date(),
            "expires_on": now.date().replace(year=now.year + 1),
            "expires_at": now.replace(year=now.year + 1),
            "created_at": now,
        }
        for domain in sorted(domains)
    ]
    with rig.context.database.transaction() as tx:
        tx.connection.execute(insert(registrations), rows)


def everybody(rig: Rig, kind: str) -> list[Mapping[str, Any]]:
    """All records of a kind, as the CRM has them."""
    token = rig.portals[0]["access_token"]
    found: list[Mapping[str, Any]] = []
    after = ""
    while True:
        query = f"?limit=100&properties={STATUS},website,domain,partner_registered_domain{after}"
        page = rig.sandbox.get(f"/crm/objects/2026-09/{kind}{query}", token=token)
        found += page["results"]
        if "paging" not in page:
            return found
        after = f"&after={page['paging']['next']['after']}"


def statuses(rig: Rig, kind: str = "contacts") -> dict[str, str]:
    """The status that each record shows, of those that show one."""
    return {one["id"]: one["properties"][STATUS] for one in everybody(rig, kind) if one["properties"][STATUS]}


def run_resync(rig: Rig, scope: Scope = resync.EVERYTHING) -> Resync:
    """A whole resync, with all that comes of it."""
    begun = resync.start(rig.context, rig.hub, who="t", scope=scope)
    rig.settle()
    return look(rig, begun)


def go_on(context: Context, rig: Rig) -> None:
    """The resync alone, without what it marked, to its end or as far as it goes."""
    while continue_resync(context, rig.hub):
        pass


def look(rig: Rig, of: Resync) -> Resync:
    with rig.context.database.transaction() as tx:
        return resync.get(tx, of.id)


# --- what it does ---


def test_everything_that_differs_is_written_in_one_call_a_page_and_then_nothing_is(rig: Rig) -> None:
    leads = registered_leads(rig, 300)
    rig.sandbox.reset_stats()
    done = run_resync(rig)
    shown = statuses(rig)
    assert shown.keys() >= leads.keys()
    # Whoever has no website shows the state of their company
    assert len(shown) > len(leads)
    assert done.written == len(shown) + len(statuses(rig, "companies"))
    assert (done.state, done.failed, done.marked) == (State.DONE, 0, 0)
    assert sum(rig.writes().values()) == 3 + 1
    # When nothing differs
    again = run_resync(rig)
    assert (again.written, again.failed, again.marked, again.listed) == (0, 0, 0, done.listed)
    # Pages of contacts and companies, and two searches for how many there are
    assert again.calls == 3 + 1 + 2
    assert sum(rig.writes().values()) == 3 + 1


def test_a_dry_run_says_what_a_real_run_then_writes(rig: Rig) -> None:
    registered_leads(rig, 120)
    foreseen = {
        (one.kind, one.object_id, one.property_name): one.new
        for page in preview(rig.context, rig.hub, resync.EVERYTHING)
        for one in page
    }
    assert statuses(rig) == {}
    assert rig.marks() == []
    with rig.context.database.transaction() as tx:
        assert tx.connection.execute(text("SELECT count(*) FROM records")).scalar_one() == 0
    run_resync(rig)
    written = {
        (Kind(kind), one["id"], STATUS): one["properties"][STATUS]
        for kind, plural in (("contact", "contacts"), ("company", "companies"))
        for one in everybody(rig, plural)
        if one["properties"][STATUS]
    }
    assert written == {key: value for key, value in foreseen.items() if key[2] == STATUS}


def test_a_dry_run_leaves_the_quota_to_forms_and_webhooks_first(rig: Rig) -> None:
    registered_leads(rig, 120)
    calls: list[CallMade] = []
    with second_worker(rig, calls.append) as process:
        for _ in preview(process, rig.hub, resync.EVERYTHING):
            pass
        for _ in preview(process, rig.hub, Scope(since=rig.clock.time.replace(year=2020))):
            pass
    assert len(calls) > 3
    assert {call.lane for call in calls} == {Lane.BULK}


SILENTLY = {
    "hold = 'existing_customer'": ("registered", "hold_came_later"),
    "expires_on = expires_on + 1": ("registered", ""),
    "source = 'form'": ("registered", ""),
    "ended_at = now(), end_reason = 'expired'": ("expired", ""),
    "ended_at = now(), end_reason = 'deregistered'": ("deregistered", ""),
    "deregistered_at = now(), undo_until = now() + interval '10 minutes'": ("deregistered", ""),
    "partner_id = (SELECT max(id) FROM partners)": ("", ""),
    "domain = 'another-' || domain": ("", ""),
}


def test_what_the_ledger_says_otherwise_is_written_though_nothing_marked_it(rig: Rig) -> None:
    leads = registered_leads(rig, 80)
    run_resync(rig)
    by_domain: dict[str, str] = {}
    for contact_id, domain in sorted(leads.items()):
        by_domain.setdefault(domain, contact_id)
    changed = dict(zip(SILENTLY, by_domain.items(), strict=False))
    assert changed.keys() == SILENTLY.keys()
    with rig.context.database.transaction() as tx:
        for assignment, (domain, _) in changed.items():
            query = text(f"UPDATE registrations SET {assignment} WHERE domain = :domain")
            tx.connection.execute(query, {"domain": domain})
        brake.release(tx, portals.get(tx, rig.hub))
    begun = resync.start(rig.context, rig.hub, who="t")
    go_on(rig.context, rig)
    shown = {}
    for assignment, (_, contact_id) in changed.items():
        of = rig.sandbox.record(rig.hub, "contacts", contact_id)["properties"]
        shown[assignment] = (of.get(STATUS) or "", of.get("partner_registration_reason") or "")
    assert shown == SILENTLY
    # And nobody else is written: contacts and companies of these domains alone
    others = {key for key, domain in leads.items() if domain not in dict(changed.values())}
    assert {status for key, status in statuses(rig).items() if key in others} == {"registered"}
    assert look(rig, begun).written < len(leads)


def test_a_part_of_a_portal_is_looked_at(rig: Rig) -> None:
    leads = registered_leads(rig, 60)
    run_resync(rig)
    one, other, third = sorted(leads)[:3]
    rig.sandbox.edit(rig.hub, "contacts", one, {STATUS: "expired"})
    assert run_resync(rig, Scope(status=Status.EXPIRED)).state is State.DONE
    assert statuses(rig)[one] == "registered"
    # What we know to be registered, though the CRM shows nothing
    rig.sandbox.edit(rig.hub, "contacts", other, {STATUS: ""})
    run_resync(rig, Scope(status=Status.REGISTERED))
    assert statuses(rig)[other] == "registered"
    rig.sandbox.edit(rig.hub, "contacts", third, {STATUS: ""})
    done = run_resync(rig, Scope(since=rig.clock.time.replace(year=2020)))
    assert (statuses(rig)[third], done.state, done.failed) == ("registered", State.DONE, 0)


def test_contacts_who_sent_a_form_are_looked_at(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    contact_id = rig.contact_id("ada@fjordline-tools.se")
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {STATUS: ""})
    # By an id that somebody copied from where it is written large
    begun = resync.start(rig.context, rig.hub, who="t", scope=Scope(form=rig.form.upper()))
    go_on(rig.context, rig)
    assert (look(rig, begun).listed, look(rig, begun).written) == (1, 1)
    assert rig.status("ada@fjordline-tools.se") == ("registered", None)


def test_a_form_of_which_we_have_requests_is_known_without_hubspot(rig: Rig) -> None:
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("DELETE FROM forms"))
        tx.connection.execute(text("UPDATE requests SET key = replace(key, :form, 'gone')"), {"form": rig.form})
    rig.sandbox.reset_stats()
    assert resync.start(rig.context, rig.hub, who="t", scope=Scope(form="GONE")).scope == "form gone"
    assert rig.sandbox.calls() == {}
    go_on(rig.context, rig)
    with rig.context.database.transaction() as tx:
        assert resync.newest(tx, rig.hub)[0].listed == 1


def test_a_form_that_registers_leads_is_known_by_its_name_while_hubspot_is_away(rig: Rig) -> None:
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE forms SET name = 'Book a demo'"))
    # It answers nothing more today
    rig.sandbox.faults(http={"429_daily": 1.0})
    begun = resync.start(rig.context, rig.hub, who="t", scope=Scope(form="Book a demo"))
    assert begun.scope == f"form {rig.form}"
    with pytest.raises(HubSpotError):
        resync.start(rig.context, rig.hub, who="t", scope=Scope(form="nosuch"))


def test_a_request_in_the_crm_is_left_to_the_way_that_makes_requests(rig: Rig) -> None:
    leads = registered_leads(rig, 30)
    contact_id = min(leads)
    rig.sandbox.edit(rig.hub, "contacts", contact_id, {"partner_registration_request": "register"})
    begun = resync.start(rig.context, rig.hub, who="t")
    go_on(rig.context, rig)
    assert (look(rig, begun).state, look(rig, begun).marked) == (State.DONE, 1)
    assert rig.requests() == []
    rig.settle()
    assert [request.contact_id for request in rig.requests()] == [contact_id]


def test_what_we_know_and_no_list_shows_is_read_by_itself(rig: Rig) -> None:
    leads = registered_leads(rig, 30)
    run_resync(rig)
    contact_id = min(leads)
    token = rig.portals[0]["access_token"]
    rig.sandbox.call("DELETE", f"/crm/objects/2026-09/contacts/{contact_id}", token=token)
    rig.pass_time(minutes=1)
    resync.start(rig.context, rig.hub, who="t")
    go_on(rig.context, rig)
    with rig.context.database.transaction() as tx:
        query = text("SELECT presence FROM records WHERE kind = 'contact' AND object_id = :id")
        assert tx.connection.execute(query, {"id": contact_id}).scalar_one() == "archived"


def test_in_a_portal_that_is_observed_nothing_is_written(rig: Rig) -> None:
    registered_leads(rig, 30)
    set_mode(rig.context, rig.hub, Mode.OBSERVE, who="t")
    assert run_resync(rig).state is State.DONE
    assert statuses(rig) == {}


# --- what comes between ---


def test_it_is_paused_and_goes_on_from_the_page_it_was_on(rig: Rig) -> None:
    leads = registered_leads(rig, 350)
    begun = resync.start(rig.context, rig.hub, who="t")
    after_some = Meanwhile("/contacts", lambda: resync.pause(rig.context, begun.id, who="t"), nth=3)
    with second_worker(rig, after_some) as worker:
        go_on(worker, rig)
        paused = look(rig, begun)
        assert paused.state is State.PAUSED
        assert 0 < paused.listed < 400
        go_on(worker, rig)
        assert look(rig, begun) == paused
        resync.resume(rig.context, begun.id, who="t")
        go_on(worker, rig)
    done = look(rig, begun)
    assert (done.state, done.listed) == (State.DONE, 350 + 70)
    assert statuses(rig).keys() >= leads.keys()


def test_it_is_cancelled_where_it_is(rig: Rig) -> None:
    registered_leads(rig, 250)
    begun = resync.start(rig.context, rig.hub, who="t")
    with second_worker(rig, Meanwhile("/contacts", lambda: resync.cancel(rig.context, begun.id, who="t"))) as worker:
        go_on(worker, rig)
    assert look(rig, begun).state is State.CANCELLED
    assert statuses(rig) == {}
    assert resync.start(rig.context, rig.hub, who="t").id != begun.id


def test_a_page_that_hubspot_does_not_know_any_more_begins_its_list_again_and_says_so(rig: Rig) -> None:
    leads = registered_leads(rig, 30)
    begun = resync.start(rig.context, rig.hub, who="t")
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE resyncs SET kind = 'contact', after = 'a page of last week'"))
    go_on(rig.context, rig)
    go_on(rig.context, rig)
    done = look(rig, begun)
    assert done.state is State.DONE
    assert "began again" in str(done.note)
    assert statuses(rig).keys() >= leads.keys()


def test_a_list_that_began_again_counts_each_record_once(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    registered_leads(rig, 250)
    begun = resync.start(rig.context, rig.hub, who="t")
    monkeypatch.setattr(turn, "TURN_S", 0.0)  # a page a turn
    while look(rig, begun).listed < 50 + 200:
        continue_resync(rig.context, rig.hub)
    with rig.context.database.transaction() as tx:
        tx.connection.execute(text("UPDATE resyncs SET after = 'a page of last week'"))
    assert not continue_resync(rig.context, rig.hub)
    assert look(rig, begun).listed == 50
    go_on(rig.context, rig)
    done = look(rig, begun)
    assert (done.state, done.listed, done.total) == (State.DONE, 300, 300)


def test_what_was_reconciled_since_the_page_was_read_is_not_written_as_the_page_has_it(rig: Rig) -> None:
    leads = registered_leads(rig, 30)
    run_resync(rig)
    contact_id = min(leads)

    def moves_away() -> None:
        rig.pass_time(seconds=1)
        rig.sandbox.edit(rig.hub, "contacts", contact_id, {"website": "nobody-has-registered-this.se"})
        rig.context.database.run(
            lambda tx: mark(tx, rig.hub, Kind.CONTACT, [contact_id], priority=Priority.PERSON, cause="webhook")
        )
        turns.interactive_turn(rig.context, rig.hub)

    resync.start(rig.context, rig.hub, who="t")
    with second_worker(rig, Meanwhile("/contacts", moves_away)) as worker:
        go_on(worker, rig)
    # Nothing of the page's, which had the old website: neither in the CRM nor in what we know
    assert contact_id not in statuses(rig)
    with rig.context.database.transaction() as tx:
        query = text("SELECT domain FROM records WHERE kind = 'contact' AND object_id = :id")
        assert tx.connection.execute(query, {"id": contact_id}).scalar_one() == "nobody-has-registered-this.se"


def test_what_is_marked_when_the_page_is_decided_is_left_to_its_mark(rig: Rig) -> None:
    leads = registered_leads(rig, 30)
    contact_id = min(leads)
    rig.context.database.run(
        lambda tx: mark(tx, rig.hub, Kind.CONTACT, [contact_id], priority=Priority.WEBHOOK, cause="webhook")
    )
    (before,) = rig.marks()
    begun = resync.start(rig.context, rig.hub, who="t")
    go_on(rig.context, rig)
    assert look(rig, begun).failed == 0
    assert statuses(rig).keys() >= leads.keys() - {contact_id}
    assert [(m.object_id, m.generation, m.claim_token) for m in rig.marks()] == [(contact_id, before.generation, None)]
    rig.settle()
    assert contact_id in statuses(rig)


def test_one_record_that_cannot_be_written_harms_no_neighbour(rig: Rig) -> None:
    leads = registered_leads(rig, 60)
    contact_id = min(leads)
    token = rig.portals[0]["access_token"]
    path = f"/crm/objects/2026-09/contacts/{contact_id}"
    begun = resync.start(rig.context, rig.hub, who="t")
    with second_worker(rig, Meanwhile("/contacts", lambda: rig.sandbox.call("DELETE", path, token=token))) as worker:
        go_on(worker, rig)
    assert (look(rig, begun).state, look(rig, begun).failed) == (State.DONE, 1)
    assert statuses(rig).keys() >= leads.keys() - {contact_id}
    assert [m.object_id for m in rig.marks()] == [contact_id]
