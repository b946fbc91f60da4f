"""Do the client's calls and the sandbox's answers agree, in both spellings of the API?"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncworker.hubspot.credentials import RefreshedToken, StaticToken, StoredToken
from syncworker.hubspot.errors import FixCredentials, FixRequest, Gone, RetryLater
from syncworker.hubspot.paths import Paths
from syncworker.hubspot.records import Filter, Sort
from syncworker.hubspot.transport import Transport

pytestmark = pytest.mark.integration


def person(sandbox, portal, email="anna@nordvik.example", **more):
    properties = {"email": email, "firstname": "Anna", "website": "nordvik.example"}
    return sandbox.create(portal.hub_id, "contacts", properties, **more)["id"]


def test_records_are_read_in_a_batch_with_history_and_by_email(sandbox, portal):
    id_ = person(sandbox, portal)
    sandbox.edit(portal.hub_id, "contacts", id_, {"firstname": "Åsa"})
    read = portal.batch_read("contact", [id_, "999999"], properties=["firstname"], history=["firstname"])
    assert read.missing == {"999999"}
    assert read.found[id_].properties["firstname"] == "Åsa"
    assert [one.value for one in read.found[id_].history["firstname"]] == ["Åsa", "Anna"]
    assert read.found[id_].history["firstname"][0].source_type == "CRM_UI"
    by_email = portal.batch_read(
        "contact", ["ANNA@nordvik.example", "no@x.example"], properties=[], id_property="email"
    )
    assert by_email.found["anna@nordvik.example"].id == id_
    assert by_email.missing == {"no@x.example"}
    assert portal.get("contact", id_, properties=["firstname"]).properties["firstname"] == "Åsa"
    with pytest.raises(Gone):
        portal.get("contact", "999999", properties=[])


def test_a_merged_record_is_known_under_its_old_ids(sandbox, portal):
    first, second = person(sandbox, portal), person(sandbox, portal, "b@x.example")
    token = sandbox.portals()[0]["access_token"]
    merged = sandbox.json(
        "POST",
        "/crm/v3/objects/contacts/merge",
        {"primaryObjectId": first, "objectIdToMerge": second},
        token=token,
    )
    read = portal.batch_read("contact", [first, second], properties=["email"])
    assert read.moved == {first: merged["id"], second: merged["id"]}
    assert portal.get("contact", first, properties=[]).id == merged["id"]
    update = portal.batch_update("contact", {first: {"firstname": "X"}})
    assert update.updated == frozenset()
    assert isinstance(update.failed[first], Gone)


def test_an_update_tells_of_each_record_and_a_bad_property_of_all(sandbox, portal):
    id_ = person(sandbox, portal)
    update = portal.batch_update("contact", {id_: {"firstname": "Bo"}, "999999": {"firstname": "C"}})
    assert update.updated == {id_}
    assert isinstance(update.failed["999999"], Gone)
    assert sandbox.record(portal.hub_id, "contacts", id_)["properties"]["firstname"] == "Bo"
    with pytest.raises(FixRequest) as caught:
        portal.batch_update("contact", {id_: {"no_such_thing": "1"}})
    assert [one.name for one in caught.value.bad_properties] == ["no_such_thing"]


def test_associations_are_read_with_the_primary(sandbox, portal):
    company = sandbox.create(portal.hub_id, "companies", {"name": "Nordvik", "domain": "nordvik.example"})["id"]
    id_ = person(sandbox, portal, company=company)
    lonely = person(sandbox, portal, "lonely@gmail.com")
    found = portal.associations("contact", "company", [id_, lonely])
    assert [(one.to_id, one.primary) for one in found[id_]] == [(company, True)]
    assert found[lonely] == []
    assert company in {one.to_id for one in portal.associations("contact", "company", [id_])[id_]}
    listed = portal.list_page("contact", properties=["email"], associations=["company"])
    by_id = {one.id: one for one in listed.records}
    assert [(one.to_id, one.primary) for one in by_id[id_].associations["company"]] == [(company, True)]


def test_lists_and_searches_page_through_all(sandbox, portal):
    sandbox.faults(search_lag_s=0)
    ids = sorted((person(sandbox, portal, f"p{n}@x.example") for n in range(5)), key=int)
    listed, after = [], None
    while True:
        page = portal.list_page("contact", properties=["email"], after=after, limit=2)
        listed += [one.id for one in page.records]
        after = page.after
        if after is None:
            break
    assert set(ids) <= set(listed)
    since = str(round((datetime.now(UTC) - timedelta(minutes=1)).timestamp() * 1000))
    changed = Filter(property_name="lastmodifieddate", operator="GTE", value=since)
    first = portal.search(
        "contact", filter_groups=[[changed]], sort=Sort("lastmodifieddate"), properties=["email"], limit=3
    )
    assert first.total >= 5
    assert first.after == "3"
    with pytest.raises(FixRequest):
        portal.search("contact", filter_groups=[[changed]], sort=None, properties=[], after="10001")


def test_forms_and_submissions_and_the_account_are_read(sandbox, portal):
    demo = sandbox.portals()[0]
    form = demo["forms"][0]
    assert form["id"] in {one.id for one in portal.forms()}
    for n in range(3):
        sandbox.submit(form["id"], portal.hub_id, email=f"s{n}@nordvik.example", firstname="Anna")
    first = portal.form_submissions(form["id"], limit=2)
    second = portal.form_submissions(form["id"], limit=2, after=first.after)
    emails = [dict(one[:2] for one in each.values)["email"] for page in (first, second) for each in page.submissions]
    assert emails == ["s2@nordvik.example", "s1@nordvik.example", "s0@nordvik.example"]
    assert second.after is None
    assert portal.account_info().hub_id == demo["hub_id"]


def test_a_wrong_token_and_a_missing_scope_are_told(sandbox, portal, client_for):
    stranger = client_for(sandbox.base_url, credentials=StaticToken("wrong"))
    with pytest.raises(FixCredentials):
        stranger.account_info()
    sandbox.settings(portal.hub_id, scopes=["crm.objects.contacts.read"])
    with pytest.raises(FixCredentials) as caught:
        portal.batch_update("contact", {"1": {"firstname": "x"}})
    assert "crm.objects.contacts.write" in caught.value.missing_scopes


def test_an_oauth_token_is_renewed_and_used(sandbox, portal, client_for):
    demo = sandbox.portals()[0]
    now = datetime.now(UTC)

    class Store:
        kept = StoredToken(access_token="", refresh_token=demo["refresh_token"], expires_at=now)

        def refresh(self, hub_id, renew):
            self.kept = renew(self.kept)
            return self.kept

    transport = Transport(sandbox.base_url)
    credentials = RefreshedToken(
        hub_id=demo["hub_id"], client_id=demo["client_id"], client_secret=demo["client_secret"],
        store=Store(), transport=transport, paths=portal.paths,
    )  # fmt: skip
    client = client_for(sandbox.base_url, hub_id=demo["hub_id"], credentials=credentials)
    assert client.account_info().hub_id == demo["hub_id"]
    transport.close()


@pytest.mark.parametrize("fault", ["429", "500", "502", "reset", "html", "lost_answer", "partial_batch"])
def test_a_batch_comes_through_or_says_retry_later_under_every_fault(sandbox, client_for, fault):
    demo = sandbox.portals()[0]
    client = client_for(sandbox.base_url, hub_id=demo["hub_id"], credentials=StaticToken(demo["access_token"]))
    ids = [person(sandbox, client, f"f{n}@x.example") for n in range(4)]
    sandbox.faults(seed=3, http={fault: 0.4})
    read = 0
    for _ in range(10):
        try:
            assert set(client.batch_read("contact", ids, properties=["email"]).found) == set(ids)
            read += 1
            update = client.batch_update("contact", {id_: {"firstname": "X"} for id_ in ids})
            assert update.updated | update.failed.keys() == set(ids)
            assert all(isinstance(error, RetryLater) for error in update.failed.values())
        except RetryLater:
            continue
    assert read >= 5


def test_paths_of_both_march_and_september_are_spelled_as_hubspot_does():
    assert Paths("2026-03").search("contact") == "/crm/objects/2026-03/contacts/search"
    assert Paths("2026-03").forms == "/marketing/v3/forms"
    assert Paths("2026-09").forms == "/marketing/forms/2026-09-beta"
    assert Paths("v3").associations_read("contact", "company") == "/crm/v4/associations/contacts/companies/batch/read"
    assert Paths("v3").oauth_token == "/oauth/v3/token"
    assert Paths("2026-09").groups("company") == "/crm/properties/2026-09/companies/groups"
    assert Paths("v3").objects("0-145", "1") == "/crm/v3/objects/0-145/1"
