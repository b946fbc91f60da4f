"""Does the client ask what HubSpot understands, and read all that it answers?"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest

from syncworker.hubspot.errors import FixRequest, Gone, RetryLater
from syncworker.hubspot.records import Association, FieldValue, Filter, Sort


def contact(id_: str, **properties: str | None) -> dict:
    return {"id": id_, "properties": properties, "createdAt": "2026-01-02T03:04:05.678Z", "archived": False}


def not_found(*ids: str) -> dict:
    return {
        "status": "error",
        "category": "OBJECT_NOT_FOUND",
        "message": "gone",
        "context": {"id": list(ids)},
    }


def test_a_batch_read_matches_by_id_whatever_the_order(stub, client):
    stub.says({"results": [contact("2", email="b@x.se"), contact("1", email=None)]})
    read = client.batch_read("contact", ["1", "2"], properties=["email"])
    assert read.found["1"].properties == {"email": None}
    assert read.found["2"].properties == {"email": "b@x.se"}
    assert read.missing == frozenset()
    assert read.moved == {}
    assert stub.asked[0].path == "/crm/objects/2026-09/contacts/batch/read"
    assert stub.asked[0].headers["authorization"] == "Bearer token"
    assert stub.asked[0].json["inputs"] == [{"id": "1"}, {"id": "2"}]


def test_v3_paths_are_asked_where_the_version_says_so(stub, client_for):
    stub.says({"results": []})
    client_for(stub.url, api_version="v3").batch_read("company", ["1"], properties=["name"])
    assert stub.asked[0].path == "/crm/v3/objects/companies/batch/read"


@pytest.mark.parametrize("errors", [[not_found("9")], [not_found()], []])
def test_what_does_not_come_back_is_missing_however_the_errors_say_it(stub, client, errors):
    stub.says({"results": [contact("1")], "numErrors": len(errors), "errors": errors}, status=207)
    read = client.batch_read("contact", ["1", "9"], properties=["email"])
    assert set(read.found) == {"1"}
    assert read.missing == {"9"}
    assert len(stub.asked) == 1


def test_a_merged_record_is_found_under_the_id_that_was_asked_for(stub, client):
    stub.says({"results": [contact("3", email="a@x.se", hs_merged_object_ids="1;2")]})
    read = client.batch_read("contact", ["1", "2", "3"], properties=["email"])
    assert {key: record.id for key, record in read.found.items()} == {"1": "3", "2": "3", "3": "3"}
    assert read.moved == {"1": "3", "2": "3"}
    assert len(stub.asked) == 1


def test_a_merged_record_that_does_not_say_so_is_looked_up_alone(stub, client):
    stub.says({"results": [contact("3")]})
    stub.says(contact("3"))
    stub.says(b"<html><head>Not found</head></html>", 404, {"Content-Type": "text/html;charset=iso-8859-1"})
    read = client.batch_read("contact", ["1", "2"], properties=["email"])
    assert read.moved == {"1": "3"}
    assert read.missing == {"2"}
    assert [asked.method for asked in stub.asked] == ["POST", "GET", "GET"]


def test_emails_are_matched_in_any_case_and_by_an_additional_one(stub, client):
    stub.says({"results": [
        contact("1", email="Anna@X.se", hs_additional_emails=None),
        contact("2", email="new@x.se", hs_additional_emails="old@x.se;older@x.se"),
    ]})  # fmt: skip
    read = client.batch_read(
        "contact", ["ANNA@x.se", "Older@x.se", "no@x.se"], properties=["firstname"], id_property="email"
    )
    assert {key: record.id for key, record in read.found.items()} == {"anna@x.se": "1", "older@x.se": "2"}
    assert read.missing == {"no@x.se"}
    assert read.moved == {}
    assert stub.asked[0].json["idProperty"] == "email"
    assert "email" in stub.asked[0].json["properties"]


def test_another_error_of_a_batch_read_does_not_look_like_a_missing_record(stub, client):
    stub.says({"results": [], "errors": [{"category": "SOMETHING_NEW", "message": "hm"}]}, status=207)
    with pytest.raises(RetryLater):
        client.batch_read("contact", ["1"], properties=["email"])


def test_history_is_read_with_who_and_when(stub, client):
    version = {
        "value": "register",
        "timestamp": "2026-05-01T10:00:00.123Z",
        "sourceType": "CRM_UI",
        "sourceId": 7,
    }
    stub.says({"results": [contact("1") | {"propertiesWithHistory": {"request": [version]}}]})
    read = client.batch_read("contact", ["1"], properties=[], history=["request"])
    (found,) = read.found["1"].history["request"]
    assert found.value == "register"
    assert found.timestamp == datetime(2026, 5, 1, 10, 0, 0, 123000, tzinfo=UTC)
    assert (found.source_type, found.source_id) == ("CRM_UI", "7")


def test_nothing_asked_is_no_call_and_too_much_is_refused_here(stub, client):
    assert client.batch_read("contact", [], properties=[]).found == {}
    assert client.batch_update("contact", {}).updated == frozenset()
    assert client.associations("contact", "company", []) == {}
    with pytest.raises(ValueError, match="divide"):
        client.batch_read("contact", [str(n) for n in range(101)], properties=[])
    assert stub.asked == []


def test_associations_follow_every_page_and_know_the_primary(stub, client):
    def to(id_: int, *types: int) -> dict:
        kinds = [{"category": "HUBSPOT_DEFINED", "typeId": one, "label": None} for one in types]
        return {"toObjectId": id_, "associationTypes": kinds}

    page = {"next": {"after": "x1", "link": "..."}}
    stub.says({"results": [
        {"from": {"id": "1"}, "to": [to(5, 279)], "paging": page},
        {"from": {"id": "2"}, "to": [to(7, 279)]},
    ]}, status=207)  # fmt: skip
    stub.says({"results": [{"from": {"id": "1"}, "to": [to(5790939450, 1, 279)]}]})
    found = client.associations("contact", "company", ["1", "2", "3"])
    assert found["1"] == [Association("5", False, (279,)), Association("5790939450", True, (1, 279))]
    assert [one.to_id for one in found["2"]] == ["7"]
    assert found["3"] == []
    assert stub.asked[0].path == "/crm/associations/2026-09/contacts/companies/batch/read"
    assert stub.asked[1].json == {"inputs": [{"id": "1", "after": "x1"}]}


def test_a_label_of_somebody_else_with_the_number_one_is_not_the_primary(stub, client):
    kinds = [{"category": "USER_DEFINED", "typeId": 1}]
    stub.says({"results": [{"from": {"id": "1"}, "to": [{"toObjectId": 5, "associationTypes": kinds}]}]})
    assert not client.associations("contact", "company", ["1"])["1"][0].primary


def test_no_associations_is_an_answer_and_another_error_is_not(stub, client):
    none = {"category": "VALIDATION_ERROR", "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}
    stub.says({"results": [], "errors": [none]}, status=207)
    assert client.associations("contact", "company", ["1"]) == {"1": []}
    stub.answers.clear()
    stub.says({"results": [], "errors": [{"category": "VALIDATION_ERROR", "message": "bad"}]}, status=207)
    with pytest.raises(FixRequest):
        client.associations("contact", "company", ["1"])


def test_an_update_is_read_per_record_whatever_the_status(stub, client):
    stub.says({
        "results": [contact("1")],
        "errors": [
            not_found("2"),
            {"category": "VALIDATION_ERROR", "message": "m", "context": {"objectWriteTraceId": ["3"]}},
        ],
    }, status=200)  # fmt: skip
    update = client.batch_update("contact", {key: {"a": "b"} for key in "1234"})
    assert update.updated == {"1"}
    assert isinstance(update.failed["2"], Gone)
    assert isinstance(update.failed["3"], FixRequest)
    assert isinstance(update.failed["4"], RetryLater)


def test_an_error_that_names_nobody_counts_for_whoever_is_not_accounted_for(stub, client):
    stub.says({"results": [contact("1")], "errors": [{"category": "CONFLICT", "message": "m"}]}, status=207)
    update = client.batch_update("contact", {"1": {"a": "b"}, "2": {"a": "b"}})
    assert update.updated == {"1"}
    assert isinstance(update.failed["2"], FixRequest)


def test_a_search_asks_and_pages_as_hubspot_wants(stub, client, limiter):
    stub.says({"total": 300, "results": [contact("1")], "paging": {"next": {"after": "200"}}})
    page = client.search(
        "contact",
        filter_groups=[[
            Filter(property_name="lastmodifieddate", operator="BETWEEN", value="1", high_value="2"),
            Filter(property_name="email", operator="IN", values=("a@x.se",)),
        ]],
        sort=Sort("lastmodifieddate", descending=True),
        properties=["email"],
        after="0",
    )  # fmt: skip
    assert (page.total, page.after, len(page.records)) == (300, "200", 1)
    assert stub.asked[0].json == {
        "filterGroups": [{"filters": [
            {"propertyName": "lastmodifieddate", "operator": "BETWEEN", "value": "1", "highValue": "2"},
            {"propertyName": "email", "operator": "IN", "values": ["a@x.se"]},
        ]}],
        "sorts": [{"propertyName": "lastmodifieddate", "direction": "DESCENDING"}],
        "properties": ["email"], "limit": 200, "after": "0",
    }  # fmt: skip
    assert limiter.taken == ["search"]


def test_a_list_gives_records_with_associations_and_the_next_page(stub, client):
    associated = {"companies": {"results": [
        {"id": "7", "type": "contact_to_company"}, {"id": "7", "type": "contact_to_company_unlabeled"},
        {"id": "8", "type": "contact_to_company_unlabeled"},
    ], "paging": {"next": {"after": "9"}}}}  # fmt: skip
    stub.says({
        "results": [contact("1", email="å@x.se") | {"associations": associated}],
        "paging": {"next": {"after": "2", "link": "https://api.hubapi.com/x"}},
    })  # fmt: skip
    page = client.list_page("contact", properties=["email", "website"], after="1", associations=["company"])
    assert page.after == "2"
    assert page.records[0].associations["company"] == (Association("7", True), Association("8", False))
    assert page.records[0].associations_cut == {"company"}
    assert "properties=email,website" in stub.asked[0].path
    assert "associations=companies" in stub.asked[0].path
    assert "after=1" in stub.asked[0].path


def test_a_page_that_leads_to_itself_is_the_last_one(stub, client):
    first = {"results": [contact("1")], "total": 2, "paging": {"next": {"after": "1"}}}
    for _ in range(4):
        stub.says(first)
    assert client.list_page("contact", properties=[]).after == "1"
    assert client.list_page("contact", properties=[], after="1").after is None
    assert client.listing("contact", properties=[], after="1").after is None
    assert client.search("contact", filter_groups=[], sort=None, properties=[], after="1").after is None


def test_forms_submissions_and_associations_end_where_a_page_leads_to_itself(stub, client):
    paging = {"next": {"after": "x1"}}
    form = {"id": "f1", "name": "Demo", "formType": "hubspot", "archived": False}
    stub.says({"results": [form], "paging": paging})
    stub.says({"results": [form | {"id": "f2"}], "paging": paging})
    stub.says({"results": [{"submittedAt": 1700000000000, "values": []}], "paging": paging})
    to = [{"toObjectId": 5, "associationTypes": []}]
    for _ in range(2):
        stub.says({"results": [{"from": {"id": "1"}, "to": to, "paging": paging}]})
    assert [one.id for one in client.forms()] == ["f1", "f2"]
    assert client.form_submissions("f1", after="x1").after is None
    client.associations("contact", "company", ["1"])
    assert len(stub.asked) == 2 + 1 + 2


def test_one_record_is_got_by_email_without_its_email_in_the_route(stub, client, calls):
    stub.says(contact("1"))
    client.get("contact", "a+b@x.se", properties=["email"], history=["email"], id_property="email")
    assert stub.asked[0].path.startswith("/crm/objects/2026-09/contacts/a%2Bb%40x.se?")
    assert calls[0].route == "GET /crm/objects/2026-09/contacts/{id}"


def test_forms_and_their_submissions_are_read(stub, client):
    form = {"id": "f1", "name": "Demo", "formType": "hubspot", "archived": False}
    stub.says({"results": [form], "paging": {"next": {"after": "n"}}})
    stub.says({"results": [form | {"id": "f2", "archived": True}]})
    assert [one.id for one in client.forms()] == ["f1"]
    stub.answers.clear()
    stub.says({"results": [
        {"conversionId": "c", "submittedAt": 1700000000000, "pageUrl": "https://x.se",
         "values": [{"name": "email", "value": "a@x.se", "objectTypeId": "0-1"}]},
        {"submittedAt": 1600000000000, "values": []},
    ], "paging": {"next": {"after": "p"}}})  # fmt: skip
    page = client.form_submissions("f1")
    assert page.after == "p"
    assert page.submissions[0].values == (FieldValue("email", "a@x.se", "0-1"),)
    assert page.submissions[0].submitted_at == datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)
    assert page.submissions[1].conversion_id is None
    assert stub.asked[-1].path == "/form-integrations/v1/submissions/forms/f1?limit=50"


def test_account_info_says_whose_token_it_is(stub, client):
    stub.says({"portalId": 33, "timeZone": "Europe/Stockholm", "accountType": "STANDARD", "uiDomain": "app"})
    account = client.account_info()
    assert (account.hub_id, account.time_zone) == (33, "Europe/Stockholm")


def test_one_client_serves_many_threads_over_few_connections(stub, client):
    stub.says({"results": [contact("1")]})
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: client.batch_read("contact", ["1"], properties=[]), range(40)))
    assert len(stub.asked) == 40
    assert len(stub.connections) <= 4
