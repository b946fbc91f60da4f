"""Who may call, how often, and how do tokens come and go?"""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest

from sandbox.conftest import JsonObject, Portal
from support.processes import eventually


def _token(portal: Portal, path: str = "/oauth/2026-09/token", **changed: str) -> tuple[int, JsonObject]:
    fields = {
        "grant_type": "refresh_token",
        "client_id": portal.about["client_id"],
        "client_secret": portal.about["client_secret"],
        "refresh_token": portal.about["refresh_token"],
        **changed,
    }
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    status, _, data = portal.server.call("POST", path, urlencode(fields), headers=headers)
    return status, json.loads(data)


def test_without_a_known_token_nothing_is_answered(portal: Portal) -> None:
    for headers in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": portal.token}):
        status, _, data = portal.server.call("GET", portal.objects("contacts"), headers=headers)
        assert (status, json.loads(data)["category"]) == (401, "INVALID_AUTHENTICATION")


def test_account_info_says_whose_token_it_is(spelt: Portal, other_portal: Portal) -> None:
    for portal in (spelt, other_portal):
        _, answer = portal.call("GET", f"/account-info/{spelt.version}/details")
        assert answer["portalId"] == portal.hub_id
        assert answer["timeZone"] == portal.about["time_zone"]


def test_a_missing_scope_is_named(portal: Portal) -> None:
    portal.server.settings(portal.hub_id, scopes=["crm.objects.contacts.read"])
    assert portal.call("GET", portal.objects("contacts"))[0] == 200
    status, answer = portal.call("POST", portal.objects("contacts"), {"properties": {}})
    assert (status, answer["category"]) == (403, "MISSING_SCOPES")
    assert answer["errors"][0]["context"]["requiredGranularScopes"] == ["crm.objects.contacts.write"]
    for path in (portal.objects("companies"), "/marketing/v3/forms", portal.properties("companies")):
        assert portal.call("GET", path)[0] == 403


def test_a_replaced_or_revoked_token_stops_working(portal: Portal) -> None:
    portal.server.settings(portal.hub_id, access_token="another")
    assert portal.call("GET", portal.objects("contacts"))[0] == 401
    portal.token = "another"
    assert portal.call("GET", portal.objects("contacts"))[0] == 200
    portal.server.settings(portal.hub_id, token_revoked=True)
    assert portal.call("GET", portal.objects("contacts"))[0] == 401


@pytest.mark.parametrize("path", ["/oauth/v1/token", "/oauth/v3/token", "/oauth/2026-03/token", "/oauth/2026-09/token"])
def test_a_refresh_token_gives_access_tokens_again_and_again(portal: Portal, path: str) -> None:
    for _ in range(2):
        status, answer = _token(portal, path)
        assert (status, answer["expires_in"], answer["hub_id"]) == (200, 1800, portal.hub_id)
        portal.token = answer["access_token"]
        status, headers, _ = portal.server.call("GET", portal.objects("contacts"), token=portal.token)
        assert status == 200
        assert "x-hubspot-ratelimit-max" in headers
        assert "x-hubspot-ratelimit-daily" not in headers


def test_access_tokens_expire(portal: Portal) -> None:
    portal.server.settings(portal.hub_id, token_lifetime_s=0.3)
    portal.token = _token(portal)[1]["access_token"]
    eventually(lambda: portal.call("GET", portal.objects("contacts"))[0] == 401)


def test_bad_grants_are_refused_in_hubspots_words(portal: Portal) -> None:
    for changed, state in (
        ({"refresh_token": "x"}, "BAD_REFRESH_TOKEN"),
        ({"client_id": "x"}, "BAD_CLIENT_ID"),
        ({"client_secret": "x"}, "BAD_CLIENT_SECRET"),
        ({"grant_type": "password"}, "BAD_GRANT_TYPE"),
    ):
        status, answer = _token(portal, **changed)
        assert (status, answer["status"]) == (400, state)


