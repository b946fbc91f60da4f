"""Do webhooks come signed, in batches, again after a failure, and for the right changes?"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from pathlib import Path

import pytest

from sandbox.conftest import JsonObject, Portal, Receiver
from support.processes import eventually
from syncworker.sandbox import signing

FIXTURES = Path(__file__).parents[2] / "fixtures"


def _kinds(events: list[JsonObject]) -> list[str]:
    return [event["subscriptionType"] for event in events]


def test_the_published_signatures_are_reproduced() -> None:
    secret, uri = "yyyyyyyy-yyyy-yyyy-yyyy-yyyyyyyyyyyy", "https://www.example.com/webhook_uri"
    body = b"{'example_field':'example_value'}"
    assert signing.v3(secret, method="POST", uri=uri, body=body, timestamp="1693657560000") == (
        "K36dawei4A+QBNolUOqo7s91KQDWQ5MXZ/QufNYuk/Y="
    )
    example = json.loads((FIXTURES / "webhooks" / "signed_creation.json").read_text())
    signed = example["body"].encode()
    made = signing.v3(example["secret"], method="POST", uri=example["uri"], body=signed, timestamp=example["timestamp"])
    assert made == example["signature_v3"]


def test_a_new_contact_is_announced_with_a_signature_that_holds(portal: Portal, heard: Receiver) -> None:
    id_ = portal.contact(email="a@acme.test", phone="1")
    events = heard.wait(lambda events: len(events) >= 2)
    by_kind = {event["subscriptionType"]: event for event in events}
    creation = by_kind["contact.creation"]
    assert creation == {
        "eventId": creation["eventId"],
        "subscriptionId": creation["subscriptionId"],
        "portalId": portal.hub_id,
        "appId": portal.about["app_id"],
        "occurredAt": creation["occurredAt"],
        "subscriptionType": "contact.creation",
        "attemptNumber": 0,
        "objectId": int(id_),
        "changeFlag": "CREATED",
        "changeSource": "INTEGRATION",
        "sourceId": str(portal.about["app_id"]),
    }
    change = by_kind["contact.propertyChange"]
    assert (change["propertyName"], change["propertyValue"]) == ("email", "a@acme.test")
    assert len(events) == 2  # nobody subscribed to phone
    headers, body = heard.posts[0]
    stamp = headers["x-hubspot-request-timestamp"]
    source = f"POST{heard.url}".encode() + body + stamp.encode()
    expected = hmac.new(portal.about["client_secret"].encode(), source, hashlib.sha256).digest()
    assert headers["x-hubspot-signature-v3"] == base64.b64encode(expected).decode()
    assert headers["x-hubspot-signature"] == hashlib.sha256(portal.about["client_secret"].encode() + body).hexdigest()
    assert abs(int(stamp) - time.time() * 1000) < 60_000


def test_the_shapes_are_those_that_were_recorded(portal: Portal, heard: Receiver) -> None:
    recorded = json.loads((FIXTURES / "webhooks" / "recorded.json").read_text())
    portal.contact(email="a@acme.test")
    events = heard.wait(lambda events: len(events) >= 2)
    for example in recorded:
        alike = next(event for event in events if event["subscriptionType"] == example["subscriptionType"])
        assert {key: type(value) for key, value in alike.items()} == {
            key: type(value) for key, value in example.items()
        }


def test_every_kind_of_change_is_told(portal: Portal, heard: Receiver) -> None:
    server, hub = portal.server, portal.hub_id
    first, second = portal.contact(email="a@acme.test"), portal.contact(email="b@acme.test")
    company = portal.company(domain="acme.test", name="Acme")
    server.post(f"/_sandbox/portals/{hub}/associate", {"contact": first, "company": company})
    server.post(f"/_sandbox/portals/{hub}/contacts/{first}/delete")
    server.post(f"/_sandbox/portals/{hub}/contacts/{first}/restore")
    merged = server.post(f"/_sandbox/portals/{hub}/contacts/merge", {"primary": first, "secondary": second})
    server.post(f"/_sandbox/portals/{hub}/contacts/{merged['id']}/gdpr-delete")
    server.edit(hub, "companies", company, {"name": ""}, by="AUTOMATION_PLATFORM")
    # The company's own beginning tells of its properties, too.
    events = heard.wait(lambda events: bool(events) and events[-1].get("propertyValue") == "")
    assert set(_kinds(events)) == {
        "contact.creation", "contact.propertyChange", "contact.associationChange", "contact.deletion",
        "contact.restore", "contact.merge", "contact.privacyDeletion", "company.creation",
        "company.propertyChange", "company.associationChange",
    }  # fmt: skip
    merge = next(event for event in events if event["subscriptionType"] == "contact.merge")
    assert merge["primaryObjectId"] == int(first)
    assert merge["mergedObjectIds"] == [int(second)]
    assert merge["newObjectId"] == int(merged["id"])
    links = [event for event in events if event["subscriptionType"] == "contact.associationChange"]
    assert [(link["isPrimaryAssociation"], link["associationRemoved"]) for link in links] == [
        (False, False),
        (True, False),
    ]
    assert "objectId" not in links[0]
    cleared = events[-1]
    assert (cleared["propertyName"], cleared["propertyValue"]) == ("name", "")
    assert cleared["changeSource"] == "AUTOMATION_PLATFORM"


def test_a_form_tells_of_the_contact_and_its_company_but_not_of_conversions(portal: Portal, heard: Receiver) -> None:
    names = [f"contact.propertyChange:{name}" for name in ("num_conversion_events", "recent_conversion_date")]
    portal.server.settings(portal.hub_id, subscriptions=[*portal.about["subscriptions"], *names])
    portal.server.submit(portal.forms[0]["id"], portal.hub_id, email="a@acme-x.se", website="acme-x.se")
    events = heard.wait(lambda events: _kinds(events).count("company.associationChange") == 2)
    assert {"contact.creation", "company.creation"} <= set(_kinds(events))
    assert {event.get("propertyName") for event in events} == {None, "email", "website", "domain", "name"}
    assert {event["changeSource"] for event in events if event["subscriptionType"].startswith("contact.p")} == {"FORM"}


def test_events_are_gathered_up_to_a_hundred(portal: Portal, heard: Receiver) -> None:
    portal.server.seed(contacts=250, webhooks=True)
    heard.wait(lambda events: len(events) == 250)
    sizes = sorted(len(json.loads(body)) for _, body in heard.posts)
    assert sizes[-1] == 100
    assert len(sizes) == 3
    eventually(lambda: portal.server.stats()["webhooks"]["delivered"] == 250)


@pytest.mark.parametrize("status", [400, 500])
def test_a_failed_delivery_comes_again_with_a_new_time(portal: Portal, heard: Receiver, status: int) -> None:
    portal.server.settings(portal.hub_id, webhook_retry_base_s=0.05)
    heard.answer = lambda number: status if number < 2 else 200
    portal.contact(phone="1")
    events = heard.wait(lambda events: len(events) == 3)
    assert [event["attemptNumber"] for event in events] == [0, 1, 2]
    assert len({headers["x-hubspot-request-timestamp"] for headers, _ in heard.posts}) == 3
    eventually(lambda: portal.server.stats()["webhooks"]["pending"] == 0)
    assert portal.server.stats()["webhooks"]["delivered"] == 1


def test_after_the_last_attempt_an_event_is_given_up(portal: Portal, heard: Receiver) -> None:
    portal.server.settings(portal.hub_id, webhook_retry_base_s=0.01, webhook_retries=2)
    heard.answer = lambda _number: 503
    portal.contact(phone="1")
    eventually(lambda: portal.server.stats()["webhooks"]["failed"] == 1)
    assert len(heard.posts) == 3
    assert portal.server.stats()["webhooks"]["pending"] == 0


def test_nothing_listens_and_nothing_is_lost(portal: Portal, receiver: Receiver) -> None:
    portal.server.settings(portal.hub_id, webhook_url="http://127.0.0.1:9/", webhook_retry_base_s=0.05)
    portal.contact(phone="1")
    eventually(lambda: portal.server.stats()["webhooks"]["attempts_failed"] >= 1)
    portal.server.settings(portal.hub_id, webhook_url=receiver.url)
    receiver.wait(lambda events: len(events) == 1)


def test_webhooks_are_lost_doubled_and_shuffled_by_plan(portal: Portal, heard: Receiver) -> None:
    portal.server.faults(seed=3, webhooks={"lost": 0.3, "duplicated": 0.5, "reordered": True}, search_lag_s=0)
    ids = [portal.contact(phone=str(number)) for number in range(40)]
    eventually(lambda: portal.server.stats()["webhooks"]["pending"] == 0)
    counts = portal.server.stats()["webhooks"]
    assert counts["events"] == 40
    assert 0 < counts["lost"] < 40
    assert counts["duplicated"] > 0
    assert counts["delivered"] == 40 - counts["lost"] + counts["duplicated"]
    arrived = [str(event["objectId"]) for event in heard.events()]
    assert len(set(arrived)) == 40 - counts["lost"]
    assert arrived != sorted(arrived)
    assert set(arrived) < set(ids)


def test_webhooks_are_delayed_by_plan(portal: Portal, heard: Receiver) -> None:
    portal.server.faults(webhooks={"delay_s": 0.4})
    portal.contact(phone="1")
    event = heard.wait(lambda events: len(events) == 1)[0]
    assert int(heard.posts[0][0]["x-hubspot-request-timestamp"]) - event["occurredAt"] >= 400
