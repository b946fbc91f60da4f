"""What works while the database or Redis is away?"""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select, text

from syncworker.settings import Settings, SettingsError
from syncworker.store.tables import inbox
from syncworker.sync.context import Context
from syncworker.web.app import create_app
from web import signed
from web.deployment import NOWHERE, TOKEN, Deployment, settings
from web.serving import serving

ADDRESS = "/webhooks/hubspot"
NO_DATABASE = f"postgresql://{NOWHERE}/none"


@pytest.fixture
def without_database(redis_url: str) -> Iterator[httpx.Client]:
    with serving(create_app(settings(NO_DATABASE, redis_url))) as client:
        yield client


@pytest.fixture
def without_redis(database_url: str) -> Iterator[httpx.Client]:
    context = Context(settings(database_url, f"redis://{NOWHERE}"), pool_size=2)
    Deployment(context).portal()
    with serving(create_app(context=context)) as client:
        yield client
    context.close()


def test_without_the_database_the_process_starts_and_says_what_is_wrong(
    without_database: httpx.Client,
) -> None:
    assert without_database.get("/health/live").status_code == 200
    ready = without_database.get("/health/ready")
    assert ready.status_code == 503
    assert ready.json()["ready"] is False
    assert "SYNCWORKER_DATABASE_URL" in ready.json()["database"]
    assert ready.json()["redis"] == "ok"
    assert "syncworker_database_up 0.0" in without_database.get("/metrics").text


def test_without_the_database_hubspot_is_asked_to_send_again(without_database: httpx.Client) -> None:
    content = signed.body(signed.event())
    answer = without_database.post(ADDRESS, content=content, headers=signed.headers(content))
    assert (answer.status_code, set(answer.json())) == (503, {"error"})


def test_without_the_database_the_operator_is_told(without_database: httpx.Client) -> None:
    answer = without_database.get("/api/v1/capacity", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert "the database does not answer" in answer.json()["error"]


def test_a_database_that_hangs_does_not_hold_hubspot(redis_url: str) -> None:
    # Accepts connections and never says a word.
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://127.0.0.1:{silent.getsockname()[1]}/none"
        with serving(create_app(settings(url, redis_url))) as client:
            content = signed.body(signed.event())
            began = time.monotonic()
            answer = client.post(ADDRESS, content=content, headers=signed.headers(content))
            assert answer.status_code == 503
            assert time.monotonic() - began < 200
            silent.close()


def test_a_database_that_went_away_and_came_back_is_used_again(client: httpx.Client, deployment: Deployment) -> None:
    content = signed.body(signed.event())
    assert client.post(ADDRESS, content=content, headers=signed.headers(content)).status_code == 200
    with deployment.database.transaction() as tx:
        ended = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
        tx.connection.execute(text(f"{ended} AND pid <> pg_backend_pid()"))
    assert client.post(ADDRESS, content=content, headers=signed.headers(content)).status_code == 200


def test_without_redis_everything_is_taken_all_the_same(without_redis: httpx.Client, database_url: str) -> None:
    content = signed.body(signed.event())
    began = time.monotonic()
    answer = without_redis.post(ADDRESS, content=content, headers=signed.headers(content))
    assert answer.status_code == 200
    assert time.monotonic() - began < 20
    deployment = Deployment(Context(settings(database_url, f"redis://{NOWHERE}"), pool_size=1))
    assert len(deployment.rows(select(inbox.c.id))) == 1
    deployment.context.close()


def test_without_redis_the_process_is_ready_and_says_so(without_redis: httpx.Client) -> None:
    ready = without_redis.get("/health/ready")
    assert ready.status_code == 200
    assert "SYNCWORKER_REDIS_URL" in ready.json()["redis"]


def test_an_old_schema_is_not_ready(empty_database_url: str, redis_url: str) -> None:
    with serving(create_app(settings(empty_database_url, redis_url))) as client:
        ready = client.get("/health/ready")
        assert ready.status_code == 503
        assert "syncworker migrate" in ready.json()["schema"]
        content = signed.body(signed.event())
        assert client.post(ADDRESS, content=content, headers=signed.headers(content)).status_code == 503


def test_a_ready_process_says_that_all_is_well(client: httpx.Client) -> None:
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json() == {"ready": True, "database": "ok", "schema": "ok", "redis": "ok"}


def test_credentials_of_another_secret_key_are_no_500(client: httpx.Client, deployment: Deployment) -> None:
    with deployment.database.transaction() as tx:
        tx.connection.execute(text("UPDATE portals SET credentials = 'nonsense'"))
    content = signed.body(signed.event())
    assert client.post(ADDRESS, content=content, headers=signed.headers(content)).status_code == 503


def test_what_is_not_set_stops_the_start() -> None:
    with pytest.raises(SettingsError) as stopped:
        create_app(Settings(_env_file=None, database_url=NO_DATABASE))  # type: ignore[call-arg] # pydantic-settings
    assert len(stopped.value.problems) == 2
