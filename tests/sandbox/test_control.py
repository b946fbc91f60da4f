"""Can the sandbox be steered, seeded, stopped and started again?"""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from sandbox.conftest import Portal, Receiver
from support.processes import eventually
from support.sandbox_server import SandboxServer
from syncworker.sandbox.database import Database
from syncworker.sandbox.portals import demo

FIXTURES = Path(__file__).parents[2] / "fixtures"


def test_the_demo_has_two_portals_of_two_partners(sandbox: SandboxServer) -> None:
    first, second = sandbox.portals()
    needed = {
        "hub_id",
        "access_token",
        "client_secret",
        "app_id",
        "webhook_url",
        "forms",
        "refresh_token",
        "client_id",
    }
    assert needed <= first.keys()
    assert first["partner"] != second["partner"]
    assert {form["name"]: form["auto_register"] for form in first["forms"]} == {
        "Request a demo": True,
        "Newsletter": False,
    }
    assert second["forms"] == []
    again = json.loads(json.dumps([portal.public() for portal in demo(None)]))
    assert [first, second] == again  # the same on every machine


def test_calls_are_counted_alike_in_both_spellings(portal: Portal) -> None:
    for version in ("v3", "2026-09"):
        portal.version = version
        id_ = portal.contact(phone="1")
        portal.call("GET", portal.objects(f"contacts/{id_}"))
        portal.call("POST", portal.links("associations/contacts/companies/batch/read"), {"inputs": []})
    calls = portal.server.stats()["calls"]
    assert calls["POST /crm/objects/contacts 201"] == 2
    assert calls["GET /crm/objects/contacts/{id} 200"] == 2
    assert calls["POST /crm/associations/contacts/companies/batch/read 200"] == 2
    assert portal.server.stats()["calls_by_portal"][str(portal.hub_id)] == calls
    portal.server.reset_stats()
    assert portal.server.stats()["calls"] == {}


def test_a_seed_makes_the_same_records_every_time(portal: Portal) -> None:
    body = json.loads((FIXTURES / "seed.json").read_text())
    runs = []
    for _ in range(2):
        portal.server.reset()
        made = portal.server.post("/_sandbox/seed", body)
        assert (made["contacts"], made["companies"]) == (body["contacts"], body["companies"])
        found = portal.server.get(f"/_sandbox/portals/{portal.hub_id}/contacts?limit=100")["results"]
        runs.append(sorted(one["properties"].get("email", "") for one in found))
    assert runs[0] == runs[1]
    assert len(set(runs[0])) == body["contacts"]
    assert {bool(one["associations"]) for one in found} == {True, False}
    portal.server.post("/_sandbox/seed", body)  # a second helping collides with nothing
    assert portal.server.get(f"/_sandbox/portals/{portal.hub_id}/contacts")["total"] == 2 * body["contacts"]
    assert portal.server.get(f"/_sandbox/portals/{portal.hub_id}/companies")["total"] == 2 * body["companies"]


def test_ten_thousand_contacts_are_seeded_and_edited_quickly(portal: Portal) -> None:
    made = portal.server.seed(contacts=10_000, companies=1000)
    assert made["seconds"] < 5
    before = portal.search()[1]["results"][0]
    answer = portal.server.post("/_sandbox/mass-edit", {"contacts": 5000})
    assert answer["changed"] == 5000
    found = portal.server.record(portal.hub_id, "contacts", before["id"])
    assert found["updatedAt"] > before["updatedAt"]
    newest = next(one for one in found["history"] if one["property"] == "jobtitle")
    assert (newest["sourceType"], newest["value"]) == ("CRM_UI", found["properties"]["jobtitle"])
    assert portal.server.stats()["webhooks"]["events"] == 0


@pytest.mark.parametrize(
    ("condition", "index"),
    [
        ("email IN ('a')", "records_email"),
        ("domain = 'a'", "records_domain"),
        ("lower(json_extract(props, '$.\"website\"')) IN ('a')", "records_website"),
        ("modified >= 1", "records_modified"),
    ],
)
def test_records_are_found_through_their_indexes(tmp_path: Path, condition: str, index: str) -> None:
    """Else every new contact of a million would read all the others."""
    database = Database(tmp_path)
    query = f"SELECT props FROM records WHERE portal = 1 AND type = 1 AND archived IS NULL AND {condition}"
    plan = " ".join(row[3] for row in database.execute(f"EXPLAIN QUERY PLAN {query}"))
    database.close()
    assert index in plan


def test_settings_are_checked(portal: Portal) -> None:
    path = f"/_sandbox/portals/{portal.hub_id}"
    for wrong in (
        {"nosuch": 1},
        {"rate_limit": "x"},
        {"scopes": "x"},
        {"time_zone": "Mars/Base"},
        {"rate_limit": -1},
    ):
        assert portal.server.call("POST", path, wrong)[0] == 400, wrong
    assert portal.server.call("GET", "/_sandbox/portals/1")[0] == 404
    assert portal.server.call("GET", "/_sandbox/nosuch")[0] == 404


def test_the_crm_may_hold_absurd_values(portal: Portal) -> None:
    long = "x" * 1_000_000 + "\u202e\x00javascript:"
    made = portal.server.create(portal.hub_id, "contacts", {"email": "a@acme.test", "website": long})
    _, answer = portal.call("GET", portal.objects(f"contacts/{made['id']}?properties=website"))
    assert answer["properties"]["website"] == long


def test_a_restart_goes_on_where_it_stopped(tmp_path: Path, receiver: Receiver) -> None:
    with SandboxServer(tmp_path, webhook_url="http://127.0.0.1:9/") as running:
        portal = Portal(running, running.portals()[0])
        portal.define("mine")
        id_ = portal.contact(email="a@acme.test", mine="1")
        portal.update(id_, mine="2")
        running.submit(portal.forms[0]["id"], portal.hub_id, email="b@acme-x.se")
        events = running.stats()["webhooks"]["pending"]
        assert events >= 4
        running.kill()
    with SandboxServer(tmp_path, webhook_url=receiver.url) as running:
        portal = Portal(running, running.portals()[0])
        values = running.record(portal.hub_id, "contacts", id_)["properties"]
        assert (values["email"], values["mine"]) == ("a@acme.test", "2")
        assert portal.contact(email="c@acme.test") not in (id_, None)
        _, answer = portal.call("GET", f"/form-integrations/v1/submissions/forms/{portal.forms[0]['id']}")
        assert len(answer["results"]) == 1
        receiver.wait(lambda received: len(received) >= events)
        eventually(lambda: running.stats()["webhooks"]["pending"] == 0)


def test_it_stops_within_two_seconds_though_somebody_watches(tmp_path: Path) -> None:
    server = SandboxServer(tmp_path).start()
    with socket.create_connection(("127.0.0.1", server.port)) as watcher:
        watcher.sendall(b"GET /_sandbox/events HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in watcher.recv(1000)
        server.create(server.portals()[0]["hub_id"], "contacts", {"email": "a@acme.test"})
        received = b""
        while b"a@acme.test" not in received:
            received += watcher.recv(10_000)
        assert server.stop() < 2


def test_the_page_and_its_parts_are_served(sandbox: SandboxServer) -> None:
    for path, kind in (("/", "text/html"), ("/page.css", "text/css"), ("/page.js", "text/javascript")):
        status, headers, data = sandbox.call("GET", path)
        assert (status, headers["content-type"].split(";")[0]) == (200, kind)
        assert data
    assert sandbox.call("GET", "/nosuch")[0] == 404
