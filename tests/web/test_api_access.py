"""Who gets into the operator API, and which portal do they mean?"""

from __future__ import annotations

import httpx
import pytest
from pydantic import SecretStr

from syncworker.web.api.operator import require_token
from syncworker.web.api.refusals import ApiOff, WrongToken
from syncworker.web.app import create_app
from web.deployment import HUB, OTHER_HUB, TOKEN, Deployment, settings
from web.serving import serving

READS = ("capacity", "registrations", "requests", "domains/acme.se/history", "marks", "resyncs/1")
WRITES = ("registrations", "registrations/acme.se/undo", "requests/1/confirm", "requests/1/withdraw")
WRITES += ("requests/1/retry", "marks/retry", "marks/dismiss", "resyncs")


def test_nothing_is_answered_without_the_token(client: httpx.Client, deployment: Deployment) -> None:
    for method, paths in (("GET", READS), ("POST", WRITES), ("DELETE", ("registrations/acme.se",))):
        for path in paths:
            answer = client.request(method, f"/api/v1/{path}")
            assert answer.status_code == 401, (method, path)
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")
            assert "SYNCWORKER_API_TOKEN" in answer.json()["error"]


def test_a_stranger_is_refused_before_the_body_is_looked_at(client: httpx.Client) -> None:
    assert client.post("/api/v1/registrations", content=b"{not json").status_code == 401


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", "Bearer \xe5\xff"],
)
def test_only_the_very_token_opens(header: str | None) -> None:
    with pytest.raises(WrongToken):
        require_token(SecretStr(TOKEN), header)


@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN}"])
def test_the_token_opens(header: str) -> None:
    require_token(SecretStr(TOKEN), header)


@pytest.mark.parametrize("token", [None, SecretStr("")])
def test_an_empty_token_opens_nothing(token: SecretStr | None) -> None:
    with pytest.raises(ApiOff):
        require_token(token, "Bearer ")


def test_without_a_token_set_the_api_is_off_and_says_so(database_url: str, redis_url: str) -> None:
    with serving(create_app(settings(database_url, redis_url, api_token=None))) as client:
        answer = client.get("/api/v1/capacity", headers={"Authorization": "Bearer x"})
    assert answer.status_code == 503
    assert answer.json()["error"].startswith("the API is off: set SYNCWORKER_API_TOKEN")


def test_the_description_is_for_whoever_may_use_all_of_the_api(client: httpx.Client) -> None:
    assert client.get("/openapi.json").status_code == 401
    paths = client.get("/openapi.json", headers={"Authorization": f"Bearer {TOKEN}"}).json()["paths"]
    for path in ("/capacity", "/registrations/{domain}/undo", "/requests/{request_id}/confirm", "/resyncs"):
        assert f"/api/v1{path}" in paths


def test_no_page_of_the_api_loads_anything_from_elsewhere(client: httpx.Client) -> None:
    for path in ("/docs", "/redoc", "/docs/oauth2-redirect"):
        assert client.get(path).status_code == 404, path


def test_one_portal_need_not_be_named(api: httpx.Client) -> None:
    assert api.get("capacity").status_code == 200
    assert api.get("capacity", params={"portal": HUB}).status_code == 200


def test_of_several_portals_one_must_be_named(api: httpx.Client, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta", capacity=9)
    answer = api.get("capacity")
    assert answer.status_code == 422
    assert f"{HUB}, {OTHER_HUB}" in answer.json()["error"]
    assert api.get("capacity", params={"portal": OTHER_HUB}).json()["limit"] == 9


def test_a_portal_that_is_not_connected_is_404(api: httpx.Client) -> None:
    for portal in (1, 2**63 - 1):
        answer = api.get("capacity", params={"portal": portal})
        assert (answer.status_code, set(answer.json())) == (404, {"error"})


def test_a_portal_that_can_be_none_is_422(api: httpx.Client) -> None:
    for portal in ("x", "-1", str(2**63), "1" * 5000):
        assert api.get("capacity", params={"portal": portal}).status_code == 422


def test_without_any_portal_the_operator_is_told_how_to_connect_one(api: httpx.Client, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        tx.connection.exec_driver_sql("DELETE FROM portals")
    answer = api.get("capacity")
    assert answer.status_code == 404
    assert "syncworker portals add" in answer.json()["error"]


def test_an_unknown_path_says_where_to_look(api: httpx.Client) -> None:
    answer = api.get("nothing-here")
    assert (answer.status_code, answer.json()) == (404, {"error": "there is nothing here: see /openapi.json"})
