"""The sandbox keeps tasks as HubSpot's guide describes them."""

from __future__ import annotations

from sandbox.conftest import Portal

TIMESTAMP = "2026-11-22T08:00:00Z"


def test_a_task_is_made_about_a_contact_and_shown(portal: Portal) -> None:
    contact = portal.contact(email="ada@fjordline-tools.se", hubspot_owner_id="77")
    about = {"to": {"id": contact}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]}
    properties = {
        "hs_timestamp": TIMESTAMP,
        "hs_task_subject": "Call",
        "hs_task_type": "TODO",
        "hubspot_owner_id": "77",
    }
    body = {"properties": properties, "associations": [about]}
    status, made = portal.call("POST", portal.objects("tasks"), body)
    assert status == 201, made
    assert made["properties"]["hs_task_subject"] == "Call"
    assert "_about" not in made["properties"]
    _, read = portal.call("GET", portal.objects(f"tasks/{made['id']}?properties=hs_task_subject,_about"))
    assert read["properties"]["hs_task_subject"] == "Call"
    kept = portal.server.record(portal.hub_id, "tasks", made["id"])
    assert kept["properties"]["_about"] == f"contacts:{contact}"


def test_a_task_needs_its_time_and_records_that_are_there(portal: Portal) -> None:
    status, refused = portal.call("POST", portal.objects("tasks"), {"properties": {"hs_task_subject": "Call"}})
    assert (status, "hs_timestamp" in refused["message"]) == (400, True)
    about = {"to": {"id": "99"}, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 204}]}
    body = {"properties": {"hs_timestamp": TIMESTAMP}, "associations": [about]}
    assert portal.call("POST", portal.objects("tasks"), body)[0] == 404
    unknown = {**about, "types": [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": 1}]}
    assert portal.call("POST", portal.objects("tasks"), {**body, "associations": [unknown]})[0] == 400
