"""How much of HubSpot's ten-second limit do four processes use together, and is it ever exceeded?

Each process has the client and the limiter that a worker has, and calls as fast as they let it.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from bench.figure import Figure, at_least
from support import services
from support.quota_users import User, using
from support.sandbox_server import SandboxServer

PROCESSES = 4
LIMIT = 190
SECONDS = 20.0
# The bucket of the first seconds holds what was saved up while the processes started.
SETTLED_S = 2.0
TARGET = 0.95


def quota() -> list[Figure]:
    """The calls that the sandbox saw, and its 429s, while four processes call as fast as they may."""
    with (
        tempfile.TemporaryDirectory(prefix="syncworker-bench-") as folder,
        services.start_valkey(Path(folder) / "valkey") as redis_url,
        SandboxServer(Path(folder) / "sandbox") as sandbox,
    ):
        portal = sandbox.portals()[0]
        hub_id = portal["hub_id"]
        sandbox.seed(contacts=300, companies=10, portal=hub_id)
        sandbox.settings(hub_id, rate_limit=LIMIT, daily_limit=0, webhook_url=None)
        user = User(base_url=sandbox.base_url, redis_url=redis_url, hub_id=hub_id, token=portal["access_token"])
        with using([user] * PROCESSES, seconds=SECONDS) as results:
            time.sleep(SETTLED_S)
            before, began = sum(sandbox.calls("GET /crm").values()), time.monotonic()
            time.sleep(SECONDS - 2 * SETTLED_S)
            calls, took = sum(sandbox.calls("GET /crm").values()) - before, time.monotonic() - began
            used = [results.get(timeout=60) for _ in range(PROCESSES)]
        refused = sandbox.stats()["rate_limited"]
    rate, floor = calls / took, LIMIT / 10
    return [
        Figure(
            name=f"calls by {PROCESSES} worker processes at {LIMIT} per 10 s; floor: the limit itself",
            value=rate,
            unit="calls/s",
            floor=floor,
            **at_least(TARGET, rate / floor),
        ),
        Figure(
            name="answers 429 meanwhile",
            value=refused + sum(one.failed for one in used),
            unit="answers",
            target="none",
            met=refused == 0 and not any(one.failed for one in used),
        ),
    ]
