"""Many at once, several worker processes: capacity holds, nobody is overtaken, one domain has one holder."""

from __future__ import annotations

import threading
from datetime import datetime
from typing import Any

import pytest
import requests

from acceptance.test_form_to_crm import promptly
from support.whole import API_TOKEN, Whole, whole

pytestmark = pytest.mark.acceptance

DECIDED = {"registered", "unavailable"}
LEAD = {"firstname": "Ada", "lastname": "Berg", "company": "Firma", "country": "Sweden"}


def listed(run: Whole, path: str, **params: object) -> list[dict[str, Any]]:
    """All items of a list of the operator API."""
    items: list[dict[str, Any]] = []
    cursor: str | None = None
    while True:
        page = run.api("GET", path, params={**params, "limit": 200, **({"cursor": cursor} if cursor else {})})
        items += page["items"]
        cursor = page["next"]
        if cursor is None:
            return items


def test_of_400_forms_50_are_registered_and_350_wait_and_the_oldest_get_what_is_freed() -> None:
    with whole("--worker-processes", "4", partner_capacity=50, undo_seconds=3, poll_seconds=5) as run:
        # When 400 forms for 400 domains come in at once
        threads = [threading.Thread(target=_submit_some, args=(run, range(n, 400, 8))) for n in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        run.until(lambda: run.api("GET", "/capacity")["waiting"] == 350, seconds=90)
        # I expect exactly 50 registered and 350 waiting
        assert run.api("GET", "/capacity") == {
            "limit": 50, "used": 50, "free": 0, "waiting": 350, "kept_for_undo": 0, "source": "override",
        }  # fmt: skip
        registered = listed(run, "/registrations", status="registered")
        assert len(registered) == 50
        waiting = listed(run, "/requests", state="waiting")
        assert len(waiting) == 350
        asked_at = [(datetime.fromisoformat(line["requested_at"]), line["id"]) for line in waiting]
        assert asked_at == sorted(asked_at)
        # When ten are deregistered
        for line in registered[:10]:
            run.api("DELETE", f"/registrations/{line['domain']}")
        # I expect the ten that waited longest to get the slots, after the undo time
        oldest = {line["domain"] for line in waiting[:10]}
        run.until(lambda: run.api("GET", "/capacity")["waiting"] == 340, seconds=30)
        now = {line["domain"] for line in listed(run, "/registrations", status="registered")}
        assert now == {line["domain"] for line in registered[10:]} | oldest
        # and the CRM to say so
        run.until(lambda: all(run.status(f"ada@{domain}") == "registered" for domain in oldest), seconds=30)
        assert run.sandbox.stats()["rate_limited"] == 0


def _submit_some(run: Whole, numbers: range) -> None:
    for number in numbers:
        fields = {**LEAD, "email": f"ada@firma-{number}-ab.se", "website": f"firma-{number}-ab.se"}
        body = {"fields": [{"objectTypeId": "0-1", "name": name, "value": value} for name, value in fields.items()]}
        url = f"{run.sandbox.base_url}/submissions/v3/integration/submit/{run.hub}/{run.form}"
        requests.post(url, json=body, timeout=30).raise_for_status()


def test_in_the_older_spelling_too_forms_are_prompt_and_of_two_partners_one_gets_a_domain() -> None:
    with whole("--worker-processes", "4", hubspot_api_version="v3", partner_capacity=1000) as run:
        promptly(run)
        for portal in run.portals:
            run.sandbox.settings(portal["hub_id"], rate_limit=0)
        # The second partner has the capacity of an untiered one, 50: what it waits for, the first one gets.
        contacts: dict[tuple[int, int], str] = {}
        for number in range(200):
            for hub in (run.hub, run.other_hub):
                made = run.sandbox.create(
                    hub, "contacts", {**LEAD, "email": f"bo@kapp-{number}-ab.se", "website": f"kapp-{number}-ab.se"}
                )
                contacts[hub, number] = made["id"]
        # When both ask for each domain at the same time
        start = threading.Barrier(2)
        threads = [threading.Thread(target=_ask, args=(run, hub, contacts, start)) for hub in (run.hub, run.other_hub)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        def outcome(number: int) -> tuple[str | None, ...]:
            """What the CRM shows to the two partners."""
            return tuple(
                run.sandbox.record(hub, "contacts", contacts[hub, number])["properties"].get(
                    "partner_registration_status"
                )
                for hub in (run.hub, run.other_hub)
            )

        # I expect one registered and one unavailable, every time
        open_ones = list(range(200))

        def all_are_decided() -> bool:
            # Asked for again are those alone that were not decided yet: all of them are 400 calls.
            while open_ones and set(outcome(open_ones[-1])) == DECIDED:
                open_ones.pop()
            return not open_ones

        run.until(all_are_decided, seconds=90)
        final = [outcome(number) for number in range(200)]
        assert all(set(pair) == DECIDED for pair in final)
        # and the ledger to have never known it otherwise
        held = listed(run, "/registrations", status="registered")
        assert len(held) == 100 + sum(first == "registered" for first, _ in final)
        print(f"races won: {sum(a == 'registered' for a, _ in final)} and {sum(b == 'registered' for _, b in final)}")


def _ask(run: Whole, hub: int, contacts: dict[tuple[int, int], str], start: threading.Barrier) -> None:
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {API_TOKEN}"
        start.wait()
        for number in range(200):
            answer = session.post(
                f"http://127.0.0.1:{run.port}/api/v1/registrations",
                params={"portal": hub},
                json={"contact_id": contacts[hub, number]},
                timeout=30,
            )
            answer.raise_for_status()
