"""Do the tables of leads hold what they should, found, sorted and paged as asked, and nothing of another portal?"""

from __future__ import annotations

import pytest
from sqlalchemy import text

from syncworker.sync.lists import lead_list
from syncworker.sync.lists.lead_list import LeadPage, Leads, Sort, View
from syncworker.sync.marks import Kind
from syncworker.sync.privacy.erasing import erase
from web.deployment import HUB, OTHER_HUB, Deployment


def page(deployment: Deployment, which: Leads = Leads.REGISTERED, *, hub_id: int = HUB, **view: object) -> LeadPage:
    with deployment.database.transaction() as tx:
        return lead_list.leads(tx, hub_id, which, View(**view))  # type: ignore[arg-type] # fields of a view alone


def found(deployment: Deployment, which: Leads = Leads.REGISTERED, *, hub_id: int = HUB, **view: object) -> list[str]:
    return [line.domain for line in page(deployment, which, hub_id=hub_id, **view).items]


def change(deployment: Deployment, statement: str, **values: object) -> None:
    with deployment.database.transaction() as tx:
        tx.connection.execute(text(statement), values)


def three_leads(deployment: Deployment) -> None:
    deployment.registered("acme.se", contact_id="1", company_id="11")
    deployment.registered("beta.se", contact_id="2", company_id="12")
    deployment.registered("citrus.se", contact_id="3", company_id="13")
    deployment.record("1", name="Örjan Åberg", country="Sverige")
    deployment.record("11", kind=Kind.COMPANY, name="Zeta AB")
    deployment.record("2", name="Ada Berg", company="Émile & Fils", country="Norge")
    deployment.record("3", name="Bo Ek", company="Strøm 100%_", country="Danmark")


def test_a_word_is_found_in_domain_company_contact_or_country_whatever_its_case_and_accents(
    deployment: Deployment,
) -> None:
    three_leads(deployment)
    for q in ("ACME", "orjan", "ÅBERG", "aberg örjan", "zeta sverige", "se zeta"):
        assert found(deployment, q=q) == ["acme.se"], q
    for q in ("emile", "ÉMILE fils", "norge"):
        assert found(deployment, q=q) == ["beta.se"], q
    for q in ("strom", "100%", "%_"):
        assert found(deployment, q=q) == ["citrus.se"], q
    for q in ("%%", "a_a", "\\", "nobody", "zeta norge", "x" * 10_000):
        assert found(deployment, q=q) == [], q[:20]
    for q in ("", " ", "\x00", "\ud800", None):
        assert page(deployment, q=q).total == 3, q


def test_it_is_sorted_by_every_column_both_ways(deployment: Deployment) -> None:
    three_leads(deployment)
    change(deployment, "UPDATE registrations SET source = 'app' WHERE domain = 'beta.se'")
    change(deployment, "UPDATE registrations SET registered_on = registered_on - 9 WHERE domain = 'citrus.se'")
    change(deployment, "UPDATE registrations SET expires_at = expires_at - interval '9 days' WHERE domain = 'beta.se'")
    in_order = {
        Sort.DOMAIN: ["acme.se", "beta.se", "citrus.se"],
        Sort.COMPANY: ["beta.se", "citrus.se", "acme.se"],
        Sort.CONTACT: ["beta.se", "citrus.se", "acme.se"],
        Sort.COUNTRY: ["citrus.se", "beta.se", "acme.se"],
        Sort.REGISTERED_ON: ["citrus.se", "acme.se", "beta.se"],
        Sort.EXPIRES_ON: ["beta.se", "acme.se", "citrus.se"],
        Sort.SOURCE: ["beta.se", "acme.se", "citrus.se"],
    }
    assert set(in_order) == set(Sort)
    for sort, expected in in_order.items():
        assert found(deployment, sort=sort) == expected, sort
        assert found(deployment, sort=sort, descending=True) == expected[::-1], sort
        assert found(deployment, sort=sort, q="se") == expected, sort


def test_pages_hold_every_line_once_and_the_last_one_stands_for_all_beyond_it(deployment: Deployment) -> None:
    names = [f"firma-{n:02}.se" for n in range(23)]
    for name in names:
        deployment.registered(name, contact_id=None, company_id=None)
    for q in (None, "firma"):
        for descending in (False, True):
            pages = [page(deployment, q=q, page=n, size=5, descending=descending) for n in range(1, 6)]
            lines = [line.domain for one in pages for line in one.items]
            assert lines == (names[::-1] if descending else names)
            assert {(one.total, one.pages) for one in pages} == {(23, 5)}
        beyond = page(deployment, q=q, page=99, size=5)
        assert (beyond.page, [line.domain for line in beyond.items]) == (5, names[20:])
    nothing = page(deployment, q="nobody", page=7)
    assert (nothing.items, nothing.total, nothing.page, nothing.pages) == ((), 0, 1, 1)


def test_so_many_that_are_found_that_they_are_not_collected_first_are_paged_alike(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lead_list, "FEW", 2)
    three_leads(deployment)
    assert found(deployment, q="se", size=2) == ["acme.se", "beta.se"]
    assert found(deployment, q="se", size=2, page=2, sort=Sort.COMPANY) == ["acme.se"]
    assert page(deployment, q="se", size=2).total == 3


