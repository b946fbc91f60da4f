"""What the CRM shows of any number of records is kept outside memory, and comes back once, in portions."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime

import pytest

from syncworker.registration.rules.terms import Reason, Source, Status
from syncworker.store import portals
from syncworker.store.database import Database
from syncworker.store.portals import Mode, Portal
from syncworker.sync.marks import Kind
from syncworker.sync.recovery.crm_evidence import Shown
from syncworker.sync.recovery.crm_notes import DOMAINS_AT_ONCE, RECORDS_AT_ONCE, Notes
from syncworker.sync.recovery.rebuild_claims import NAMED, Compared, Said

AT = datetime(2026, 3, 1, 12, 0, 0, 5, tzinfo=UTC)


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, pool_size=1)
    yield made
    made.close()


@pytest.fixture
def connected(database: Database) -> list[Portal]:
    """Two portals of two partners."""
    with database.transaction() as tx:
        for hub_id in (1, 2):
            partner = portals.ensure_partner(tx, name=f"partner {hub_id}", program="p", tier="t", capacity=None)
            portals.add(
                tx, hub_id=hub_id, partner=partner, name="", mode=Mode.PAUSED, time_zone="UTC", ui_domain="",
                app_id=None, partner_company_id=None, sealed=b"",
            )  # fmt: skip
        return portals.everyone(tx)


def shown(hub_id: int, number: int, domain: str | None, status: Status = Status.REGISTERED) -> Shown:
    return Shown(
        hub_id=hub_id, kind=Kind.CONTACT, object_id=str(number), status=status, reason=Reason.MISSING_DATA,
        domain=domain, present=None, registered_on=date(2026, 1, 31), expires_on=None, source=Source.FORM,
        confirmed=None, company_id="7",
    )  # fmt: skip


def test_each_domain_comes_back_once_with_all_its_records_and_never_too_many_at_a_time(
    database: Database, connected: list[Portal]
) -> None:
    # Given more domains than a portion, one with more records than a portion, and the same domain in two portals
    kept = [shown(1, number, f"firma-{number}.se") for number in range(2 * DOMAINS_AT_ONCE + 1)]
    kept += [shown(1, 10_000 + number, "large.se") for number in range(RECORDS_AT_ONCE + 1)]
    kept += [shown(2, 1, "large.se"), shown(1, 99_998, None), shown(1, 99_999, "open.se", Status.PENDING)]
    partner_of = {portal.hub_id: portal.partner.id for portal in connected}
    with Notes(database, connected) as notes:
        for start in range(0, len(kept), 100):
            notes.keep_shown(kept[start : start + 100])
        notes.keep_shown(kept[:100])  # a list that shifts gives some twice
        assert notes.all_shown() == len(kept)
        portions = list(notes.domains())
        assert list(notes.contacts(1, {Status.PENDING})) == [{"99999": kept[-1]}]
        found = [(partner_id, one) for partner_id, domains in portions for some in domains.values() for one in some]
        # I expect the very same, whatever its order
        expected = [(partner_of[one.hub_id], one) for one in kept if one.domain and one.status is Status.REGISTERED]
        assert sorted(found, key=repr) == sorted(expected, key=repr)
        names = [(partner_id, name) for partner_id, domains in portions for name in domains]
        assert len(names) == len(set(names)) == 2 * DOMAINS_AT_ONCE + 3
        assert all(len(domains) == 1 or sum(map(len, domains.values())) <= RECORDS_AT_ONCE for _, domains in portions)


def test_last_words_come_back_as_they_were_said_and_endings_apart(database: Database, connected: list[Portal]) -> None:
    said = [
        Said(
            domain=f"firma-{number}.se", portal=connected[number % 2], status=status, set_at=AT,
            registered_on=date(2026, 1, 31), expires_on=None, contact_id=None, company_id="7", source=Source.FORM,
            confirmed=None,
        )
        for number, status in enumerate([Status.REGISTERED, Status.DEREGISTERED, Status.EXPIRED] * DOMAINS_AT_ONCE)
    ]  # fmt: skip
    with Notes(database, connected) as notes:
        notes.keep_said(said)
        over = [one for _, some in notes.said(over=True) for one in some]
        not_over = [one for _, some in notes.said(over=False) for one in some]
    assert {one.status for one in not_over} == {Status.REGISTERED}
    assert sorted(over + not_over, key=lambda one: one.domain) == sorted(said, key=lambda one: one.domain)
    # and nothing of it to be left for whoever uses the connection next
    with Notes(database, connected) as notes:
        assert notes.all_shown() == 0


def test_what_became_of_many_domains_is_counted_and_some_are_named() -> None:
    all_of_them = Compared()
    for start in range(0, 2 * NAMED, 300):
        all_of_them.add(Compared(known=1, registered=[f"{start + n}.se" for n in range(300)], problems=[("a.se", "")]))
    assert (len(all_of_them.registered), all_of_them.number("registered")) == (NAMED, 2100)
    assert (all_of_them.number("problems"), all_of_them.more["problems"], all_of_them.known) == (7, 0, 7)
