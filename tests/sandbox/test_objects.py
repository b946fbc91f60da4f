"""Do records behave as HubSpot's: created, read, changed, deleted, merged, one by one and in batches?"""

from __future__ import annotations

import json

from sandbox.conftest import Portal


def test_a_record_is_created_read_changed_and_deleted_in_every_spelling(spelt: Portal) -> None:
    id_ = spelt.contact(email="Ann@Acme.test", firstname="Ann")
    status, body = spelt.call("GET", spelt.objects(f"contacts/{id_}"))
    assert status == 200
    assert body["properties"]["email"] == "ann@acme.test"
    assert body["properties"]["lastname"] is None
    assert body["properties"]["hs_object_id"] == id_
    assert body["createdAt"].endswith("Z")
    assert body["archived"] is False
    assert spelt.update(id_, lastname="Berg") == 200
    assert spelt.call("DELETE", spelt.objects(f"contacts/{id_}"))[0] == 204
    assert spelt.call("GET", spelt.objects(f"contacts/{id_}"))[0] == 404
    status, body = spelt.call("GET", spelt.objects(f"contacts/{id_}?archived=TRUE&properties=lastname"))
    assert (status, body["properties"]["lastname"], body["archived"]) == (200, "Berg", True)


def test_unknown_requested_properties_are_dropped_and_empty_ones_are_null(portal: Portal) -> None:
    id_ = portal.contact(email="a@acme.test")
    _, body = portal.call("GET", portal.objects(f"contacts/{id_}?properties=phone,nosuch&properties=email"))
    assert body["properties"] == {
        "phone": None,
        "email": "a@acme.test",
        "createdate": body["createdAt"],
        "lastmodifieddate": body["updatedAt"],
        "hs_object_id": id_,
    }


def test_an_existing_email_is_a_conflict_that_names_the_contact(portal: Portal) -> None:
    id_ = portal.contact(email="ann@acme.test")
    status, body = portal.call("POST", portal.objects("contacts"), {"properties": {"email": "ANN@acme.test"}})
    assert (status, body["message"], body["category"]) == (
        409,
        f"Contact already exists. Existing ID: {id_}",
        "CONFLICT",
    )


def test_a_record_is_read_by_email(portal: Portal) -> None:
    id_ = portal.contact(email="ann@acme.test")
    status, body = portal.call("GET", portal.objects("contacts/Ann@acme.test?idProperty=email"))
    assert (status, body["id"]) == (200, id_)
    assert portal.call("GET", portal.objects("contacts/Ann?idProperty=firstname"))[0] == 400


def test_a_missing_record_answers_a_page_and_an_impossible_id_answers_json(portal: Portal) -> None:
    status, headers, data = portal.server.call("GET", portal.objects("contacts/4711"), token=portal.token)
    assert (status, headers["content-type"]) == (404, "text/html;charset=iso-8859-1")
    assert data.startswith(b"<html>")
    status, body = portal.call("GET", portal.objects("contacts/0"))
    assert (status, body["category"]) == (404, "OBJECT_NOT_FOUND")
    status, body = portal.call("GET", portal.objects("nosuch/1"))
    assert (status, body) == (400, {"status": "error", "message": "Unable to infer object type from: nosuch"})


def test_lists_go_by_id_and_the_last_page_has_no_next(portal: Portal) -> None:
    ids = [portal.contact(email=f"c{number}@acme.test") for number in range(5)]
    seen: list[str] = []
    after = "0"
    while after:
        _, body = portal.call("GET", portal.objects(f"contacts?limit=2&after={after}"))
        seen += [record["id"] for record in body["results"]]
        after = body.get("paging", {}).get("next", {}).get("after", "")
    assert seen == ids
    assert portal.call("GET", portal.objects("contacts?limit=101"))[0] == 400


