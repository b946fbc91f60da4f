"""A ledger that was lost, or restored from yesterday, comes to what the CRM shows, and nothing newer is lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from support import services
from support.rig import LEAD, Rig
from syncworker.registration.rules.terms import Source
from syncworker.store import backup, migrate, portals
from syncworker.store.portals import Mode, Portal
from syncworker.sync import operations
from syncworker.sync.portals import pausing
from syncworker.sync.portals.connect import set_mode
from syncworker.sync.portals.pausing import NotRebuilt
from syncworker.sync.recovery.rebuild import NotStill, Rebuilt, rebuild

ADA, BO, CLEO = "ada@fjordline-tools.se", "bo@granlund-bygg.se", "cleo@norrsken-data.se"
DAN, EVE = "dan@soderport.se", "eve@ekbacka-glas.se"
FIELDS = {
    DAN: {"website": "soderport.se", "company": "Söderport"},
    EVE: {"website": "ekbacka-glas.se", "company": "Ekbacka Glas"},
    BO: {"website": "granlund-bygg.se", "company": "Granlund Bygg"},
    CLEO: {"website": "norrsken-data.se", "company": "Norrsken Data"},
}


def all_portals(rig: Rig) -> list[Portal]:
    with rig.context.database.transaction() as tx:
        return portals.everyone(tx)


def rebuilt(rig: Rig, *, dry_run: bool = False) -> Rebuilt:
    return rebuild(rig.context, all_portals(rig), who="cli:eva", dry_run=dry_run)


def submit(rig: Rig, *emails: str) -> None:
    for email in emails:
        rig.submit(email, **FIELDS.get(email, {}))
    rig.settle()


def ask_for_many(rig: Rig, first: int, last: int) -> None:
    for number in range(first, last):
        lead = {**LEAD, "email": f"ada@firma-{number}.se", "website": f"firma-{number}.se"}
        made = rig.sandbox.create(rig.hub, "contacts", lead)
        operations.register(rig.context, rig.hub, made["id"], who="eva", source=Source.APP, key=str(number))


def deregister(rig: Rig, *domains: str) -> None:
    for domain in domains:
        operations.deregister(rig.context, rig.hub, domain, who="eva", source=Source.APP)
    rig.pass_time(minutes=11)
    rig.settle()


def ledger(rig: Rig) -> dict[str, tuple[str, object, object]]:
    """The newest claim of each domain: how it stands, and its dates."""
    return {
        row.domain: (row.end_reason or "registered", row.registered_on, row.expires_on) for row in rig.registrations()
    }


def crm(rig: Rig) -> dict[str, str]:
    """What contacts show, by email."""
    found = rig.sandbox.get(f"/_sandbox/portals/{rig.hub}/contacts?limit=100")["results"]
    of = [one["properties"] for one in found]
    status = "partner_registration_status"
    return {one["email"]: one[status] for one in of if one.get(status)}


class Restored:
    """Takes a backup, and gives a rig over a database of its own that was restored from it."""

    def __init__(self, rig: Rig, server_url: str, tmp_path: Path) -> None:
        self.rig, self._server_url = rig, server_url
        self._file = tmp_path / "day.backup"
        self._url: str | None = None
        self._made: Rig | None = None

    def back_up(self) -> None:
        backup.back_up(str(self.rig.settings.database_url), self.rig.context.secrets, self._file)

    def restore(self) -> Rig:
        self._url = services.create_database(self._server_url, "restored")
        backup.restore(self._url, self.rig.context.secrets, self._file, force=False, other_key=False)
        self._made = over_another_database(self.rig, self._url)
        return self._made

    def close(self) -> None:
        if self._made is not None:
            self._made.context.close()
            services.drop_database(self._server_url, "restored")


def over_another_database(rig: Rig, url: str) -> Rig:
    """The same portals, time and settings over another database."""
    from copy import copy

    from support.rig import Unlimited
    from syncworker.sync.context import Context

    other = copy(rig)
    other.settings = rig.settings.model_copy(update={"database_url": url})
    other.context = Context(other.settings, clock=rig.clock, waker=rig.waker, limiter=Unlimited())
    return other


@pytest.fixture
def restored(rig: Rig, postgres_url: str, tmp_path: Path) -> Iterator[Restored]:
    made = Restored(rig, postgres_url, tmp_path)
    yield made
    made.close()


def test_a_day_old_backup_loses_nothing_that_the_crm_has_heard_since(rig: Rig, restored: Restored) -> None:
    ask_for_many(rig, 0, 5)
    submit(rig, ADA)
    # Given a backup, and a day's work after it
    restored.back_up()
    ask_for_many(rig, 5, 8)
    # one that came and went, by a form that is read again
    submit(rig, BO)
    deregister(rig, "firma-1.se", "firma-2.se", "firma-3.se", "granlund-bygg.se")
    submit(rig, CLEO)
    ledger_before, crm_before = ledger(rig), crm(rig)
    # and a submission that nobody has read when all is lost
    rig.submit(DAN, **FIELDS[DAN])
    rig = restored.restore()
    rig.sandbox.reset_stats()
    rig.settle()
    assert (rig.writes(), {p.mode for p in all_portals(rig)}) == ({}, {Mode.PAUSED})
    with pytest.raises(NotRebuilt):
        set_mode(rig.context, rig.hub, Mode.WRITE, who="t")
    with pytest.raises(NotRebuilt):
        pausing.unpause(rig.context, rig.hub, who="eva", source=Source.APP)
    # When it is tried first, nothing is kept
    tried = rebuilt(rig, dry_run=True)
    assert (len(tried.claims.registered), len(tried.claims.ended), tried.going_on) == (4, 3, [])
    assert len(rig.registrations()) == 6
    done = rebuilt(rig)
    assert (done.claims.registered, done.claims.ended) == (tried.claims.registered, tried.claims.ended)
    assert (done.claims.past, done.claims.problems, done.decided) == (["granlund-bygg.se"], [], 1)
    assert sorted(done.going_on) == sorted([rig.hub, rig.other_hub])
    # I expect the ledger to be what it was, before anything is worked on
    assert ledger(rig) == ledger_before
    rig.hurry()
    rig.settle()
    assert crm(rig) == {**crm_before, DAN: "registered"}
    after = ledger(rig)
    assert after.pop("soderport.se")[0] == "registered"
    assert after == ledger_before
    assert {p.blocked_reason for p in all_portals(rig)} == {None}
    # and doing it again to change nothing
    pausing.pause(rig.context, rig.hub, who="eva", source=Source.APP)
    pausing.pause(rig.context, rig.other_hub, who="eva", source=Source.APP)
    again = rebuilt(rig).claims
    assert (again.registered, again.ended, again.past, again.problems) == ([], [], [], [])


def test_with_no_backup_at_all_registrations_come_back_with_their_own_dates(rig: Rig, empty_database_url: str) -> None:
    from syncworker.sync.portals.demo import connect_demo_to

    ask_for_many(rig, 0, 3)
    submit(rig, ADA)
    deregister(rig, "firma-1.se")
    rig.pass_time(days=3)
    before, shown = ledger(rig), crm(rig)
    migrate.upgrade(empty_database_url)
    rig = over_another_database(rig, empty_database_url)
    try:
        connect_demo_to(rig.context, rig.sandbox.base_url)
        with pytest.raises(NotStill):
            rebuilt(rig)
        for portal in all_portals(rig):
            pausing.pause(rig.context, portal.hub_id, who="eva", source=Source.APP)
        done = rebuilt(rig)
        assert (len(done.claims.registered), done.claims.past, done.going_on) == (3, ["firma-1.se"], [])
        assert ledger(rig) == before
        [ada] = [row for row in rig.registrations() if row.domain == "fjordline-tools.se"]
        assert (ada.source, ada.contact_id) == ("form", rig.contact_id(ADA))
        rig.sandbox.reset_stats()
        for portal in all_portals(rig):
            pausing.unpause(rig.context, portal.hub_id, who="eva", source=Source.APP)
        rig.hurry()
        rig.settle()
        assert crm(rig) == shown
    finally:
        rig.context.close()


def test_places_in_the_line_come_back_in_their_order(
    make_rig: Callable[..., Rig], postgres_url: str, tmp_path: Path
) -> None:
    rig = make_rig(partner_capacity=1)
    restored = Restored(rig, postgres_url, tmp_path)
    submit(rig, ADA)
    restored.back_up()
    for email, key in ((CLEO, "1"), (BO, "2")):
        made = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": email, **FIELDS[email]})
        operations.register(rig.context, rig.hub, made["id"], who="eva", source=Source.APP, key=key)
        rig.settle()  # one after the other: the CRM tells the order by when each began to wait
    assert (rig.status(CLEO)[0], rig.status(BO)[0]) == ("pending", "pending")
    try:
        rig = restored.restore()
        assert rebuilt(rig).asked_again == 2
        rig.settle()
        assert (rig.status(CLEO)[0], rig.status(BO)[0]) == ("pending", "pending")
        deregister(rig, "fjordline-tools.se")
        assert (rig.status(CLEO)[0], rig.status(BO)[0]) == ("registered", "pending")
    finally:
        restored.close()


def test_a_domain_that_passed_to_another_partner_since_is_theirs(rig: Rig, restored: Restored) -> None:
    submit(rig, ADA)
    restored.back_up()
    deregister(rig, "fjordline-tools.se")
    made = rig.sandbox.create(rig.other_hub, "contacts", {**LEAD, "email": ADA})
    operations.register(rig.context, rig.other_hub, made["id"], who="eva", source=Source.APP, key="1")
    rig.settle()
    assert rig.contact(ADA, rig.other_hub)["partner_registration_status"] == "registered"
    rig = restored.restore()
    done = rebuilt(rig)
    assert (done.claims.ended, done.claims.registered, done.claims.problems) == (
        ["fjordline-tools.se"],
        ["fjordline-tools.se"],
        [],
    )
    assert [row.hub_id for row in rig.registrations() if row.ended_at is None] == [rig.other_hub]


def test_a_renewal_since_the_backup_keeps_its_dates_and_what_a_person_had_paused_stays_so(
    rig: Rig, restored: Restored
) -> None:
    submit(rig, ADA)
    operations.set_renewal(rig.context, rig.hub, "fjordline-tools.se", renew=True, who="eva")
    pausing.pause(rig.context, rig.other_hub, who="eva", source=Source.APP, reason="an audit")
    restored.back_up()
    rig.pass_time(days=400)
    rig.settle()
    before = ledger(rig)
    rig = restored.restore()
    done = rebuilt(rig)
    assert (done.claims.renewed, done.going_on) == (["fjordline-tools.se"], [rig.hub])
    assert ledger(rig) == before
    modes = {portal.hub_id: (portal.mode, portal.restored_from) for portal in all_portals(rig)}
    assert modes == {rig.hub: (Mode.WRITE, None), rig.other_hub: (Mode.PAUSED, None)}
    with rig.context.database.transaction() as tx:
        assert tx.connection.execute(text("SELECT count(*) FROM clock_skew")).scalar_one() == 0


def test_what_somebody_else_set_is_no_word_of_ours_and_harms_no_neighbour(rig: Rig, restored: Restored) -> None:
    submit(rig, ADA)
    restored.back_up()
    submit(rig, CLEO, DAN, EVE)
    # A status of somebody's
    gone = {"partner_registration_status": "deregistered"}
    rig.sandbox.edit(rig.hub, "contacts", rig.contact_id(ADA), gone)
    status = {"partner_registration_status": "registered", "partner_registered_domain": "granlund-bygg.se"}
    by_hand = rig.sandbox.create(rig.hub, "contacts", {**LEAD, "email": BO, **FIELDS[BO]})
    rig.sandbox.edit(rig.hub, "contacts", by_hand["id"], status)
    # a domain of somebody's beside our status
    another = {"partner_registered_domain": "tallmo-energi.se"}
    rig.sandbox.edit(rig.hub, "contacts", rig.contact_id(DAN), another)
    company = rig.sandbox.by_domain(rig.hub, "soderport.se")
    assert company is not None
    rig.sandbox.edit(rig.hub, "companies", company["id"], another)
    # and of an app, which cannot be told from us, the last day of all
    endless = {"partner_registration_expires_on": "9999-12-31"}
    rig.sandbox.edit(rig.hub, "contacts", rig.contact_id(EVE), endless, by="INTEGRATION")
    company = rig.sandbox.by_domain(rig.hub, "ekbacka-glas.se")
    assert company is not None
    rig.sandbox.edit(rig.hub, "companies", company["id"], endless, by="INTEGRATION")
    rig = restored.restore()
    done = rebuilt(rig)
    assert dict(done.claims.problems).keys() == {"granlund-bygg.se", "tallmo-energi.se", "ekbacka-glas.se"}
    assert ledger(rig).keys() == {"fjordline-tools.se", "norrsken-data.se"}
    rig.settle()
    assert rig.status(ADA) == ("registered", None)
