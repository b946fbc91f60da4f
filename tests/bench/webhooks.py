"""How many webhooks does the web process take, each verified and durable before its answer?"""

from __future__ import annotations

import json
import statistics
import time
from pathlib import Path

from bench.figure import Figure, at_least, under
from bench.load import Load, load
from bench.serving import serving
from support import services
from support.sandbox_server import free_port
from syncworker.sandbox import signing
from syncworker.settings import Settings
from syncworker.store import migrate, portals
from syncworker.store.portals import Mode
from syncworker.store.secrets import PortalCredentials
from syncworker.sync.context import Context

CONNECTIONS = 10
EVENTS = 100
BODIES = 200
HUB = 4_711
CLIENT_SECRET = "the client secret of the benchmark's app"
SECRET_KEY = "a secret key for the benchmark, long enough"


def webhooks(folder: Path, *, seconds: float, rounds: int) -> list[Figure]:
    """A hundred events a request, ten connections; each round measures ours and then the floor."""
    with (
        services.start_postgres(folder / "postgres-webhooks", durable=True) as server,
        services.start_valkey(folder / "valkey-webhooks") as redis_url,
    ):
        database_url = services.create_database(server, "webhooks")
        migrate.upgrade(database_url)
        port, floor_port = free_port(), free_port()
        settings = {
            "SYNCWORKER_DATABASE_URL": database_url,
            "SYNCWORKER_REDIS_URL": redis_url,
            "SYNCWORKER_SECRET_KEY": SECRET_KEY,
            "SYNCWORKER_PORT": str(port),
            "SYNCWORKER_DATA_DIR": str(folder / "data-webhooks"),
        }
        target = _connect(database_url, redis_url, port)
        ours, floor = [], []
        with (
            serving(["-m", "syncworker.cli", "web"], settings, f"http://127.0.0.1:{port}/health/live"),
            serving(["-m", "bench.floor_app", str(floor_port), database_url], {}, f"http://127.0.0.1:{floor_port}/"),
        ):
            for warming in (True, *[False] * rounds):
                lasts = 1.0 if warming else seconds
                mine = load(port, _requests(target), connections=CONNECTIONS, seconds=lasts)
                bare = load(floor_port, _requests(target), connections=CONNECTIONS, seconds=lasts)
                if not warming:
                    ours.append(mine)
                    floor.append(bare)
    return _figures(ours, floor)


def _figures(ours: list[Load], floor: list[Load]) -> list[Figure]:
    rate = statistics.median(one.per_second for one in ours)
    bare = statistics.median(one.per_second for one in floor)
    p99 = statistics.median(one.p99_ms for one in ours)
    bare_p99 = statistics.median(one.p99_ms for one in floor)
    what = f"webhook POST of {EVENTS} events, verified and durable, {CONNECTIONS} connections"
    return [
        Figure(
            name=f"{what}; floor: the same server, one INSERT and commit each",
            value=rate,
            unit="requests/s",
            floor=bare,
            **at_least(0.5, rate / bare, " of the floor"),
        ),
        Figure(
            name="the same, p99 of the answer",
            value=p99,
            unit="ms",
            floor=bare_p99,
            **under(150, p99, " ms"),
        ),
    ]


def _connect(database_url: str, redis_url: str, port: int) -> str:
    """Connect a portal that nobody calls; return the address its webhooks are signed for."""
    values: dict[str, object] = {
        "database_url": database_url,
        "redis_url": redis_url,
        "secret_key": SECRET_KEY,
        "port": port,
    }
    settings = Settings(_env_file=None, **values)  # type: ignore[call-arg,arg-type] # pydantic-settings' own argument
    context = Context(settings)
    try:
        with context.database.transaction() as tx:
            partner = portals.ensure_partner(
                tx, name="bench", program="hubspot-solutions-partner", tier="gold", capacity=None
            )
            portals.add(
                tx,
                hub_id=HUB,
                partner=partner,
                name="bench",
                mode=Mode.WRITE,
                time_zone="UTC",
                ui_domain="app.hubspot.com",
                app_id="1",
                partner_company_id=None,
                sealed=context.secrets.seal(PortalCredentials(access_token="t", client_secret=CLIENT_SECRET)),
            )
    finally:
        context.close()
    return settings.webhook_url


def _requests(target: str) -> list[bytes]:
    """Raw requests, signed just now, each of a hundred property changes of as many contacts."""
    made = []
    for number in range(BODIES):
        body = json.dumps([_event(number * EVENTS + at) for at in range(EVENTS)]).encode()
        signed = signing.headers(CLIENT_SECRET, uri=target, body=body, timestamp=int(time.time() * 1000))
        head = {
            "Host": "127.0.0.1",
            "Content-Type": "application/json",
            "User-Agent": "HubSpot Connect 2.0 (http://dev.hubspot.com/) (namespace: webhooks-nio-http-client)",
            "Content-Length": str(len(body)),
            **signed,
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        made.append(f"POST /webhooks/hubspot HTTP/1.1\r\n{lines}\r\n".encode() + body)
    return made


def _event(number: int) -> dict[str, object]:
    return {
        "eventId": 3_816_279_340 + number,
        "subscriptionId": 25 + number % 5,
        "portalId": HUB,
        "appId": 1,
        "occurredAt": 1_742_077_073_905 + number,
        "subscriptionType": "contact.propertyChange",
        "attemptNumber": 0,
        "objectId": 1_000_000 + number,
        "propertyName": "website",
        "propertyValue": f"https://www.firma-{number}-ab.se",
        "changeSource": "CRM_UI",
        "sourceId": "userId:9586504",
    }
