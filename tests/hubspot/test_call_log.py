"""Is each call counted, and each failed one told with what HubSpot's support would ask for?"""

from __future__ import annotations

import contextlib

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from syncworker.hubspot.errors import FixRequest, Gone, HubSpotError, RetryLater
from syncworker.hubspot.quota import Lane

ACCOUNT = {"portalId": 1, "timeZone": "UTC"}
ROUTE = "/account-info/2026-09/details"


def counted(outcome: str, *, lane: str = "interactive", route: str = ROUTE, hub_id: int) -> float:
    labels = {"portal": str(hub_id), "method": "GET", "route": route, "lane": lane, "outcome": outcome}
    return REGISTRY.get_sample_value("syncworker_hubspot_calls_total", labels) or 0


def failure(message: str) -> dict[str, str]:
    return {"status": "error", "message": message, "category": "VALIDATION_ERROR", "correlationId": "c-1"}


def test_a_failed_call_is_logged_with_its_correlation_id_and_no_word_that_may_name_a_person(stub, client_for):
    stub.says(failure("ada@acme.example is no number"), 400)
    with capture_logs() as logs, pytest.raises(FixRequest):
        client_for(stub.url, hub_id=501).account_info()
    [line] = [line for line in logs if line["event"] == "hubspot_call_failed"]
    assert line["log_level"] == "warning"
    assert (line["hub_id"], line["route"], line["status"]) == (501, f"GET {ROUTE}", 400)
    assert (line["correlation_id"], line["outcome"], line["attempt"]) == ("c-1", "fix_request", 1)
    assert "ada" not in str(logs)


def test_an_answer_that_is_a_page_still_has_its_correlation_id(stub, client_for):
    stub.says(b"<html>", 200, {"X-HubSpot-Correlation-Id": "c-2"})
    with capture_logs() as logs, pytest.raises(RetryLater):
        client_for(stub.url, hub_id=502).account_info()
    lines = [line for line in logs if line["event"] == "hubspot_call_failed"]
    assert [line["attempt"] for line in lines] == [1, 2, 3]
    assert {line["correlation_id"] for line in lines} == {"c-2"}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(200, "ok"), (404, "gone"), (401, "fix_credentials"), (429, "rate_limited"), (503, "retry_later")],
)
def test_calls_are_counted_by_route_lane_and_outcome(stub, client_for, status, outcome):
    stub.says(ACCOUNT if status == 200 else failure("no"), status)
    client = client_for(stub.url, hub_id=1000 + status).in_lane(Lane.BULK)
    with contextlib.suppress(HubSpotError):
        client.account_info()
    assert counted(outcome, lane="bulk", hub_id=1000 + status) == len(stub.asked)
    labels = {"portal": str(1000 + status), "method": "GET", "route": ROUTE}
    assert REGISTRY.get_sample_value("syncworker_hubspot_call_seconds_count", labels) == len(stub.asked)


def test_no_answer_is_an_outcome_too(stub, client_for):
    stub.resets()
    with pytest.raises(RetryLater):
        client_for(stub.url, hub_id=503).account_info()
    assert counted("no_answer", hub_id=503) == 3


def test_ids_are_in_no_route(stub, client_for):
    stub.says(failure("gone"), 404)
    with capture_logs() as logs, pytest.raises(Gone):
        client_for(stub.url, hub_id=504).get("contact", "4711", properties=[])
    assert "4711" not in str(logs)
    assert [line["log_level"] for line in logs] == ["info"]


def test_the_lane_of_a_client_reaches_the_limiter_over_the_same_connections(stub, client_for, limiter):
    stub.says(ACCOUNT)
    client = client_for(stub.url)
    client.account_info()
    client.in_lane(Lane.BULK).account_info()
    client.account_info()
    assert limiter.lanes == [Lane.INTERACTIVE, Lane.BULK, Lane.INTERACTIVE]
    assert len(stub.connections) == 1
