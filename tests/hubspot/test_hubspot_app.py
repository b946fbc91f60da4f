"""Does the app that a user uploads get what the worker needs, and hear of what it decides on?"""

from __future__ import annotations

import json
from pathlib import Path

from syncworker.hubspot.events import parse_events
from syncworker.hubspot.properties import PropertyNames

APP = Path(__file__).parents[2] / "config" / "hubspot-app"


def read(path: str) -> dict:
    return json.loads((APP / path).read_text())


def test_the_project_leads_to_the_app():
    project = read("hsproject.json")
    assert (APP / project["srcDir"] / "app" / "app-hsmeta.json").is_file()
    assert project["platformVersion"] == "2026.03"


def test_the_app_has_a_static_token_and_the_scopes_of_our_calls():
    app = read("src/app/app-hsmeta.json")
    assert app["type"] == "app"
    assert app["config"]["auth"]["type"] == "static"
    assert set(app["config"]["auth"]["requiredScopes"]) == {
        *(f"crm.{what}.{kind}.{way}" for what in ("objects", "schemas") for kind in ("contacts", "companies")
          for way in ("read", "write")),
        "forms",
    }  # fmt: skip


def test_it_hears_of_every_change_that_a_decision_rests_on_and_we_understand_each():
    config = read("src/app/webhooks/webhooks-hsmeta.json")["config"]
    subscribed = [one for group in config["subscriptions"].values() for one in group]
    assert all(one["active"] for one in subscribed)
    plain = {one["subscriptionType"] for one in subscribed if "propertyName" not in one}
    changes = {(one["subscriptionType"], one["propertyName"]) for one in subscribed if "propertyName" in one}
    events = ("creation", "deletion", "merge", "restore", "associationChange")
    assert plain == {f"{kind}.{event}" for kind in ("contact", "company") for event in events} | {
        "contact.privacyDeletion"
    }
    fields = ("firstname", "lastname", "email", "company", "website", "country", PropertyNames().request)
    assert changes == {("contact.propertyChange", name) for name in fields} | {
        ("company.propertyChange", "domain"), ("company.propertyChange", "name")
    }  # fmt: skip
    for one in subscribed:
        sample = {"portalId": 1, "objectId": 2, "fromObjectId": 2, "toObjectId": 3} | one
        assert parse_events(json.dumps([sample]).encode()).ignored == {}
    assert config["settings"]["targetUrl"].startswith("https://")
    assert config["settings"]["maxConcurrentRequests"] > 5