def test_one_portal_never_sees_anothers_records(portal: Portal, other_portal: Portal) -> None:
    mine = portal.contact(email="ann@acme.test")
    theirs = other_portal.contact(email="bo@acme.test")
    assert mine == theirs  # ids are no secret: only the token says whose they are
    _, body = other_portal.call("GET", other_portal.objects(f"contacts/{mine}"))
    assert body["properties"]["email"] == "bo@acme.test"
    _, body = other_portal.call("GET", other_portal.objects("contacts?limit=100"))
    assert len(body["results"]) == 1


def test_equal_values_change_nothing(portal: Portal) -> None:
    id_ = portal.contact(email="ann@acme.test", firstname="Ann")
    path = portal.objects(f"contacts/{id_}?propertiesWithHistory=firstname")
    before = portal.call("GET", path)[1]
    assert portal.update(id_, firstname="Ann") == 200
    assert portal.call("GET", path)[1] == before


def test_history_tells_who_set_what_newest_first(portal: Portal) -> None:
    id_ = portal.contact(email="ann@acme.test", firstname="Ann")
    portal.server.edit(portal.hub_id, "contacts", id_, {"firstname": "Anna"})
    portal.server.edit(portal.hub_id, "contacts", id_, {"firstname": ""}, by="AUTOMATION_PLATFORM")
    body = {"inputs": [{"id": id_}], "propertiesWithHistory": ["firstname", "phone"]}
    _, answer = portal.call("POST", portal.objects("contacts/batch/read"), body)
    history = answer["results"][0]["propertiesWithHistory"]
    assert [(one["value"], one["sourceType"]) for one in history["firstname"]] == [
        ("", "AUTOMATION_PLATFORM"),
        ("Anna", "CRM_UI"),
        ("Ann", "INTEGRATION"),
    ]
    assert history["firstname"][2]["sourceId"] == str(portal.about["app_id"])
    assert history["firstname"][1]["updatedByUserId"] == portal.about["user_id"]
    assert history["phone"] == []


def test_a_batch_read_reports_what_it_does_not_find(spelt: Portal) -> None:
    id_ = spelt.contact(email="ann@acme.test")
    body = {"inputs": [{"id": id_}, {"id": "99"}, {"id": "x"}], "properties": ["email"]}
    status, answer = spelt.call("POST", spelt.objects("contacts/batch/read"), body)
    assert (status, answer["status"], answer["numErrors"]) == (207, "COMPLETE", 2)
    assert [one["id"] for one in answer["results"]] == [id_]
    assert answer["errors"][0]["category"] == "OBJECT_NOT_FOUND"
    assert answer["errors"][0]["context"] == {"id": ["99", "x"]}


def test_a_batch_read_goes_by_email(portal: Portal) -> None:
    portal.contact(email="ann@acme.test")
    body = {"inputs": [{"id": "ANN@acme.test"}, {"id": "bo@acme.test"}], "idProperty": "email"}
    status, answer = portal.call("POST", portal.objects("contacts/batch/read"), body)
    assert (status, len(answer["results"])) == (207, 1)


def test_batches_hold_a_hundred(portal: Portal) -> None:
    body = {"inputs": [{"id": str(number)} for number in range(1, 102)]}
    assert portal.call("POST", portal.objects("contacts/batch/read"), body)[0] == 400


def test_a_batch_update_reports_missing_records_and_changes_the_others(spelt: Portal) -> None:
    id_ = spelt.contact(email="ann@acme.test")
    body = {
        "inputs": [
            {"id": id_, "properties": {"firstname": "A"}},
            {"id": "9", "properties": {"firstname": "B"}},
        ]
    }
    status, answer = spelt.call("POST", spelt.objects("contacts/batch/update"), body)
    assert (status, answer["results"][0]["properties"]["firstname"]) == (207, "A")
    assert answer["errors"][0]["context"]["id"] == ["9"]


