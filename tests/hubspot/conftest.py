"""A HubSpot that answers what a test tells it to, over real HTTP; and clients that speak with it."""

from __future__ import annotations

import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from support.sandbox_server import SandboxServer
from syncworker.hubspot.client import HubSpotClient
from syncworker.hubspot.credentials import StaticToken
from syncworker.hubspot.quota import Told
from syncworker.hubspot.records import CallMade


@dataclass
class Asked:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)


@dataclass
class Stub:
    """Answers in the order they were told; the last one again and again."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[Callable[[BaseHTTPRequestHandler], None]] = field(default_factory=list)
    connections: set[tuple[str, int]] = field(default_factory=set)
    release: threading.Event = field(default_factory=threading.Event)

    def says(self, body: object, status: int = 200, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(status)
            for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
                handler.send_header(name, value)
            handler.send_header("Content-Length", str(len(raw)))
            handler.end_headers()
            handler.wfile.write(raw)

        self.answers.append(answer)

    def resets(self) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            # Linger 0: closing sends a reset instead of a goodbye.
            handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            handler.close_connection = True

        self.answers.append(answer)

    def truncates(self) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.wfile.write(b'{"results": [')
            handler.close_connection = True

        self.answers.append(answer)

    def hangs(self) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            self.release.wait(60)
            handler.close_connection = True

        self.answers.append(answer)

    def trickles(self) -> None:
        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", "1000")
            handler.end_headers()
            handler.close_connection = True
            try:
                while not self.release.wait(0.05):
                    handler.wfile.write(b" ")
                    handler.wfile.flush()
            except OSError:
                return

        self.answers.append(answer)


@pytest.fixture
def stub() -> Iterator[Stub]:
    stub = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def answer(self) -> None:
            stub.connections.add(self.client_address)
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            headers = {name.lower(): value for name, value in self.headers.items()}
            stub.asked.append(Asked(self.command, self.path, headers, body))
            answer = stub.answers[0] if len(stub.answers) == 1 else stub.answers.pop(0)
            answer(self)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815 the server's names

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield stub
    stub.release.set()
    server.shutdown()
    thread.join()
    server.server_close()


class FreeLimiter:
    """Lets every call pass, and notes what it was told."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.lanes: list[str] = []
        self.learned: list[Told] = []
        self.paused: list[tuple[str, float]] = []

    def take(self, hub_id: int, bucket: str, *, wait_s: float, lane: str = "interactive") -> None:
        self.taken.append(bucket)
        self.lanes.append(lane)

    def learn(self, hub_id: int, told: Told) -> None:
        self.learned.append(told)

    def penalise(self, hub_id: int, bucket: str, *, pause_s: float) -> None:
        self.paused.append((bucket, pause_s))


@pytest.fixture
def limiter() -> FreeLimiter:
    return FreeLimiter()


@pytest.fixture
def calls() -> list[CallMade]:
    return []


@pytest.fixture
def client_for(limiter: FreeLimiter, calls: list[CallMade]) -> Iterator[Callable[..., HubSpotClient]]:
    made: list[HubSpotClient] = []

    def make(url: str, **options: object) -> HubSpotClient:
        chosen: dict = {
            "hub_id": 1,
            "api_version": "2026-09",
            "credentials": StaticToken("token"),
            "limiter": limiter,
            "on_call": calls.append,
            "timeout_s": 1.0,
            # The waits between attempts are the retries' tests' concern.
            "sleep": lambda seconds: None,
        }
        client = HubSpotClient(base_url=url, **(chosen | options))
        made.append(client)
        return client

    yield make
    for client in made:
        client.close()


@pytest.fixture
def client(stub: Stub, client_for: Callable[..., HubSpotClient]) -> HubSpotClient:
    return client_for(stub.url)


@pytest.fixture
def sandbox(sandbox_server: SandboxServer) -> SandboxServer:
    sandbox_server.reset()
    return sandbox_server


@pytest.fixture(params=["2026-09", "v3"])
def portal(
    request: pytest.FixtureRequest, sandbox: SandboxServer, client_for: Callable[..., HubSpotClient]
) -> HubSpotClient:
    """The sandbox's first portal, once in each spelling of the API."""
    demo = sandbox.portals()[0]
    return client_for(
        sandbox.base_url,
        hub_id=demo["hub_id"],
        credentials=StaticToken(demo["access_token"]),
        api_version=request.param,
        timeout_s=10.0,
    )
