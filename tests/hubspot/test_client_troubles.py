"""What comes of a call when HubSpot, or the way to it, is in trouble?"""

from __future__ import annotations

import socket
import time

import pytest

from syncworker.hubspot.calling import Call, Caller
from syncworker.hubspot.errors import FixCredentials, FixRequest, Gone, RetryLater
from syncworker.hubspot.quota import Told
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.hubspot.transport import Transport

OK = {"portalId": 33, "timeZone": "UTC"}


def error(message: str, **fields: object) -> dict:
    return {"status": "error", "message": message, "correlationId": "c-1", **fields}


def test_a_reset_a_truncated_and_an_html_answer_are_asked_again(stub, client, calls):
    stub.resets()
    stub.truncates()
    stub.says(OK)
    assert client.account_info().hub_id == 33
    assert [one.error for one in calls] == ["RetryLater", "RetryLater", None]
    assert [one.status for one in calls] == [None, None, 200]


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff\xfe", b"[]", b'{"portalId": "x"}', b"[" * 100_000])
def test_an_answer_that_is_not_what_was_asked_for_is_retried_and_then_told(stub, client, body):
    stub.says(body)
    with pytest.raises(RetryLater) as caught:
        client.account_info()
    assert caught.value.status == 200
    assert caught.value.scope == "call"
    assert len(stub.asked) == 3


@pytest.mark.parametrize("trouble", ["hangs", "trickles"])
def test_no_answer_in_time_is_given_up(stub, client_for, trouble):
    getattr(stub, trouble)()
    client = client_for(stub.url, timeout_s=0.2)
    began = time.monotonic()
    with pytest.raises(RetryLater, match="GET /account-info/2026-09/details"):
        client.account_info()
    assert time.monotonic() - began < 30


def test_nobody_listening_holds_the_whole_portal(client_for):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = client_for(f"http://127.0.0.1:{unused.getsockname()[1]}")
        with pytest.raises(RetryLater) as caught:
            client.account_info()
    assert caught.value.scope == "portal"
    assert caught.value.status is None


def test_a_429_pauses_everybody_and_is_asked_again(stub, client, limiter):
    policy = "TEN_SECONDLY_ROLLING"
    body = error("You have reached your ten_secondly_rolling limit.", errorType="RATE_LIMIT", policyName=policy)
    stub.says(body, 429)
    stub.says(OK, headers={"X-HubSpot-RateLimit-Max": "190", "X-HubSpot-RateLimit-Interval-Milliseconds": "10000"})
    assert client.account_info().hub_id == 33
    assert limiter.paused == [("api", 1.0)]
    assert limiter.learned == [Told(limit=190, window_s=10.0)]


def test_the_daily_limit_is_told_at_once(stub, client, limiter):
    stub.says(error("You have reached your daily limit.", errorType="RATE_LIMIT", policyName="DAILY"), 429)
    with pytest.raises(RetryLater, match="midnight in the account's time zone") as caught:
        client.account_info()
    assert caught.value.scope == "daily"
    assert len(stub.asked) == 1
    assert limiter.paused == []


def test_a_migration_is_waited_for_as_long_as_it_says(stub, client):
    stub.says(error("migrating"), 477, {"Retry-After": "7200"})
    with pytest.raises(RetryLater) as caught:
        client.account_info()
    assert (caught.value.scope, caught.value.retry_after_s) == ("migration", 7200)
    assert len(stub.asked) == 1


def test_a_wait_that_is_too_long_for_a_claim_is_the_callers(stub, client):
    stub.says(error("later"), 503, {"Retry-After": "60"})
    with pytest.raises(RetryLater) as caught:
        client.account_info()
    assert (caught.value.scope, caught.value.retry_after_s) == ("portal", 60)
    assert len(stub.asked) == 1


def test_a_refused_batch_names_the_bad_properties(stub, client):
    stub.says(error(
        'Property values were not valid: [{"isValid":false,"message":"Property \\"x\\" does not exist",'
        '"error":"PROPERTY_DOESNT_EXIST","name":"x","portalId":1}]',
        category="VALIDATION_ERROR",
        errors=[{"message": "bad", "code": "INVALID_INTEGER", "context": {"propertyName": ["y"]}}],
    ), 400)  # fmt: skip
    with pytest.raises(FixRequest) as caught:
        client.batch_update("contact", {"1": {"x": "1"}})
    named = [(one.name, one.error) for one in caught.value.bad_properties]
    assert named == [("y", "INVALID_INTEGER"), ("x", "PROPERTY_DOESNT_EXIST")]
    assert "\n" not in str(caught.value)
    assert "c-1" in str(caught.value)
    assert len(stub.asked) == 1


def test_missing_scopes_are_named(stub, client):
    context = {"requiredGranularScopes": ["crm.objects.contacts.write"]}
    stub.says(error("no", category="MISSING_SCOPES", errors=[{"message": "m", "context": context}]), 403)
    with pytest.raises(FixCredentials, match=r"grant the app the scopes crm\.objects\.contacts\.write") as caught:
        client.account_info()
    assert caught.value.missing_scopes == ("crm.objects.contacts.write",)


def test_a_wrong_static_token_is_refused_once(stub, client):
    stub.says(error("Authentication credentials not found.", category="INVALID_AUTHENTICATION"), 401)
    with pytest.raises(FixCredentials, match="new access token") as caught:
        client.account_info()
    assert "token" not in str(caught.value).replace("access token", "")
    assert len(stub.asked) == 1


def test_a_page_in_another_encoding_is_gone_all_the_same(stub, client):
    stub.says(
        "<html>Sidan är borta</html>".encode("iso-8859-1"),
        404,
        {"Content-Type": "text/html;charset=iso-8859-1"},
    )
    with pytest.raises(Gone, match="deleted"):
        client.get("contact", "1", properties=[])


def test_a_redirect_is_not_followed_with_the_token(stub, client):
    stub.says(b"", 302, {"Location": f"{stub.url}/elsewhere"})
    with pytest.raises(FixRequest):
        client.account_info()
    assert len(stub.asked) == 1


def test_no_quota_in_time_is_told_without_a_call(stub, client_for):
    class Used:
        def take(self, hub_id, bucket, *, wait_s, lane):
            raise RateLimited(hub_id, bucket, 3.5)

    with pytest.raises(RetryLater) as caught:
        client_for(stub.url, limiter=Used()).account_info()
    assert (caught.value.scope, caught.value.retry_after_s) == ("portal", 3.5)
    assert stub.asked == []


def test_a_new_token_that_takes_too_long_sends_nothing_for_a_lease_may_have_ended(stub, limiter):
    # Given a token that is refused, and another one that comes after half a minute
    clock = [0.0]

    class Slow:
        def token(self):
            return "old"

        def after_refusal(self, refused):
            clock[0] += 30
            return "new"

    stub.says(error("Authentication credentials not found.", category="INVALID_AUTHENTICATION"), 401)
    transport = Transport(stub.url)
    caller = Caller(hub_id=1, transport=transport, credentials=Slow(), limiter=limiter, clock=lambda: clock[0])
    with pytest.raises(RetryLater, match="not sent") as caught:
        caller.call(Call(method="PATCH", path="/crm/objects/contacts/1"), lambda source: source)
    transport.close()
    # I expect the refused request alone
    assert [one.headers["authorization"] for one in stub.asked] == ["Bearer old"]
    assert caught.value.scope == "portal"
