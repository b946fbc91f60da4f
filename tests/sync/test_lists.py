"""Do the lists show all that is a portal's, in order, page by page, and nothing of another?"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text

from syncworker.program import Validity
from syncworker.registration.ledger import registrations
from syncworker.registration.ledger.registrations import NotRegistered
from syncworker.registration.ledger.requests import State
from syncworker.registration.rules.terms import Source, Status
from syncworker.store.portals import UnknownPortal
from syncworker.sync.lists import lists, mark_lists, page_cursor
from syncworker.sync.lists.list_lines import MarkPage, RegistrationLine, RegistrationPage, RequestPage
from syncworker.sync.lists.lists import BadCursor, UnknownFilter, UnknownRequest
from syncworker.sync.marks import Kind, Priority, mark
from web.deployment import HUB, OTHER_HUB, Deployment

P = TypeVar("P", RegistrationPage, RequestPage, MarkPage)


def listed(
    deployment: Deployment, *, hub_id: int = HUB, status: str | None = None, q: str | None = None
) -> list[RegistrationLine]:
    with deployment.database.transaction() as tx:
        return list(lists.registrations(tx, hub_id, status=status, q=q).items)


def domains(lines: list[RegistrationLine]) -> list[str]:
    return [line.domain for line in lines]


def all_pages(page: Callable[[str | None], P]) -> list[P]:
    pages = [page(None)]
    while pages[-1].next:
        pages.append(page(pages[-1].next))
    return pages


def test_the_newest_registration_of_each_domain_is_listed(deployment: Deployment) -> None:
    deployment.registered("acme.se")
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE registrations SET ended_at = now(), end_reason = 'expired'"))
    deployment.registered("beta.se")
    deployment.registered("acme.se")
    lines = listed(deployment)
    assert [(line.domain, line.status) for line in lines] == [
        ("acme.se", Status.REGISTERED),
        ("beta.se", Status.REGISTERED),
    ]


def test_each_status_can_be_asked_for(deployment: Deployment) -> None:
    deployment.registered("active.se")
    deployment.registered("deregistered.se")
    deployment.registered("ended.se")
    deployment.registered("overdue.se")
    with deployment.database.transaction() as tx:
        claim = registrations.active_of(tx, registrations_partner(deployment), "deregistered.se")
        registrations.deregister(tx, [claim], who="w", source=Source.APP, undo=timedelta(minutes=10))
        ended = "UPDATE registrations SET ended_at = now(), end_reason = 'expired' WHERE domain = 'ended.se'"
        tx.connection.execute(text(ended))
        # Past its last valid day, and nobody has noted that yet.
        overdue = "UPDATE registrations SET expires_at = now() - interval '1 s' WHERE domain = 'overdue.se'"
        tx.connection.execute(text(overdue))
    assert domains(listed(deployment, status="registered")) == ["active.se"]
    assert domains(listed(deployment, status="expired")) == ["ended.se", "overdue.se"]
    [line] = listed(deployment, status="deregistered")
    assert (line.domain, line.undo_until is not None) == ("deregistered.se", True)
    with pytest.raises(UnknownFilter, match="registered, expired, deregistered"):
        listed(deployment, status="pending")


def registrations_partner(deployment: Deployment) -> int:
    with deployment.database.transaction() as tx:
        return int(tx.connection.execute(text("SELECT min(id) FROM partners")).scalar_one())


def test_a_deregistration_that_cannot_be_undone_any_more_says_so(deployment: Deployment) -> None:
    deployment.registered("acme.se")
    with deployment.database.transaction() as tx:
        tx.connection.execute(
            text("UPDATE registrations SET deregistered_at = now(), undo_until = now() - interval '1 s'")
        )
    [line] = listed(deployment)
    assert (line.status, line.undo_until) == (Status.DEREGISTERED, None)


def test_registrations_are_searched_by_domain_company_contact_and_country(deployment: Deployment) -> None:
    deployment.registered("acme.se", contact_id="1", company_id="11")
    deployment.registered("beta.se", contact_id="2", company_id="12")
    deployment.record("1", name="Ada Berg", company="Acme by hand", country="Sweden")
    deployment.record("11", kind=Kind.COMPANY, name="Acme AB")
    deployment.record("2", name="Bo 100%_", company="Beta", country="Norway")
    for q in ("ACME.s", "acme ab", "by hand", "ada", "swed", " Ada "):
        assert domains(listed(deployment, q=q)) == ["acme.se"], q
    for q in ("100%", "%_", "norway"):
        assert domains(listed(deployment, q=q)) == ["beta.se"], q
    for q in ("%%", "a_a", "\\", "nobody"):
        assert listed(deployment, q=q) == [], q
    for q in ("", " ", "\x00", "\ud800", None):
        assert len(listed(deployment, q=q)) == 2, q


def test_only_the_first_two_hundred_characters_are_searched_for(deployment: Deployment) -> None:
    deployment.registered("acme.se")
    assert listed(deployment, q="acme.se" + " " * 193 + "x" * 10_000_000) != []


def test_a_website_that_became_another_domain_shows_as_drift(deployment: Deployment) -> None:
    deployment.registered("acme.se", contact_id="1")
    deployment.record("1", domain="acme.com")
    assert [line.drift for line in listed(deployment)] == [True]


def test_a_lead_whose_record_is_unknown_or_gone_is_no_drift(deployment: Deployment) -> None:
    deployment.registered("acme.se", contact_id="1")
    deployment.registered("beta.se", contact_id="2")
    deployment.record("2", domain="beta.com", presence="archived")
    assert [line.drift for line in listed(deployment)] == [False, False]


def test_a_partners_portals_share_registrations_but_not_peoples_names(deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Acme")
    deployment.registered("acme.se", contact_id="1")
    deployment.record("1", name="Ada Berg")
    # The same id in the other portal is another person.
    deployment.record("1", hub_id=OTHER_HUB, name="Bo Holm")
    [own] = listed(deployment)
    [shared] = listed(deployment, hub_id=OTHER_HUB)
    assert (own.domain, own.contact_name) == ("acme.se", "Ada Berg")
    assert (shared.domain, shared.contact_name, shared.hub_id) == ("acme.se", None, HUB)
    assert listed(deployment, hub_id=OTHER_HUB, q="Ada") == []


def test_another_partner_sees_nothing(deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    deployment.registered("acme.se")
    request_id = deployment.asked("1", state=State.WAITING, domain="beta.se")
    with deployment.database.transaction() as tx:
        mark(tx, HUB, Kind.CONTACT, ["1"], priority=Priority.POLL, cause="poll")
        assert lists.registrations(tx, OTHER_HUB).items == ()
        assert lists.requests_(tx, OTHER_HUB).items == ()
        assert lists.requests_(tx, OTHER_HUB, state="waiting").items == ()
        assert mark_lists.marks(tx, OTHER_HUB).items == ()
        assert lists.domain_history(tx, OTHER_HUB, "beta.se") == []
        assert lists.capacity_of(deployment.context, tx, OTHER_HUB).used == 0
        with pytest.raises(UnknownRequest):
            lists.request_of(tx, OTHER_HUB, request_id)
        with pytest.raises(NotRegistered):
            lists.registration_of(tx, OTHER_HUB, "acme.se")


def test_a_portal_that_is_not_connected_has_no_lists(deployment: Deployment) -> None:
    for ask in (lists.registrations, lists.requests_, mark_lists.marks):
        with deployment.database.transaction() as tx, pytest.raises(UnknownPortal):
            ask(tx, 999)


def test_pages_show_every_registration_once(deployment: Deployment) -> None:
    names = [f"d{number:02}.se" for number in range(7)]
    for name in reversed(names):
        deployment.registered(name, validity=Validity(days=90))
    with deployment.database.transaction() as tx:
        pages = all_pages(lambda cursor: lists.registrations(tx, HUB, limit=3, cursor=cursor))
    assert [len(page.items) for page in pages] == [3, 3, 1]
    assert [line.domain for page in pages for line in page.items] == names


def test_the_waiting_list_is_in_line_order_with_positions(deployment: Deployment) -> None:
    for contact, domain, ago in (("1", "a.se", 10), ("2", "b.se", 30), ("3", "b.se", 5), ("4", "c.se", 20)):
        deployment.asked(contact, state=State.WAITING, domain=domain, seconds_ago=ago)
    with deployment.database.transaction() as tx:
        pages = all_pages(lambda cursor: lists.requests_(tx, HUB, state="waiting", limit=2, cursor=cursor))
    places = [(line.request.contact_id, line.position) for page in pages for line in page.items]
    # Two wait for b.se: they share the place of the first.
    assert places == [("2", 1), ("4", 2), ("1", 3), ("3", 1)]


def test_other_requests_come_newest_first(deployment: Deployment) -> None:
    ids = [deployment.asked(str(number), state=State.UNAVAILABLE, domain="a.se") for number in range(1, 6)]
    deployment.asked("9")
    with deployment.database.transaction() as tx:
        pages = all_pages(lambda cursor: lists.requests_(tx, HUB, state="refused", limit=2, cursor=cursor))
        assert len(lists.requests_(tx, HUB).items) == 6
        with pytest.raises(UnknownFilter):
            lists.requests_(tx, HUB, state="lost")
    assert [line.request.id for page in pages for line in page.items] == ids[::-1]


def test_marks_come_by_due_time_and_parked_ones_newest_first(deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        for minutes, object_id in ((3, "1"), (1, "2"), (2, "3")):
            delay = timedelta(minutes=minutes)
            mark(tx, HUB, Kind.CONTACT, [object_id], priority=Priority.POLL, cause="poll", delay=delay)
        for minutes, object_id in ((3, "4"), (1, "5"), (2, "6")):
            mark(tx, HUB, Kind.COMPANY, [object_id], priority=Priority.POLL, cause="poll")
            parked = text("UPDATE marks SET parked_at = now() - make_interval(mins => :m) WHERE object_id = :id")
            tx.connection.execute(parked, {"m": minutes, "id": object_id})
        due = all_pages(lambda cursor: mark_lists.marks(tx, HUB, parked=False, limit=2, cursor=cursor))
        parked_pages = all_pages(lambda cursor: mark_lists.marks(tx, HUB, parked=True, limit=2, cursor=cursor))
        every = all_pages(lambda cursor: mark_lists.marks(tx, HUB, limit=4, cursor=cursor))
    assert [line.object_id for page in due for line in page.items] == ["2", "3", "1"]
    assert [line.object_id for page in parked_pages for line in page.items] == ["5", "6", "4"]
    assert sum(len(page.items) for page in every) == 6


def test_a_mark_shows_whether_somebody_is_at_it(deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        mark(tx, HUB, Kind.CONTACT, ["1", "2"], priority=Priority.POLL, cause="poll")
        claim = "UPDATE marks SET claim_token = gen_random_uuid(), not_before = now() + :lease ::interval"
        tx.connection.execute(text(f"{claim} WHERE object_id = '1'"), {"lease": "60 s"})
        tx.connection.execute(text(f"{claim} WHERE object_id = '2'"), {"lease": "-1 s"})
        claimed = {line.object_id: line.claimed for line in mark_lists.marks(tx, HUB).items}
    # The lease of the second ran out: whoever had it was killed.
    assert claimed == {"1": True, "2": False}


def test_marks_are_counted(deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        mark(tx, HUB, Kind.CONTACT, ["1", "2"], priority=Priority.POLL, cause="poll")
        tx.connection.execute(text("UPDATE marks SET parked_at = now() WHERE object_id = '2'"))
        tx.connection.execute(text("UPDATE marks SET not_before = now() - interval '90 s' WHERE object_id = '1'"))
        [count] = mark_lists.mark_counts(tx)
    assert (count.hub_id, count.kind, count.priority) == (HUB, Kind.CONTACT, Priority.POLL)
    assert (count.due, count.parked, count.oldest_due_s) == (1, 1, 90.0)


def test_a_cursor_of_another_list_is_refused(deployment: Deployment) -> None:
    cursor = page_cursor.encode("marks None", "contact", "1")
    with deployment.database.transaction() as tx:
        for ask in (lists.registrations, lists.requests_, mark_lists.marks):
            with pytest.raises(BadCursor):
                ask(tx, HUB, cursor=cursor)
        with pytest.raises(BadCursor):
            lists.requests_(tx, HUB, state="waiting", cursor=page_cursor.encode("waiting", "yesterday", 1))


@given(st.text(max_size=60) | st.binary(max_size=60).map(lambda some: page_cursor.encode("l", some.hex())))
def test_any_text_is_a_cursor_or_a_bad_one(cursor: str) -> None:
    try:
        page_cursor.Key("l", cursor, parts=1).time(0)
    except BadCursor:
        return


@pytest.mark.parametrize("key", [True, 0, -1, 2**63, 1.5, None, "1"])
def test_an_id_in_a_cursor_is_one_that_the_database_takes(key: int) -> None:
    with pytest.raises(BadCursor):
        page_cursor.Key("l", page_cursor.encode("l", key), parts=1).number(0)


def test_a_text_in_a_cursor_is_one_that_the_database_takes() -> None:
    for odd in ("\x00", "\ud800"):
        with pytest.raises(BadCursor):
            page_cursor.Key("l", page_cursor.encode("l", odd), parts=1).text(0)