def test_one_bad_value_refuses_the_whole_batch(portal: Portal) -> None:
    first, second = portal.contact(email="a@acme.test"), portal.contact(email="b@acme.test")
    for bad, code in (
        ({"nosuch": "1"}, "PROPERTY_DOESNT_EXIST"),
        ({"lifecyclestage": "nosuch"}, "INVALID_OPTION"),
        ({"lastmodifieddate": "1"}, "READ_ONLY_VALUE"),
        ({"num_conversion_events": "1"}, "READ_ONLY_VALUE"),
        ({"email": "nonsense"}, "INVALID_EMAIL"),
        ({"company": "x" * 70_000}, "INVALID_LENGTH"),
        ({"company": ["a"]}, "INVALID_TYPE"),
    ):
        inputs = [{"id": first, "properties": {"firstname": "New"}}, {"id": second, "properties": bad}]
        status, answer = portal.call("POST", portal.objects("contacts/batch/update"), {"inputs": inputs})
        assert (status, answer["category"]) == (400, "VALIDATION_ERROR")
        opening = "Property values were not valid: "
        assert answer["message"].startswith(opening)
        problem = json.loads(answer["message"].removeprefix(opening))[0]
        assert (problem["error"], problem["name"], problem["portalId"]) == (
            code,
            next(iter(bad)),
            portal.hub_id,
        )
    _, answer = portal.call("GET", portal.objects(f"contacts/{first}"))
    assert answer["properties"]["firstname"] is None


def test_batch_create_is_all_or_nothing_unless_traced(portal: Portal) -> None:
    id_ = portal.contact(email="a@acme.test")
    inputs = [{"properties": {"email": "b@acme.test"}}, {"properties": {"email": "a@acme.test"}}]
    path = portal.objects("contacts/batch/create")
    assert portal.call("POST", path, {"inputs": inputs})[0] == 409
    assert portal.server.by_email(portal.hub_id, "b@acme.test") is None
    traced = [{**one, "objectWriteTraceId": f"t{number}"} for number, one in enumerate(inputs)]
    status, answer = portal.call("POST", path, {"inputs": traced})
    assert (status, len(answer["results"])) == (207, 1)
    assert answer["errors"][0]["context"] == {"objectWriteTraceId": ["t1"]}
    assert id_ in answer["errors"][0]["message"]


def test_upsert_says_which_are_new(portal: Portal) -> None:
    id_ = portal.contact(email="a@acme.test")
    inputs = [
        {"id": email, "idProperty": "email", "properties": {"firstname": "F"}}
        for email in ("a@acme.test", "b@acme.test")
    ]
    status, answer = portal.call("POST", portal.objects("contacts/batch/upsert"), {"inputs": inputs})
    assert status == 200
    assert [(one["new"], one["id"] == id_) for one in answer["results"]] == [(False, True), (True, False)]


def test_batch_archive_answers_nothing(portal: Portal) -> None:
    id_ = portal.contact(email="a@acme.test")
    assert portal.call("POST", portal.objects("contacts/batch/archive"), {"inputs": [{"id": id_}]})[0] == 204
    assert portal.server.by_email(portal.hub_id, "a@acme.test") is None


def test_a_merge_makes_a_new_record_that_both_old_ids_lead_to(portal: Portal) -> None:
    first, second = (
        portal.contact(email="a@acme.test", firstname="A"),
        portal.contact(email="b@acme.test", phone="1"),
    )
    company = portal.company(domain="acme.test")
    portal.server.post(f"/_sandbox/portals/{portal.hub_id}/associate", {"contact": second, "company": company})
    records = [portal.server.record(portal.hub_id, "contacts", id_) for id_ in (first, second)]
    created = {record["id"]: record["createdAt"] for record in records}
    body = {"primaryObjectId": first, "objectIdToMerge": second}
    status, merged = portal.call("POST", portal.objects("contacts/merge"), body)
    assert status == 200
    assert merged["id"] not in (first, second)
    for old in (first, second):
        wanted = "properties=email,firstname,phone,hs_merged_object_ids,associatedcompanyid"
        status, found = portal.call("GET", portal.objects(f"contacts/{old}?{wanted}"))
        assert (status, found["id"]) == (200, merged["id"])
        assert found["properties"]["email"] == "a@acme.test"
        assert found["properties"]["phone"] == "1"
        assert found["properties"]["hs_merged_object_ids"] == f"{first};{second}"
        assert found["properties"]["associatedcompanyid"] == company
    _, found = portal.call("GET", portal.objects(f"contacts/{merged['id']}?propertiesWithHistory=firstname,phone"))
    times = {name: [one["timestamp"] for one in many] for name, many in found["propertiesWithHistory"].items()}
    assert times == {"firstname": [created[first]], "phone": [created[second]]}
    assert portal.update(first, firstname="Anew") == 200
    inputs = [{"id": second, "properties": {"firstname": "No"}}]
    status, answer = portal.call("POST", portal.objects("contacts/batch/update"), {"inputs": inputs})
    assert (status, answer["results"]) == (207, [])
    assert portal.call("POST", portal.objects("contacts/merge"), {**body, "objectIdToMerge": first})[0] == 400


