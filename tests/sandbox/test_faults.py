"""Do faults break what they should, by seed, and nothing else?"""

from __future__ import annotations

import json
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
    {"webhooks": {"lost": "x"}},
             {"search_lag_s": -1}, {"http": {"500": 0.6, "429": 0.6}}]
)  # fmt: skip
def test_a_plan_that_makes_no_sense_is_refused(portal: Portal, plan: dict[str, object]) -> None:
    status, _, data = portal.server.call("POST", "/_sandbox/faults", plan)
    assert (status, json.loads(data)["category"]) == (400, "VALIDATION_ERROR")
