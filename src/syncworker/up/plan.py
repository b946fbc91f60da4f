"""What has to run on this machine, given the settings, and with what environment?"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

from pydantic import SecretStr

from syncworker.settings import PREFIX, Settings
from syncworker.up import postgres, valkey
from syncworker.up.attended import Process
from syncworker.up.consumers import Consumers
from syncworker.up.data_folder import DataFolder
from syncworker.up.guarded import Command

# One after the other, the stop times stay within the ten seconds that a stop may take.
_WEB_SECONDS = 1.5
_WORKER_SECONDS = 3.5
_SERVER_SECONDS = 1.0
_POSTGRES_SECONDS = 2.0

# A database that has met the sandbox refuses a real portal: the same data folder holds one for each.
_DATABASE = "syncworker"
_SANDBOX_DATABASE = "syncworker_sandbox"


@dataclass(frozen=True, slots=True)
class Needs:
    """Which servers have to be started because no setting says where they are."""

    postgres: bool
    valkey: bool
    sandbox: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """All that `syncworker up` runs, ready to be started."""

    servers: tuple[Process, ...]
    """Started first, side by side; stopped last, one after the other from the end."""
    preparation: Process
    """Runs once, beside the servers it waits for: the schema, the demo's portals."""
    worker: Process
    """Started when the preparation is done, beside the web process."""
    web: Process
    scheduler: Process
    """Started when the worker is ready, whose heartbeats its own look like. Stopped first."""
    published: Mapping[str, str]
    """What other commands need to know."""
    addresses: Mapping[str, str]
    """What the user wants to know."""


def needs(settings: Settings) -> Needs:
    """Say which servers no setting gives."""
    return Needs(
        postgres=settings.database_url is None,
        valkey=settings.redis_url is None,
        sandbox=not (settings.hubspot_access_token or settings.hubspot_refresh_token or settings.hubspot_base_url),
    )


def ports(settings: Settings) -> dict[str, int]:
    """Return the ports that must be free, by the setting that changes them."""
    wanted = {f"{PREFIX}PORT": settings.port}
    if needs(settings).sandbox:
        wanted[f"{PREFIX}SANDBOX_PORT"] = settings.sandbox_port
    return wanted


def make(settings: Settings, folder: DataFolder, *, worker_processes: int) -> Plan:
    """Make the plan, and on disk what it needs: database cluster, configuration, secrets.

    Takes about a second in a new folder. Raises EmbeddedMissingError, InitFailedError.
    """
    need = needs(settings)
    published: dict[str, str] = {}
    servers: list[Process] = []
    if need.postgres:
        process, published[f"{PREFIX}DATABASE_URL"] = _postgres(folder, sandbox=need.sandbox)
        servers.append(process)
    if need.valkey:
        process, published[f"{PREFIX}REDIS_URL"] = _valkey(folder)
        servers.append(process)
    sandbox_url = f"http://127.0.0.1:{settings.sandbox_port}"
    if need.sandbox:
        servers.append(_sandbox(settings, folder, sandbox_url))
        published[f"{PREFIX}HUBSPOT_BASE_URL"] = sandbox_url
    published[f"{PREFIX}SECRET_KEY"] = _revealed(settings.secret_key) or folder.kept_secret("secret_key")
    published[f"{PREFIX}API_TOKEN"] = _revealed(settings.api_token) or folder.kept_secret("api_token")

    environment = _environment(settings, folder, published)
    redis_url = settings.redis_url or published[f"{PREFIX}REDIS_URL"]
    web_url = f"http://127.0.0.1:{settings.port}"
    addresses = {"Sandbox": f"{sandbox_url}/"} if need.sandbox else {}
    addresses |= {
        "Pages": f"{web_url}/",
        "Operator API": f"{web_url}/openapi.json",
        "Health": f"{web_url}/health/ready",
        "Data": str(folder.path),
    }
    return Plan(
        servers=tuple(servers),
        preparation=_preparation(environment, sandbox_url if need.sandbox else None),
        worker=_worker(environment, redis_url, worker_processes),
        web=_web(environment, web_url),
        scheduler=_scheduler(environment),
        published=published,
        addresses=addresses,
    )


