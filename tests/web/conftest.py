"""The app over a fresh database, with one portal connected."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from syncworker.sync.context import Context
from syncworker.web.app import create_app
from web.deployment import TOKEN, Deployment, settings


@pytest.fixture
def context(database_url: str, redis_url: str) -> Iterator[Context]:
    made = Context(settings(database_url, redis_url), pool_size=2)
    yield made
    made.close()


@pytest.fixture
def deployment(context: Context) -> Deployment:
    made = Deployment(context)
    made.portal()
    return made


@pytest.fixture
def client(deployment: Deployment) -> Iterator[TestClient]:
    """Whoever comes by: without a token."""
    with TestClient(create_app(context=deployment.context)) as running:
        yield running


@pytest.fixture
def api(client: TestClient) -> TestClient:
    """The operator."""
    client.headers["Authorization"] = f"Bearer {TOKEN}"
    client.base_url = client.base_url.join("/api/v1/")
    return client
