"""Can properties and groups be made, changed and deleted as in HubSpot?"""

from __future__ import annotations

from sandbox.conftest import Portal

CHOICES = {"type": "enumeration", "fieldType": "select", "options": [{"label": "A", "value": "a"}]}


def test_a_property_lives_from_creation_to_deletion_in_every_spelling(spelt: Portal) -> None:
    group = {"name": "mine", "label": "Mine"}
    assert spelt.call("POST", spelt.properties("contacts/groups"), group)[0] == 201
    assert spelt.call("POST", spelt.properties("contacts/groups"), group)[0] == 409
    assert spelt.call("PATCH", spelt.properties("contacts/groups/mine"), {"label": "Ours"})[1]["label"] == "Ours"
    assert spelt.define("state_x", groupName="mine", **CHOICES) == 201
    assert spelt.define("state_x", groupName="mine", **CHOICES) == 409
    status, found = spelt.call("GET", spelt.properties("contacts/state_x"))
    assert (status, found["options"][0]["value"], found["hubspotDefined"]) == (200, "a", False)
    more = {"options": [*CHOICES["options"], {"label": "B", "value": "b"}]}
    _, changed = spelt.call("PATCH", spelt.properties("contacts/state_x"), more)
    assert [one["value"] for one in changed["options"]] == ["a", "b"]
    assert changed["label"] == "state_x"
    names = [one["name"] for one in spelt.call("GET", spelt.properties("contacts"))[1]["results"]]
    assert {"email", "state_x", "hs_object_id"} <= set(names)
    assert spelt.call("DELETE", spelt.properties("contacts/groups/mine"))[0] == 400
    assert spelt.call("DELETE", spelt.properties("contacts/state_x"))[0] == 204
    assert spelt.call("DELETE", spelt.properties("contacts/groups/mine"))[0] == 204
    assert spelt.call("GET", spelt.properties("contacts/state_x"))[0] == 404


def test_definitions_are_checked(portal: Portal) -> None:
    for wrong in (
        {"type": "nosuch"},
        {"type": "number", "fieldType": "text"},
        {"type": "enumeration", "fieldType": "select"},
        {"type": "enumeration", "fieldType": "select", "options": CHOICES["options"] * 2},
        {"groupName": "nosuch"},
        {"displayOrder": "first"},
    ):
        assert portal.define("prop_x", **wrong) == 400, wrong
    assert portal.define("Prop-X") == 400
    assert portal.call("DELETE", portal.properties("contacts/email"))[0] == 400
    assert portal.call("PATCH", portal.properties("contacts/email"), {"label": "E"})[0] == 400


def test_many_are_made_at_once(portal: Portal) -> None:
    inputs = [
        {
            "name": f"p{n}",
            "label": f"P{n}",
            "type": "string",
            "fieldType": "text",
            "groupName": "contactinformation",
        }
        for n in range(3)
    ]
    assert portal.call("POST", portal.properties("contacts/batch/create"), {"inputs": inputs})[0] == 200
    old = Portal(portal.server, portal.about, version="v3")
    assert old.call("POST", old.properties("companies/batch/create"), {"inputs": []})[0] == 201
    read = {"inputs": [{"name": "p0"}, {"name": "p9"}]}
    status, answer = portal.call("POST", portal.properties("contacts/batch/read"), read)
    assert (status, len(answer["results"])) == (207, 1)
    archive = {"inputs": [{"name": "p0"}]}
    assert portal.call("POST", portal.properties("contacts/batch/archive"), archive)[0] == 204


def test_values_are_stored_in_their_types_form(portal: Portal) -> None:
    portal.define("a_date", type="date", fieldType="date")
    portal.define("a_time", type="datetime", fieldType="date")
    portal.define("a_bool", type="bool", fieldType="booleancheckbox")
    portal.define("a_number", type="number", fieldType="number")
    choices = [{"label": name, "value": name.lower()} for name in "ABC"]
    portal.define("some", type="enumeration", fieldType="checkbox", options=choices)
    id_ = portal.contact(email="a@acme.test", a_date="1767225600000", a_time="2026-01-01T10:00:00+01:00", some="a;b")
    assert portal.update(id_, a_bool="TRUE", a_number="1.50", some=";c;a") == 200
    values = portal.server.record(portal.hub_id, "contacts", id_)["properties"]
    assert values["a_date"] == "2026-01-01"
    assert values["a_time"] == "2026-01-01T09:00:00.000Z"
    assert (values["a_bool"], values["a_number"], values["some"]) == ("true", "1.50", "a;b;c")
    for bad in (
        {"a_date": "1767225600001"},
        {"a_date": "soon"},
        {"a_number": "x"},
        {"a_bool": "yes"},
        {"some": "a;z"},
    ):
        assert portal.update(id_, **bad) == 400, bad


def test_unique_values_are_kept_unique_and_name_records(portal: Portal) -> None:
    assert portal.define("code", hasUniqueValue=True) == 201
    id_ = portal.contact(email="a@acme.test", code="K1")
    status, answer = portal.call("POST", portal.objects("contacts"), {"properties": {"code": "K1"}})
    assert status == 400
    assert f"{id_} already has that value" in answer["message"]
    inputs = [{"id": "K1", "idProperty": "code", "properties": {"firstname": "Ann"}}]
    _, answer = portal.call("POST", portal.objects("contacts/batch/upsert"), {"inputs": inputs})
    assert (answer["results"][0]["id"], answer["results"][0]["new"]) == (id_, False)


def test_a_property_that_was_deleted_takes_no_values(portal: Portal) -> None:
    portal.define("gone")
    id_ = portal.contact(email="a@acme.test", gone="1")
    portal.call("DELETE", portal.properties("contacts/gone"))
    assert portal.update(id_, gone="2") == 400
    _, answer = portal.call("GET", portal.objects(f"contacts/{id_}?properties=gone"))
    assert "gone" not in answer["properties"]
