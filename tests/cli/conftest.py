"""The command line against a real database, Valkey and sandbox, called as a shell would call it."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import redis
import structlog
from typer.main import get_command
from typer.testing import CliRunner

from support.sandbox_server import SandboxServer
from syncworker import logs
from syncworker.cli.app import app
from syncworker.settings import Settings
from syncworker.store import portals
from syncworker.store.portals import Mode
from syncworker.store.secrets import PortalCredentials
from syncworker.sync.context import Context
from syncworker.sync.triggers import polling

COMMAND = get_command(app)
SECRET_KEY = "a key of the tests, thirty-two characters or more"
# So many that no test waits for quota.
MANY = 100_000


@dataclass(frozen=True)
class Answer:
    """What a command wrote, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def complaint(self) -> str:
        """The one line on standard error."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


Run = Callable[..., Answer]


@pytest.fixture
def sandbox(sandbox_server: SandboxServer) -> SandboxServer:
    sandbox_server.reset()
    sandbox_server.faults(search_lag_s=0)
    for portal in sandbox_server.portals():
        sandbox_server.settings(portal["hub_id"], rate_limit=MANY, search_limit=0, webhook_url=None)
    return sandbox_server


@pytest.fixture
def environment(
    database_url: str,
    redis_url: str,
    sandbox: SandboxServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> dict[str, str]:
    monkeypatch.chdir(tmp_path)
    values = {
        "SYNCWORKER_DATABASE_URL": database_url,
        "SYNCWORKER_REDIS_URL": redis_url,
        "SYNCWORKER_SECRET_KEY": SECRET_KEY,
        "SYNCWORKER_HUBSPOT_BASE_URL": sandbox.base_url,
        "SYNCWORKER_DATA_DIR": str(tmp_path / "data"),
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    with redis.Redis.from_url(redis_url) as client:
        # Empty, the shared rate limit would let the first calls of every test wait.
        for portal in (0, *(p["hub_id"] for p in sandbox.portals())):
            full = {"tokens": MANY, "at": client.time()[0], "limit": MANY}
            client.hset(f"hubspot:bucket:{portal}:api", mapping=full)
        # No command needs the processes; the doctor misses them.
        for role in ("web", "worker", "scheduler"):
            client.zadd("processes:alive", {f"{role}:here:1": client.time()[0] + 3600})
    return values


@pytest.fixture
def run(environment: dict[str, str]) -> Iterator[Run]:
    """Run `syncworker` with these arguments."""
    runner = CliRunner()

    def call(*arguments: object, stdin: str | None = None) -> Answer:
        # Not the runner's `invoke`: it makes all commands anew, which takes longer than most of them.
        with runner.isolation(input=stdin) as (out, err, _):
            with pytest.raises(SystemExit) as ended:
                COMMAND.main([str(one) for one in arguments], prog_name="syncworker")
            sys.stdout.flush()
            sys.stderr.flush()
            return Answer(int(ended.value.code or 0), out.getvalue().decode(), err.getvalue().decode())

    yield call
    structlog.reset_defaults()
    for handler in list(logging.getLogger().handlers):
        if isinstance(handler, logs.ToStandardError):
            logging.getLogger().removeHandler(handler)


@pytest.fixture
def context(environment: dict[str, str]) -> Iterator[Context]:
    made = Context(Settings(_env_file=None), pool_size=2)
    yield made
    made.close()


@dataclass
class Demo:
    """A portal of the sandbox, connected."""

    sandbox: SandboxServer
    context: Context
    hub_id: int
    about: dict[str, Any]

    def contact(self, domain: str = "nordlys.se", **changed: str) -> str:
        """A contact that may be registered, with its company; `changed` replaces fields of the contact."""
        company = self.sandbox.create(self.hub_id, "companies", {"name": "Nordlys AB", "domain": domain})
        fields = {
            "firstname": "Åsa",
            "lastname": "Ek",
            "email": f"asa@{domain}",
            "company": "Nordlys AB",
            "website": f"https://www.{domain}/",
        }
        made = self.sandbox.create(self.hub_id, "contacts", {**fields, **changed}, company=company["id"])
        return str(made["id"])

    @property
    def form(self) -> dict[str, Any]:
        return next(form for form in self.about["forms"] if form["auto_register"])


def connect(context: Context, sandbox: SandboxServer, number: int, mode: Mode = Mode.WRITE) -> Demo:
    """Connect a portal of the sandbox, without the calls to HubSpot that connecting takes."""
    about = sandbox.portals()[number]
    credentials = PortalCredentials(access_token=about["access_token"], client_secret=about["client_secret"])
    with context.database.transaction() as tx:
        portals.bind_to(tx, "sandbox")
        partner = portals.ensure_partner(
            tx, name=about["partner"], program="hubspot-solutions-partner", tier="gold", capacity=3
        )
        portals.add(
            tx,
            hub_id=about["hub_id"],
            partner=partner,
            name=about["name"],
            mode=mode,
            time_zone="Europe/Stockholm",
            ui_domain="app.hubspot.com",
            app_id=str(about["app_id"]),
            partner_company_id=None,
            sealed=context.secrets.seal(credentials),
        )
        polling.begin(tx, about["hub_id"], at=tx.now)
    return Demo(sandbox=sandbox, context=context, hub_id=about["hub_id"], about=about)


@pytest.fixture
def demo(context: Context, sandbox: SandboxServer) -> Demo:
    """The sandbox's first portal, connected in mode write, with a capacity of three."""
    return connect(context, sandbox, 0)


@pytest.fixture
def second(context: Context, sandbox: SandboxServer, demo: Demo) -> Demo:
    """The sandbox's second portal, of another partner, beside the first."""
    return connect(context, sandbox, 1)