def _environment(settings: Settings, folder: DataFolder, published: Mapping[str, str]) -> dict[str, str]:
    """Our own environment, and what we know better: the children read the same `.env` as we did."""
    return {
        **os.environ,
        **published,
        f"{PREFIX}PORT": str(settings.port),
        f"{PREFIX}SANDBOX_PORT": str(settings.sandbox_port),
        f"{PREFIX}DATA_DIR": str(folder.path),
        "PYTHONUNBUFFERED": "1",  # a line is shown when it is written
    }


def _postgres(folder: DataFolder, *, sandbox: bool) -> tuple[Process, str]:
    cluster = postgres.prepare(folder.path / "postgres")
    database = _SANDBOX_DATABASE if sandbox else _DATABASE
    return Process(
        name="postgres",
        command=cluster.command(),
        ready=lambda: postgres.accepts(cluster.url("postgres"), create=database),
        # Seen: killed in the middle of a recovery, and asked to stop, it went on refusing connections for ever.
        answers=lambda: postgres.lives(cluster.url("postgres")),
        log=folder.log("postgres"),
        stop_seconds=_POSTGRES_SECONDS,
    ), cluster.url(database)


def _valkey(folder: DataFolder) -> tuple[Process, str]:
    server = valkey.prepare(folder.path / "valkey")
    return Process(
        name="valkey",
        command=server.command(),
        ready=lambda: valkey.accepts(server.url),
        answers=lambda: valkey.accepts(server.url),
        log=folder.log("valkey"),
        stop_seconds=_SERVER_SECONDS,
    ), server.url


def _sandbox(settings: Settings, folder: DataFolder, url: str) -> Process:
    data = folder.path / "sandbox"
    data.mkdir(exist_ok=True)
    options = (
        "--port",
        str(settings.sandbox_port),
        "--data",
        str(data),
        "--webhook-url",
        settings.webhook_url,
    )
    return Process(
        name="sandbox",
        command=Command(
            argv=(sys.executable, "-m", "syncworker.sandbox", *options),
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        ),
        ready=lambda: answers(f"{url}/_sandbox/stats"),
        stop_seconds=_SERVER_SECONDS,
    )


def _preparation(environment: Mapping[str, str], sandbox_url: str | None) -> Process:
    arguments = (sandbox_url,) if sandbox_url else ()
    return Process(
        name="prepare",
        command=Command(argv=(sys.executable, "-m", "syncworker.up.prepare", *arguments), env=environment),
    )


def _worker(environment: Mapping[str, str], redis_url: str, processes: int) -> Process:
    # Threads finish what they are at; what they cannot finish runs again when its lease is over.
    drain_ms = str(int((_WORKER_SECONDS - 1.0) * 1000))
    options = ("--processes", str(processes), "--threads", "8", "--worker-shutdown-timeout", drain_ms)
    return Process(
        name="worker",
        command=Command(argv=(sys.executable, "-m", "dramatiq", "actors", *options), env=environment),
        ready=Consumers(redis_url, processes=processes).are_ready,
        stop_seconds=_WORKER_SECONDS,
    )


def _scheduler(environment: Mapping[str, str]) -> Process:
    # periodiq has no `-m`, and its script is not beside every Python that can import it.
    program = "import sys; from periodiq import entrypoint; sys.exit(entrypoint())"
    return Process(
        name="scheduler",
        command=Command(argv=(sys.executable, "-c", program, "actors"), env=environment),
        stop_seconds=_SERVER_SECONDS,
    )


def _web(environment: Mapping[str, str], url: str) -> Process:
    return Process(
        name="web",
        command=Command(argv=(sys.executable, "-m", "syncworker.cli", "web"), env=environment),
        ready=lambda: answers(f"{url}/health/ready"),
        answers=lambda: answers(f"{url}/health/live"),
        stop_seconds=_WEB_SECONDS,
    )


def answers(url: str) -> bool:
    """Whether a GET of `url` is answered with success."""
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310 - an address of this machine that we made
            return bool(answer.status < 300)
    except (URLError, OSError):
        return False


def _revealed(secret: SecretStr | None) -> str | None:
    return secret.get_secret_value() if secret else None
