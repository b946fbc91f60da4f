"""The app over a fresh database, with one portal connected."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import httpx
import pytest
from fastapi import FastAPI

from support.kept import kept_database
from syncworker.access.roles import Role
from syncworker.sync.context import Context
from syncworker.web.app import create_app, hold
from web.deployment import NOWHERE, TOKEN, Deployment, settings
from web.serving import serving
from web.signed_in import Browser, browser, signed_in


@pytest.fixture
def context(database_url: str, redis_url: str) -> Iterator[Context]:
    made = Context(settings(database_url, redis_url), database=kept_database(database_url, pool_size=2))
    yield made
    made.close()


@pytest.fixture
def deployment(context: Context) -> Deployment:
    made = Deployment(context)
    made.portal()
    return made


@pytest.fixture(scope="session")
def served() -> Iterator[tuple[FastAPI, httpx.URL]]:
    """One server for all tests; which context it works with is each test's."""
    app = create_app(settings(f"postgresql://{NOWHERE}/none", f"redis://{NOWHERE}"))
    with serving(app) as client:
        client.get("/health/live")
        yield app, client.base_url


@pytest.fixture
def client(deployment: Deployment, served: tuple[FastAPI, httpx.URL]) -> Iterator[httpx.Client]:
    """Whoever comes by: without a token."""
    app, address = served
    holds = app.state.held = hold(deployment.context)
    with httpx.Client(base_url=address, timeout=60) as visitor:
        yield visitor
    asyncio.run(holds.loop_database.close())


@pytest.fixture
def api(client: httpx.Client) -> httpx.Client:
    """The operator."""
    client.headers["Authorization"] = f"Bearer {TOKEN}"
    client.base_url = client.base_url.join("/api/v1/")
    return client


@pytest.fixture
def as_(deployment: Deployment, served: tuple[FastAPI, httpx.URL]) -> Iterator[Callable[..., Browser]]:
    """A browser of somebody of a role, or of a stranger."""
    app, address = served
    app.state.held = hold(deployment.context)
    with ExitStack() as stack:

        def opened(role: Role | None = None, **more: list[int]) -> Browser:
            return stack.enter_context(
                signed_in(address, deployment.context, role, **more) if role else browser(address)
            )

        yield opened