def test_privacy_deletion_is_for_good_and_for_contacts_only(portal: Portal) -> None:
    id_ = portal.contact(email="a@acme.test")
    path = portal.objects("contacts/gdpr-delete")
    assert portal.call("POST", path, {"objectId": "a@acme.test", "idProperty": "email"})[0] == 204
    assert portal.call("GET", portal.objects(f"contacts/{id_}?archived=true"))[0] == 404
    assert portal.call("POST", path, {"objectId": "nobody@acme.test", "idProperty": "email"})[0] == 204
    assert portal.call("POST", portal.objects("companies/gdpr-delete"), {"objectId": "1"})[0] == 404


def test_a_deleted_record_comes_back_with_its_associations(portal: Portal) -> None:
    contact, company = portal.contact(email="a@acme.test"), portal.company(domain="acme.test")
    portal.server.post(f"/_sandbox/portals/{portal.hub_id}/associate", {"contact": contact, "company": company})
    portal.call("DELETE", portal.objects(f"contacts/{contact}"))
    assert portal.server.record(portal.hub_id, "companies", company)["associations"] == []
    portal.server.post(f"/_sandbox/portals/{portal.hub_id}/contacts/{contact}/restore")
    found = portal.server.record(portal.hub_id, "contacts", contact)
    assert [(one["id"], one["primary"]) for one in found["associations"]] == [(company, True)]


def test_partner_clients_can_be_read_and_updated_only(spelt: Portal) -> None:
    made = spelt.server.create(spelt.hub_id, "partner_clients", {"name": "Client"})
    inputs = {"inputs": [{"id": made["id"], "properties": {"name": "Renamed"}}]}
    assert spelt.call("POST", spelt.objects("partner_clients/batch/update"), inputs)[0] == 200
    _, answer = spelt.call("GET", spelt.objects("partner_clients?properties=name"))
    assert answer["results"][0]["properties"]["name"] == "Renamed"
    assert spelt.call("POST", spelt.objects("partner_clients"), {"properties": {}})[0] == 400
    assert spelt.call("DELETE", spelt.objects(f"partner_clients/{made['id']}"))[0] == 400


def test_lifecycle_stages_move_forward_only(portal: Portal) -> None:
    id_ = portal.contact(email="a@acme.test", lifecyclestage="customer")
    portal.update(id_, lifecyclestage="lead")
    assert portal.server.record(portal.hub_id, "contacts", id_)["properties"]["lifecyclestage"] == "customer"
    portal.update(id_, lifecyclestage="")
    portal.update(id_, lifecyclestage="lead")
    assert portal.server.record(portal.hub_id, "contacts", id_)["properties"]["lifecyclestage"] == "lead"


def test_a_batch_takes_each_record_once(portal: Portal) -> None:
    id_ = portal.contact(email="a@acme.test")
    inputs = [{"id": id_, "properties": {"firstname": name}} for name in ("A", "B")]
    assert portal.call("POST", portal.objects("contacts/batch/update"), {"inputs": inputs})[0] == 400
