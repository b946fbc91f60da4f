"""Do faults break what they should, by seed, and nothing else?"""

from __future__ import annotations

import json
import time
from http.client import HTTPException

import pytest

from sandbox.conftest import Portal


def _outcomes(portal: Portal, count: int) -> list[str]:
    seen = []
    for _ in range(count):
        try:
            status, headers, _ = portal.server.call("GET", "/account-info/v3/details", token=portal.token)
            seen.append("html" if status == 200 and "html" in headers["content-type"] else str(status))
        except (OSError, HTTPException):
            seen.append("dropped")
    return seen


def test_the_same_seed_breaks_the_same_requests(portal: Portal) -> None:
    plan = {"429": 0.2, "500": 0.2, "502": 0.1, "html": 0.1, "reset": 0.1}
    runs = []
    for _ in range(2):
        portal.server.faults(seed=7, http=plan)
        runs.append(_outcomes(portal, 40))
    assert runs[0] == runs[1]
    assert set(runs[0]) == {"200", "429", "500", "502", "html", "dropped"}
    portal.server.faults()
    assert set(_outcomes(portal, 20)) == {"200"}


def test_a_lost_answer_was_acted_upon(portal: Portal) -> None:
    portal.server.faults(http={"lost_answer": 1})
    with pytest.raises((OSError, HTTPException)):
        portal.contact(email="a@acme.test")
    assert portal.server.by_email(portal.hub_id, "a@acme.test") is not None


def test_a_reset_and_a_timeout_were_not(portal: Portal) -> None:
    for kind in ("reset", "timeout"):
        portal.server.faults(http={kind: 1}, timeout_s=0.2)
        with pytest.raises((OSError, HTTPException)):
            portal.contact(email="a@acme.test")
        assert portal.server.by_email(portal.hub_id, "a@acme.test") is None
        assert portal.server.stats()["faults"][kind] == 1


def test_each_refusal_tells_what_hubspot_tells(portal: Portal) -> None:
    told: dict[str, tuple[int, str | None, str | None]] = {}
    for kind, retry_after_s in (("429", None), ("429_secondly", 3), ("429_daily", 9), ("423", None), ("477", 30)):
        plan = {} if retry_after_s is None else {"retry_after_s": retry_after_s}
        portal.server.faults(http={kind: 1}, **plan)
        status, headers, data = portal.server.call("GET", "/account-info/v3/details", token=portal.token)
        told[kind] = (status, headers.get("retry-after"), json.loads(data).get("policyName"))
    assert told == {
        "429": (429, None, "TEN_SECONDLY_ROLLING"),
        "429_secondly": (429, "3", "SECONDLY"),
        "429_daily": (429, "9", "DAILY"),
        "423": (423, None, None),
        "477": (477, "30", None),
    }


def test_an_answer_cut_in_the_middle_was_acted_upon_and_cannot_be_read(portal: Portal) -> None:
    portal.server.faults(http={"cut": 1})
    with pytest.raises(HTTPException):
        portal.contact(email="a@acme.test")
    assert portal.server.by_email(portal.hub_id, "a@acme.test") is not None


def test_a_slow_answer_comes_whole(portal: Portal) -> None:
    portal.server.faults(http={"slow": 1}, slow_s=0.4)
    began = time.monotonic()
    assert portal.call("GET", portal.objects("contacts"))[0] == 200
    assert time.monotonic() - began >= 0.4


def test_a_fault_can_be_kept_to_one_class_of_routes(portal: Portal) -> None:
    portal.server.faults(http={"write:500": 1})
    assert portal.call("GET", portal.objects("contacts"))[0] == 200
    assert portal.call("POST", portal.objects("contacts"), {"properties": {"email": "a@acme.test"}})[0] == 500
    portal.server.faults(http={"search:502": 1})
    assert portal.call("POST", portal.objects("contacts/search"), {})[0] == 502
    assert portal.call("GET", portal.objects("contacts"))[0] == 200


def test_a_partial_batch_reports_what_it_left_out(portal: Portal) -> None:
    ids = [portal.contact(email=f"{name}@acme.test") for name in "abcd"]
    portal.server.faults(http={"partial_batch": 1})
    inputs = [{"id": id_, "properties": {"firstname": "X"}} for id_ in ids]
    status, answer = portal.call("POST", portal.objects("contacts/batch/update"), {"inputs": inputs})
    assert (status, len(answer["results"]), answer["numErrors"]) == (207, 2, 2)
    failed = answer["errors"][0]["context"]["id"]
    assert answer["errors"][0]["category"] != "OBJECT_NOT_FOUND"
    changed = {id_ for id_ in ids if "firstname" in portal.server.record(portal.hub_id, "contacts", id_)["properties"]}
    assert changed == set(ids) - set(failed)


def test_faults_spare_forms_and_the_control_api(portal: Portal) -> None:
    portal.server.faults(http={"500": 1})
    portal.server.submit(portal.forms[0]["id"], portal.hub_id, email="a@acme-x.se")
    assert portal.server.by_email(portal.hub_id, "a@acme-x.se") is not None
    assert portal.call("GET", portal.objects("contacts"))[0] == 500


@pytest.mark.parametrize(
    "plan", [{"http": {"nosuch": 1}}, {"http": {"500": 2}}, {"http": []}, {"nosuch": 1},
    {"webhooks": {"lost": "x"}}, {"http": {"nosuch:500": 1}}, {"http": {"write:nosuch": 1}},
             {"search_lag_s": -1}, {"http": {"500": 0.6, "429": 0.6}}]
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(portal: Portal, plan: dict[str, object]) -> None:
    status, _, data = portal.server.call("POST", "/_sandbox/faults", plan)
    assert (status, json.loads(data)["category"]) == (400, "VALIDATION_ERROR")
