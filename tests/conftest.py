"""What every test may ask for: a fresh migrated database, an empty Redis, and no network but this machine."""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
import pytest_socket
import redis

from support import order, services
from support.sandbox_server import SandboxServer
from syncworker.store import migrate
from syncworker.store.tables import metadata

TESTS = Path(__file__).parent
_numbers = count(1)

# Tests of what stands around the parts whose coverage is asked for. To be measured makes them half as slow again; the
# parts' own tests and those of the command line are to reach what is asked for without them.
UNMEASURED = frozenset({"acceptance", "access", "browser", "faults", "sandbox", "store", "up", "web"})

# Where a machine forbids keeping compiled code, every process that a test starts compiles all that it imports, anew.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False


def pytest_configure(config: pytest.Config) -> None:
    """A marker by which the run that breaks everything can be left out (`-m "not faults"`), and one for the long."""
    config.addinivalue_line("markers", "faults: breaks the whole of `syncworker up` for a minute")
    config.addinivalue_line("markers", f"{order.LONG}: takes many seconds, and so begins first where tests run at once")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes long begins first; what is measured is where it is worth it."""
    for item in items:
        if UNMEASURED & set(item.path.relative_to(TESTS).parts):
            item.add_marker("no_cover")
    workers: int = getattr(config, "workerinput", {}).get("workercount", 1)
    items[:] = order.longest_first(items, workers=workers)


@pytest.fixture(autouse=True)
def _only_this_machine() -> Iterator[None]:
    """A test that reaches out to the network would pass or fail with the network."""
    pytest_socket.socket_allow_hosts(["127.0.0.1", "localhost", "::1"], allow_unix_socket=True)
    yield
    pytest_socket._remove_restrictions()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The address of this test process's own PostgreSQL server."""
    # Not in pytest's folder: it lets nobody but us in, and when we are root PostgreSQL runs as another user.
    with (
        tempfile.TemporaryDirectory(prefix="syncworker-tests-") as folder,
        services.start_postgres(Path(folder) / "postgres") as url,
    ):
        yield url


@pytest.fixture(scope="session")
def migrated_template(postgres_url: str) -> str:
    """The name of a database with the newest schema, to be copied."""
    name = "migrated"
    migrate.upgrade(services.create_database(postgres_url, name))
    return name


@pytest.fixture
def empty_database_url(postgres_url: str) -> Iterator[str]:
    """The address of a database without a schema, dropped after the test."""
    name = f"empty_{next(_numbers)}"
    yield services.create_database(postgres_url, name)
    services.drop_database(postgres_url, name)


@pytest.fixture
def fresh_database_url(postgres_url: str, migrated_template: str) -> Iterator[str]:
    """The address of a database that nobody used before, with the newest schema, dropped after the test."""
    name = f"test_{next(_numbers)}"
    yield services.create_database(postgres_url, name, template=migrated_template)
    services.drop_database(postgres_url, name)


@pytest.fixture
def database_url(postgres_url: str, migrated_template: str) -> str:
    """The address of an empty database with the newest schema. One for all tests, emptied before each: to make one
    takes longer than most of them. Whose tests change its schema asks for a fresh one.
    """
    name = "kept"
    url = services.address(postgres_url, name)
    try:
        services.empty_database(url, metadata.tables)
    except psycopg.Error:
        # There is none yet, or a test that failed has left it locked, or changed.
        services.drop_database(postgres_url, name)
        services.create_database(postgres_url, name, template=migrated_template)
    return url


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of this test process's own Valkey server."""
    with services.start_valkey(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture
def redis_url(valkey_url: str) -> str:
    """The address of an empty Redis database."""
    with redis.Redis.from_url(valkey_url) as client:
        client.flushall()
    return valkey_url


@pytest.fixture(scope="session")
def sandbox_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """The sandbox of this test process; who uses it, resets it first."""
    with SandboxServer(tmp_path_factory.mktemp("sandbox")) as running:
        yield running