def test_all_of_them_are_read_some_at_a_time_and_no_connection_is_kept_in_between(deployment: Deployment) -> None:
    three_leads(deployment)
    every = lead_list.everything(deployment.database, HUB, Leads.REGISTERED, View(sort=Sort.COMPANY), at_once=2)
    assert next(every).domain == "beta.se"
    assert "Checked out connections: 0" in deployment.database.engine.pool.status()
    # What was found stays found, and shows what it is by now.
    change(deployment, "UPDATE registrations SET company_id = NULL WHERE domain = 'acme.se'")
    assert [(line.domain, line.company) for line in every] == [("citrus.se", "Strøm 100%_"), ("acme.se", None)]


def test_each_list_holds_its_own(deployment: Deployment) -> None:
    for name in ("active", "renews", "soon", "overdue", "ended", "dropped", "again"):
        deployment.registered(f"{name}.se")
    late = "expires_at = now() - interval '1 second'"
    change(deployment, "UPDATE registrations SET confirmation = 'unconfirmed' WHERE domain = 'active.se'")
    change(deployment, f"UPDATE registrations SET {late}, renew_at_expiry = true WHERE domain = 'renews.se'")
    change(deployment, "UPDATE registrations SET expires_at = now() + interval '10 days' WHERE domain = 'soon.se'")
    change(deployment, f"UPDATE registrations SET {late} WHERE domain = 'overdue.se'")
    over = "UPDATE registrations SET ended_at = now(), end_reason = 'expired' WHERE domain IN ('ended.se', 'again.se')"
    change(deployment, over)
    change(
        deployment, "UPDATE registrations SET deregistered_at = now(), undo_until = now() WHERE domain = 'dropped.se'"
    )
    deployment.registered("again.se")
    assert found(deployment) == ["active.se", "again.se", "renews.se", "soon.se"]
    assert found(deployment, Leads.EXPIRED) == ["ended.se", "overdue.se"]
    assert found(deployment, Leads.DEREGISTERED) == ["dropped.se"]
    assert found(deployment, Leads.EXPIRING, days=14) == ["renews.se", "soon.se"]
    assert found(deployment, Leads.EXPIRING, days=7) == ["renews.se"]
    assert found(deployment, Leads.TO_CONFIRM) == ["active.se"]
    with deployment.database.transaction() as tx:
        assert {which: lead_list.count(tx, HUB, which, View(days=14)) for which in Leads} == {
            Leads.REGISTERED: 4, Leads.EXPIRED: 2, Leads.DEREGISTERED: 1, Leads.EXPIRING: 2, Leads.TO_CONFIRM: 1,
        }  # fmt: skip
        assert lead_list.domains(tx, HUB, Leads.REGISTERED, View(q="re")) == ["renews.se"]


def test_another_portal_of_the_partner_sees_the_domain_and_no_name(deployment: Deployment) -> None:
    three_leads(deployment)
    deployment.portal(OTHER_HUB)
    deployment.registered("other.se", hub_id=OTHER_HUB, contact_id="1", company_id="11")
    deployment.record("1", hub_id=OTHER_HUB, name="Somebody Else", country="Finland")
    assert found(deployment, hub_id=OTHER_HUB, q="orjan") == []
    assert found(deployment, hub_id=OTHER_HUB, q="acme") == ["acme.se"]
    assert found(deployment, hub_id=HUB, q="somebody") == []
    # Nor does the order tell what it may not see
    by_contact = page(deployment, hub_id=OTHER_HUB, sort=Sort.CONTACT)
    assert [(line.domain, line.contact_name) for line in by_contact.items] == [
        ("acme.se", None),
        ("beta.se", None),
        ("citrus.se", None),
        ("other.se", "Somebody Else"),
    ]


def test_another_partner_sees_nothing(deployment: Deployment) -> None:
    three_leads(deployment)
    deployment.portal(OTHER_HUB, partner="Other")
    for which in Leads:
        assert found(deployment, which, hub_id=OTHER_HUB) == []


def test_what_a_search_finds_follows_the_record(deployment: Deployment) -> None:
    three_leads(deployment)
    change(deployment, "UPDATE records SET name = 'Kim Alm', company = NULL WHERE object_id = '2'")
    assert (found(deployment, q="ada"), found(deployment, q="emile"), found(deployment, q="kim")) == (
        [],
        [],
        ["beta.se"],
    )
    change(deployment, "UPDATE registrations SET contact_id = '1' WHERE domain = 'beta.se'")
    assert found(deployment, q="orjan") == ["acme.se", "beta.se"]
    change(deployment, "DELETE FROM records WHERE object_id = '1'")
    assert found(deployment, q="orjan") == []


def test_who_was_erased_is_found_no_more(deployment: Deployment) -> None:
    three_leads(deployment)
    erase(deployment.context, hub_id=HUB, contact_id="1")
    assert found(deployment, q="orjan") == []
    assert found(deployment, q="zeta") == ["acme.se"]
