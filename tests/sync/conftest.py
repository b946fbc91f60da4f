"""A sandbox for all tests of a file, and for each test a fresh database with its two portals connected."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from support.kept import kept_database
from support.rig import Rig
from support.sandbox_server import SandboxServer
from syncworker.sync.context import Context
from web.deployment import Deployment, settings


@pytest.fixture
def sandbox(sandbox_server: SandboxServer) -> SandboxServer:
    # Defining our forty properties anew would be half of what a test costs.
    sandbox_server.reset(keep_properties=True)
    sandbox_server.hold_nothing_back()
    return sandbox_server


@pytest.fixture
def make_rig(sandbox: SandboxServer, database_url: str, redis_url: str) -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def make(**settings: object) -> Rig:
        made.append(Rig(sandbox, database_url, redis_url, **settings))
        return made[-1]

    yield make
    for rig in made:
        rig.close()


@pytest.fixture
def rig(make_rig: Callable[..., Rig]) -> Rig:
    return make_rig()


@pytest.fixture
def deployment(database_url: str, redis_url: str) -> Iterator[Deployment]:
    """Without a HubSpot: a portal, and what a test puts into its ledger."""
    context = Context(settings(database_url, redis_url), database=kept_database(database_url, pool_size=2))
    made = Deployment(context)
    made.portal()
    yield made
    context.close()
