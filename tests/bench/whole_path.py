"""What does a part of the benchmark run in that measures the whole path? A portal without limits, lag or webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from support import services
from support.rig import Rig
from support.sandbox_server import SandboxServer
from syncworker.store import migrate


@contextmanager
def whole_path(folder: Path, *, capacity: int, contacts: int = 0, durable: bool = False) -> Iterator[Rig]:
    """Servers of its own, and two portals; the first has so many contacts before it is connected."""
    with (
        services.start_postgres(folder / "postgres", durable=durable) as server,
        services.start_valkey(folder / "valkey") as redis_url,
        SandboxServer(folder / "sandbox") as sandbox,
    ):
        database_url = services.create_database(server, "bench")
        migrate.upgrade(database_url)
        sandbox.hold_nothing_back()
        if contacts:
            sandbox.seed(contacts=contacts, portal=sandbox.portals()[0]["hub_id"])
        with closing(Rig(sandbox, database_url, redis_url, partner_capacity=capacity)) as rig:
            yield rig
