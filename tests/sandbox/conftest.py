"""The sandbox under test: one process for all tests, reset for each; and a receiver of webhooks."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from support.sandbox_server import SandboxServer

JsonObject = dict[str, Any]


class Portal:
    """A portal as an app sees it: a token and two spellings of every path."""

    def __init__(self, server: SandboxServer, about: JsonObject, *, version: str = "2026-09") -> None:
        self.server = server
        self.about = about
        self.hub_id: int = about["hub_id"]
        self.token: str = about["access_token"]
        self.forms: list[JsonObject] = about["forms"]
        self.version = version

    def objects(self, rest: str) -> str:
        return f"/crm/v3/objects/{rest}" if self.version == "v3" else f"/crm/objects/{self.version}/{rest}"

    def links(self, rest: str) -> str:
        return f"/crm/v4/{rest}" if self.version == "v3" else self._dated(rest)

    def properties(self, rest: str) -> str:
        return f"/crm/v3/properties/{rest}" if self.version == "v3" else f"/crm/properties/{self.version}/{rest}"

    def _dated(self, rest: str) -> str:
        area, _, more = rest.partition("/")
        return f"/crm/{area}/{self.version}/{more}"

    def call(self, method: str, path: str, body: object = None) -> tuple[int, JsonObject]:
        status, _, data = self.server.call(method, path, body, token=self.token)
        return status, json.loads(data) if data[:1] in (b"{", b"[") else {}

    def contact(self, **properties: str) -> str:
        status, made = self.call("POST", self.objects("contacts"), {"properties": properties})
        assert status == 201, made
        return str(made["id"])

    def company(self, **properties: str) -> str:
        status, made = self.call("POST", self.objects("companies"), {"properties": properties})
        assert status == 201, made
        return str(made["id"])

    def update(self, id_: str, **properties: str) -> int:
        return self.call("PATCH", self.objects(f"contacts/{id_}"), {"properties": properties})[0]

    def define(self, name: str, kind: str = "contacts", **more: object) -> int:
        definition = {
            "name": name,
            "label": name,
            "type": "string",
            "fieldType": "text",
            "groupName": "contactinformation" if kind == "contacts" else "companyinformation",
            **more,
        }
        return self.call("POST", self.properties(kind), definition)[0]

    def search(self, kind: str = "contacts", **body: object) -> tuple[int, JsonObject]:
        return self.call("POST", self.objects(f"{kind}/search"), body)


@pytest.fixture
def sandbox(sandbox_server: SandboxServer) -> SandboxServer:
    sandbox_server.reset()
    sandbox_server.faults(search_lag_s=0)
    return sandbox_server


@pytest.fixture
def portal(sandbox: SandboxServer) -> Portal:
    return Portal(sandbox, sandbox.portals()[0])


@pytest.fixture
def other_portal(sandbox: SandboxServer) -> Portal:
    return Portal(sandbox, sandbox.portals()[1])


@pytest.fixture(params=["v3", "2026-03", "2026-09"])
def spelt(request: pytest.FixtureRequest, sandbox: SandboxServer) -> Portal:
    """The first portal, in each spelling of the paths."""
    return Portal(sandbox, sandbox.portals()[0], version=request.param)


class Receiver:
    """Listens for webhooks. `answer` decides the status of each POST; what came is in `posts`."""

    def __init__(self) -> None:
        self.posts: list[tuple[dict[str, str], bytes]] = []
        self.answer: Callable[[int], int] = lambda _number: 200
        self.arrived = threading.Condition()  # its lock is reentrant
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver.arrived:
                    number = len(receiver.posts)
                    receiver.posts.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    receiver.arrived.notify_all()
                self.send_response(receiver.answer(number))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/webhooks/hubspot?from=a%20b"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def stop(self) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def events(self) -> list[JsonObject]:
        with self.arrived:
            return [event for _, body in self.posts for event in json.loads(body)]

    def wait(self, enough: Callable[[list[JsonObject]], bool], *, seconds: float = 60.0) -> list[JsonObject]:
        """The events, as soon as there are enough of them."""
        with self.arrived:
            assert self.arrived.wait_for(lambda: enough(self.events()), seconds), self.events()
            return self.events()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    listening = Receiver()
    yield listening
    listening.stop()


@pytest.fixture
def heard(portal: Portal, receiver: Receiver) -> Iterator[Receiver]:
    """The receiver, with the first portal's webhooks coming in."""
    portal.server.settings(portal.hub_id, webhook_url=receiver.url)
    yield receiver
    portal.server.settings(portal.hub_id, webhook_url=None)
