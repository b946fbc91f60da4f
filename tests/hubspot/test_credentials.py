"""Is a token renewed in time, once, and only where that can help?"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest

from syncworker.hubspot.credentials import RefreshedToken, StaticToken, StoredToken
from syncworker.hubspot.errors import FixCredentials, RetryLater
from syncworker.hubspot.paths import Paths
from syncworker.hubspot.transport import Transport

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


class Store:
    """Keeps one grant behind a lock, as the database does behind its row lock."""

    def __init__(self, token: str, ends: timedelta) -> None:
        self.kept = StoredToken(access_token=token, refresh_token="refresh", expires_at=NOW + ends)
        self.lock = threading.Lock()

    def refresh(self, hub_id: int, renew: Callable[[StoredToken], StoredToken]) -> StoredToken:
        with self.lock:
            self.kept = renew(self.kept)
            return self.kept


@pytest.fixture
def transport(stub) -> Iterator[Transport]:
    transport = Transport(stub.url, timeout_s=1)
    yield transport
    transport.close()


@pytest.fixture
def credentials_of(transport):
    def make(store: Store) -> RefreshedToken:
        return RefreshedToken(
            hub_id=1,
            client_id="id",
            client_secret="very secret",
            store=store,
            transport=transport,
            paths=Paths("2026-09"),
            now=lambda: NOW,
        )

    return make


NEW = {"access_token": "new", "refresh_token": "refresh", "expires_in": 1800, "hub_id": 1}


def test_a_token_that_lasts_is_used_without_asking(stub, credentials_of):
    assert credentials_of(Store("old", timedelta(minutes=6))).token() == "old"
    assert stub.asked == []


def test_a_token_is_renewed_five_minutes_before_it_ends(stub, credentials_of):
    stub.says(NEW)
    store = Store("old", timedelta(minutes=4))
    credentials = credentials_of(store)
    assert [credentials.token(), credentials.token()] == ["new", "new"]
    assert store.kept.expires_at == NOW + timedelta(minutes=30)
    (asked,) = stub.asked
    assert asked.path == "/oauth/2026-09/token"
    assert asked.headers["content-type"] == "application/x-www-form-urlencoded"
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["refresh_token"], "client_id": ["id"], "client_secret": ["very secret"],
        "refresh_token": ["refresh"],
    }  # fmt: skip


def test_many_processes_renew_once(stub, credentials_of):
    stub.says(NEW)
    store = Store("old", timedelta(0))
    with ThreadPoolExecutor(8) as pool:
        tokens = list(pool.map(lambda one: one.token(), [credentials_of(store) for _ in range(8)]))
    assert tokens == ["new"] * 8
    assert len(stub.asked) == 1


def test_a_refused_token_gives_way_to_the_one_another_process_stored(stub, credentials_of):
    credentials = credentials_of(Store("newer", timedelta(minutes=20)))
    assert credentials.after_refusal("old") == "newer"
    assert stub.asked == []


def test_a_refused_token_that_has_expired_is_renewed(stub, credentials_of):
    stub.says(NEW)
    assert credentials_of(Store("old", timedelta(0))).after_refusal("old") == "new"


def test_a_refused_token_that_should_be_good_is_not_renewed(stub, credentials_of):
    assert credentials_of(Store("old", timedelta(minutes=20))).after_refusal("old") is None
    assert stub.asked == []


def test_a_refused_refresh_token_is_for_a_person_and_nothing_is_stored(stub, credentials_of):
    stub.says({
        "error": "invalid_grant", "error_description": "refresh token is invalid, expired or revoked",
        "status": "BAD_REFRESH_TOKEN", "message": "missing or invalid refresh token",
    }, 400)  # fmt: skip
    store = Store("old", timedelta(0))
    with pytest.raises(FixCredentials, match="invalid refresh token") as caught:
        credentials_of(store).token()
    assert caught.value.category == "BAD_REFRESH_TOKEN"
    assert store.kept.access_token == "old"


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"access_token": "x"}', b'{"access_token": "x", "expires_in": 0}']
)
def test_an_answer_without_a_token_is_retried(stub, credentials_of, body):
    stub.says(body)
    with pytest.raises(RetryLater):
        credentials_of(Store("old", timedelta(0))).token()


def test_trouble_at_hubspot_is_retried(stub, credentials_of):
    stub.says({"message": "oh"}, 503)
    with pytest.raises(RetryLater):
        credentials_of(Store("old", timedelta(0))).token()


def test_the_token_of_another_portal_is_refused(stub, credentials_of):
    stub.says(NEW | {"hub_id": 2})
    with pytest.raises(FixCredentials, match="belongs to portal 2"):
        credentials_of(Store("old", timedelta(0))).token()


def test_a_call_that_is_refused_goes_out_once_more_with_the_newer_token(stub, client_for, credentials_of):
    stub.says({"message": "no", "category": "INVALID_AUTHENTICATION"}, 401)
    stub.says(NEW)
    stub.says({"portalId": 1, "timeZone": "UTC"})
    store = Store("old", timedelta(minutes=10))
    credentials = credentials_of(store)
    assert credentials.token() == "old"
    store.kept = StoredToken(access_token="old", refresh_token="refresh", expires_at=NOW)
    assert client_for(stub.url, credentials=credentials).account_info().hub_id == 1
    assert [one.headers.get("authorization") for one in stub.asked] == ["Bearer old", None, "Bearer new"]


def test_no_token_shows_in_a_repr():
    stored = StoredToken(access_token="s3cret", refresh_token="s3cret", expires_at=NOW)
    assert "s3cret" not in repr(stored) + repr(StaticToken("s3cret"))