def test_tokens_are_introspected_and_revoked(portal: Portal) -> None:
    token = _token(portal)[1]["access_token"]
    status, about = _token(portal, "/oauth/2026-09/token/introspect", token=token)
    assert (status, about["active"], about["hub_id"], about["token_use"]) == (
        200,
        True,
        portal.hub_id,
        "access_token",
    )
    fields = {"client_id": portal.about["client_id"], "client_secret": portal.about["client_secret"]}
    revoke = urlencode({**fields, "token": portal.about["refresh_token"]})
    assert portal.server.call("POST", "/oauth/2026-09/token/revoke", revoke)[0] == 204
    assert _token(portal)[1]["status"] == "BAD_REFRESH_TOKEN"
    portal.server.settings(portal.hub_id, refresh_revoked=False)
    assert portal.server.call("DELETE", f"/oauth/v1/refresh-tokens/{portal.about['refresh_token']}")[0] == 204
    assert _token(portal)[0] == 400


def test_the_ten_second_limit_counts_down_and_refuses(portal: Portal) -> None:
    portal.server.settings(portal.hub_id, rate_limit=3)
    seen = []
    for _ in range(4):
        status, headers, data = portal.server.call("GET", portal.objects("contacts"), token=portal.token)
        seen.append((status, headers["x-hubspot-ratelimit-remaining"]))
        assert headers["x-hubspot-ratelimit-max"] == "3"
        assert headers["x-hubspot-ratelimit-interval-milliseconds"] == "10000"
    assert seen == [(200, "2"), (200, "1"), (200, "0"), (429, "0")]
    refusal = json.loads(data)
    assert refusal["policyName"] == "TEN_SECONDLY_ROLLING"
    assert refusal["message"] == "You have reached your ten_secondly_rolling limit."
    assert "retry-after" not in headers
    assert portal.search()[0] == 200  # search does not count among them


def test_the_daily_limit_refuses_everything(portal: Portal) -> None:
    portal.server.settings(portal.hub_id, daily_limit=2)
    for expected in ("1", "0"):
        _, headers, _ = portal.server.call("GET", portal.objects("contacts"), token=portal.token)
        assert headers["x-hubspot-ratelimit-daily-remaining"] == expected
    status, answer = portal.search()
    assert (status, answer["policyName"]) == (429, "DAILY")


def test_a_limit_of_zero_is_none(portal: Portal) -> None:
    portal.server.settings(portal.hub_id, rate_limit=0, search_limit=0)
    assert {portal.call("GET", portal.objects("contacts"))[0] for _ in range(200)} == {200}


def test_wrong_paths_versions_and_methods_are_told_apart(portal: Portal) -> None:
    assert portal.call("GET", "/crm/v4/objects/contacts")[0] == 404
    assert portal.call("GET", "/crm/2026-09/objects/contacts")[0] == 404
    assert portal.call("GET", "/crm/objects/2025-03/contacts")[0] == 404
    assert portal.call("POST", "/crm/v3/associations/contacts/companies/batch/read", {"inputs": []})[0] == 404
    status, headers, _ = portal.server.call("PUT", portal.objects("contacts/1"), {}, token=portal.token)
    assert (status, headers["allow"]) == (405, "DELETE, GET, PATCH")


def test_broken_input_is_the_callers_fault(portal: Portal) -> None:
    path = portal.objects("contacts/batch/read")
    deep = b"[" * 100_000
    for body in (
        b"",
        b"not json",
        b"[]",
        b"{}",
        b'{"inputs": 1}',
        b'{"inputs": [1]}',
        b'{"inputs": [{}]}',
        b'{"inputs":[{"id":"1"}],"properties":"email"}',
        b'{"inputs":[{"id":{"a":1}}]}',
        b"\xff\xfe",
        deep,
    ):
        status, _, data = portal.server.call("POST", path, body, token=portal.token)
        assert (status, json.loads(data)["category"]) == (400, "VALIDATION_ERROR"), body[:40]
    assert portal.call("GET", portal.objects("contacts?after=x"))[0] == 400
    half_a_pair = b'{"properties": {"firstname": "\\ud800"}}'
    assert portal.call("POST", portal.objects("contacts"), half_a_pair)[0] == 400
    assert portal.server.call("OPTIONS", "*")[0] == 404
    beyond = {"propertyName": "hs_object_id", "operator": "EQ", "value": "9" * 30}
    assert portal.search(filterGroups=[{"filters": [beyond]}])[0] == 400
    assert portal.call("GET", portal.objects(f"contacts/{'9' * 40}"))[0] == 404
    huge = {"properties": {"company": "x" * 11_000_000}}
    assert portal.call("POST", portal.objects("contacts"), huge)[0] == 413
