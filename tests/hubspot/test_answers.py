"""Does every answer that is no success become the error that says what to do?"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworker.hubspot.answers import error_from, error_of_record, property_errors
from syncworker.hubspot.errors import FixCredentials, FixRequest, Gone, HubSpotError, RetryLater, Scope
from syncworker.hubspot.quota import Lane
from syncworker.hubspot.rate_limit import RateLimited


def of(status: int, body: object = b"", **headers: str) -> HubSpotError:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return error_from(route="POST /x", status=status, headers=named, body=raw)


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, FixRequest),
        (405, FixRequest),
        (409, FixRequest),
        (413, FixRequest),
        (414, FixRequest),
        (302, FixRequest),
        (401, FixCredentials),
        (403, FixCredentials),
        (404, Gone),
        (408, RetryLater),
        (423, RetryLater),
        (429, RetryLater),
        (477, RetryLater),
        (500, RetryLater),
        (502, RetryLater),
        (504, RetryLater),
        (521, RetryLater),
        (524, RetryLater),
        (525, RetryLater),
        (599, RetryLater),
    ],
)
def test_the_status_decides_even_without_a_body(status, kind):
    error = of(status)
    assert type(error) is kind
    assert error.status == status
    assert str(status) in str(error)


@pytest.mark.parametrize(
    ("body", "scope"),
    [
        (
            {
                "message": "You have reached your daily limit.",
                "errorType": "RATE_LIMIT",
                "policyName": "DAILY",
            },
            "daily",
        ),
        ({"message": "You have reached your daily limit."}, "daily"),
        (
            {
                "message": "You have reached your ten_secondly_rolling limit.",
                "policyName": "TEN_SECONDLY_ROLLING",
            },
            "portal",
        ),
        ({"message": "You have reached your secondly limit.", "category": "RATE_LIMITS"}, "portal"),
        ({}, "portal"),
    ],
)
def test_a_429_is_told_apart_by_policy_or_message(body, scope):
    error = of(429, body)
    assert isinstance(error, RetryLater)
    assert error.scope == scope


def test_a_text_from_the_proxy_in_front_is_a_rate_limit_too():
    assert isinstance(of(429, b"error code: 1015"), RetryLater)


@pytest.mark.parametrize(
    ("status", "told", "seconds"),
    [
        (423, "1", 2.0),
        (423, "9", 9.0),
        (477, "86400", 86_400.0),
        (477, "9999999", 86_400.0),
        (477, "", 3600.0),
        (429, "7", 7.0),
        (429, "soon", 1.0),
        (429, "-5", 1.0),
        (503, "99999999999", 2.0),
        (429, "Sun, 22 Nov", 1.0),
    ],
)
def test_retry_after_counts_where_it_makes_sense(status, told, seconds):
    error = of(status, retry_after=told)
    assert isinstance(error, RetryLater)
    assert error.retry_after_s == seconds


def test_the_correlation_id_is_kept_from_body_or_header():
    assert of(400, {"correlationId": "a"}).correlation_id == "a"
    assert of(400, x_hubspot_correlation_id="b").correlation_id == "b"


@pytest.mark.parametrize(
    ("category", "kind"),
    [
        ("OBJECT_NOT_FOUND", Gone),
        ("VALIDATION_ERROR", FixRequest),
        ("CONFLICT", FixRequest),
        ("RATE_LIMITS", RetryLater),
        ("MISSING_SCOPES", FixCredentials),
        ("NEW_ONE", RetryLater),
        (None, RetryLater),
    ],
)
def test_an_entry_of_a_partial_batch_means_what_it_would_mean_alone(category, kind):
    assert type(error_of_record(route="r", error={"category": category, "message": "m"})) is kind


@pytest.mark.parametrize("message", ["not valid: [{", "not valid: [{]", "[{" * 50_000, "not valid: [1, 2]", "[]"])
def test_half_a_list_inside_a_message_is_no_trouble(message):
    assert property_errors({"message": message}) == ()


def test_a_long_message_with_lines_is_one_short_line():
    told = str(of(400, {"message": "a\nb\r\n" + "x" * 5000}))
    assert "\n" not in told
    assert len(told) < 500


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["message", "errors", "context", "category", "propertyName", "requiredGranularScopes"]),
            inner,
        )
    ),
    max_leaves=10,
)


@given(st.integers(300, 600), json_values | st.binary(max_size=30))
def test_no_body_breaks_the_reading_of_an_error(status, body):
    assert str(of(status, body))


@pytest.mark.parametrize("status", [423, 429, 500, 503, 525])
def test_nobody_is_kept_waiting_for_longer_than_an_hour_by_a_header(status):
    # Given a proxy, or a mistake, that says to come back in a hundred days
    error = of(status, {}, retry_after="9999999")
    # I expect that it is looked at again before that: nobody would notice a portal that rests until spring
    assert isinstance(error, RetryLater)
    assert error.retry_after_s == 3600


@pytest.mark.parametrize(
    ("scope", "worker", "person"),
    [
        ("call", "this call is tried again in 0.5 s", "try again in 1 s"),
        ("portal", "this portal is tried again in 0.5 s", "try again in 1 s"),
        ("migration", "is tried again in 0.5 s", "HubSpot migrates the account: try again in 1 s"),
        (
            "daily",
            "asked again in 0 s",
            "the daily quota is used up until midnight in the account's time zone: try again then",
        ),
    ],
)
def test_a_person_is_told_to_try_again_where_a_worker_does_it_by_itself(scope: Scope, worker: str, person: str) -> None:
    error = RetryLater("busy", route="GET /x", retry_after_s=0.5, scope=scope, status=503)
    assert str(error).endswith(worker)
    assert error.told.endswith(f"; {person}")


def test_what_our_own_limiter_keeps_for_others_is_not_told_to_be_used_up() -> None:
    limited = RateLimited(7, "api", 2700.0, lane=Lane.BULK, daily=True)
    error = RetryLater(str(limited), route="GET /x", retry_after_s=2700.0, scope="daily")
    assert "bulk work goes on in 45 min" in error.told
    assert error.told.endswith("; try again in 2700 s")


def test_what_is_no_matter_of_waiting_is_told_to_everybody_alike() -> None:
    error = FixCredentials("expired", route="GET /x", status=401)
    assert error.told == str(error)
