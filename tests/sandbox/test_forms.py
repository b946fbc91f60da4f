"""Does a submitted form become a contact, a company and a submission?"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.conftest import Portal

FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_a_submission_makes_a_contact_its_company_and_a_conversion(portal: Portal) -> None:
    body = json.loads((FIXTURES / "form_submission.json").read_text())
    form = portal.forms[0]
    path = f"/submissions/v3/integration/submit/{portal.hub_id}/{form['id']}"
    status, _, data = portal.server.call("POST", path, body)
    assert (status, json.loads(data)) == (200, {"inlineMessage": "Thanks for submitting the form."})
    contact = portal.server.by_email(portal.hub_id, "maja.lind@granverk.se")
    assert contact is not None
    values = contact["properties"]
    assert values["website"] == "https://www.granverk.se"
    assert values["num_conversion_events"] == "1"
    assert values["recent_conversion_event_name"] == f"Product data: {form['name']}"
    assert values["first_conversion_date"] == values["recent_conversion_date"]
    company = portal.server.by_domain(portal.hub_id, "granverk.se")
    assert company is not None
    assert contact["associations"] == [{"id": company["id"], "primary": True}]
    _, answer = portal.call("GET", f"/form-integrations/v1/submissions/forms/{form['id']}")
    submission = answer["results"][0]
    assert submission["conversionId"]
    assert {"name": "email", "value": "maja.lind@granverk.se", "objectTypeId": "0-1"} in submission["values"]
    assert "contactId" not in submission
    _, history = portal.call("GET", portal.objects(f"contacts/{contact['id']}?propertiesWithHistory=email"))
    assert history["propertiesWithHistory"]["email"][0]["sourceType"] == "FORM"


def test_a_second_submission_updates_the_same_contact(portal: Portal) -> None:
    first, second = portal.forms
    portal.server.submit(first["id"], portal.hub_id, email="a@acme-x.se", firstname="Ann")
    portal.server.submit(second["id"], portal.hub_id, email="A@acme-x.se", firstname="Anna", lastname="")
    found = portal.server.by_email(portal.hub_id, "a@acme-x.se")
    assert found is not None
    values = found["properties"]
    assert (values["firstname"], values["num_conversion_events"]) == ("Anna", "2")
    assert values["recent_conversion_event_name"] == second["name"]
    assert values["first_conversion_event_name"] == first["name"]


def test_submissions_come_newest_first_in_pages(portal: Portal) -> None:
    form = portal.forms[0]["id"]
    for number in range(5):
        portal.server.submit(form, portal.hub_id, email=f"c{number}@acme-x.se")
    path = f"/form-integrations/v1/submissions/forms/{form}"
    _, page = portal.call("GET", f"{path}?limit=2")
    seen = list(page["results"])
    while "paging" in page:
        _, page = portal.call("GET", f"{path}?limit=2&after={page['paging']['next']['after']}")
        seen += page["results"]
    emails = [value["value"] for one in seen for value in one["values"]]
    assert emails == [f"c{number}@acme-x.se" for number in (4, 3, 2, 1, 0)]
    assert portal.call("GET", f"{path}?limit=51")[0] == 400
    assert portal.call("GET", f"{path}?after=nonsense")[0] == 400


@pytest.mark.parametrize(
    ("fields", "domain"),
    [
        ({"email": "a@acme-x.se", "website": "http://WWW.Other-x.de/path?q"}, "other-x.de"),
        ({"email": "a@acme-x.se"}, "acme-x.se"),
        ({"email": "a@gmail.com"}, None),
        ({"email": "a@gmail.com", "website": "javascript:alert(1)"}, None),
        ({"email": "a@gmail.com", "website": "http://10.0.0.1/"}, None),
    ],
)
def test_the_company_comes_from_the_website_else_from_a_business_email(
    portal: Portal, fields: dict[str, str], domain: str | None
) -> None:
    portal.server.submit(portal.forms[0]["id"], portal.hub_id, **fields)
    found = portal.server.get(f"/_sandbox/portals/{portal.hub_id}/companies")["results"]
    assert [one["properties"]["domain"] for one in found] == ([domain] if domain else [])


def test_companies_are_left_alone_where_the_portal_says_so(portal: Portal) -> None:
    portal.server.settings(portal.hub_id, auto_companies=False)
    portal.server.submit(portal.forms[0]["id"], portal.hub_id, email="a@acme-x.se")
    assert portal.server.by_domain(portal.hub_id, "acme-x.se") is None


def test_bad_submissions_are_refused(portal: Portal) -> None:
    path = f"/submissions/v3/integration/submit/{portal.hub_id}"
    good = {"fields": [{"name": "email", "value": "a@acme-x.se"}]}
    assert portal.server.call("POST", f"{path}/nosuch", good)[0] == 404
    assert portal.server.call("POST", f"/submissions/v3/integration/submit/1/{portal.forms[0]['id']}", good)[0] == 404
    for bad in (
        {},
        {"fields": []},
        {"fields": [{"value": "x"}]},
        {"fields": [{"name": "nosuch", "value": "x"}]},
        {"fields": [{"name": "email", "value": "nonsense"}]},
        b"not json",
    ):
        assert portal.server.call("POST", f"{path}/{portal.forms[0]['id']}", bad)[0] == 400, bad


def test_definitions_are_listed_with_their_guids(portal: Portal, other_portal: Portal) -> None:
    for path in ("/marketing/v3/forms", "/marketing/forms/2026-09-beta"):
        _, answer = portal.call("GET", path)
        assert [one["id"] for one in answer["results"]] == [form["id"] for form in portal.forms]
        assert answer["results"][0]["fieldGroups"][0]["fields"][0]["name"] == "firstname"
    assert other_portal.call("GET", "/marketing/v3/forms")[1]["results"] == []
    assert other_portal.call("GET", f"/form-integrations/v1/submissions/forms/{portal.forms[0]['id']}")[0] == 404


def test_the_secure_route_needs_a_token(portal: Portal) -> None:
    path = f"/submissions/v3/integration/secure/submit/{portal.hub_id}/{portal.forms[0]['id']}"
    body = {"fields": [{"name": "email", "value": "a@acme-x.se"}]}
    assert portal.call("POST", path, body)[0] == 200
    assert portal.server.call("POST", path, body)[0] == 401


def test_open_submissions_are_limited_only_where_asked(portal: Portal) -> None:
    portal.server.settings(portal.hub_id, form_limit=2)
    path = f"/submissions/v3/integration/submit/{portal.hub_id}/{portal.forms[0]['id']}"
    body = {"fields": [{"name": "email", "value": "a@acme-x.se"}]}
    answers = [portal.server.call("POST", path, body) for _ in range(3)]
    assert [status for status, _, _ in answers] == [200, 200, 429]
    assert answers[2][2] == b"error code: 1015"
