"""A sandbox for tests: the real server, in a process of its own, on a free port."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from http.client import HTTPConnection
from pathlib import Path
from types import TracebackType
from typing import Any

IDLE_S = 30.0
"""After this long without a call, a new connection is opened."""


def free_port() -> int:
    """A port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SandboxError(Exception):
    """The sandbox answered with an error; `status` and `body` say which."""

    def __init__(self, status: int, body: str) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{status}: {body[:500]}")


class SandboxServer:
    """Start with `start()` or as a context manager. One connection, kept open; not for several threads at
    once.

    `call()` speaks to any route; the rest steers the sandbox through its control API.
    """

    def __init__(self, data_dir: Path, *, webhook_url: str | None = None, port: int | None = None) -> None:
        self.data_dir = data_dir
        self.webhook_url = webhook_url
        self.port = port or free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None
        self._connection: HTTPConnection | None = None
        self._used = 0.0
        self._properties_are_ours = False

    def start(self) -> SandboxServer:
        """Start it and wait until it answers."""
        command = [
            sys.executable,
            "-m",
            "syncworker.sandbox",
            "--port",
            str(self.port),
            "--data",
            str(self.data_dir),
        ]
        if self.webhook_url:
            command += ["--webhook-url", self.webhook_url]
        self._process = subprocess.Popen(command, env={**os.environ, "PYTHONUNBUFFERED": "1"})
        deadline = time.monotonic() + 60
        while True:
            try:
                self.get("/_sandbox/health")
                return self
            except OSError:
                self._drop_connection()
                if self._process.poll() is not None or time.monotonic() > deadline:
                    self.stop()
                    raise
                time.sleep(0.02)

    def stop(self) -> float:
        """Ask it to end, as a service manager would; the seconds it took."""
        self._drop_connection()
        began = time.monotonic()
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        return time.monotonic() - began

    def kill(self) -> None:
        """End it without warning."""
        self._drop_connection()
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, dict[str, str], bytes]:
        """One request: status, headers in lower case, body. A `str` or `bytes` body is sent as it is."""
        sent = dict(headers or {})
        if token:
            sent["Authorization"] = f"Bearer {token}"
        if body is not None and not isinstance(body, str | bytes):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        if time.monotonic() - self._used > IDLE_S:
            self._drop_connection()  # the server may be closing it just now
        self._used = time.monotonic()
        if path.startswith("/crm/properties") and method != "GET":
            self._properties_are_ours = False
        if self._connection is None:
            self._connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            self._connection.request(method, path, body.encode() if isinstance(body, str) else body, sent)
            answer = self._connection.getresponse()
            data = answer.read()
        except Exception:
            self._drop_connection()
            raise
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, data

    def json(self, method: str, path: str, body: object = None, *, token: str | None = None) -> Any:
        """The JSON of a good answer; raises SandboxError for the rest."""
        status, _, data = self.call(method, path, body, token=token)
        if status >= 300:
            raise SandboxError(status, data.decode(errors="replace"))
        return json.loads(data) if data else None

    def get(self, path: str, *, token: str | None = None) -> Any:
        """GET as JSON."""
        return self.json("GET", path, token=token)

    def post(self, path: str, body: object = None, *, token: str | None = None) -> Any:
        """POST as JSON."""
        return self.json("POST", path, {} if body is None else body, token=token)

    # --- the control API ---

    def portals(self) -> list[dict[str, Any]]:
        """All portals, with credentials and forms."""
        found: list[dict[str, Any]] = self.get("/_sandbox/portals")
        return found

    def reset(self, *, keep_properties: bool = False) -> None:
        """Empty portals, default settings, no faults, stats from zero. Properties stay only from one test that keeps
        them to the next: others may change them past this object, as HubSpot's clients do.
        """
        self.post("/_sandbox/reset", {"keep_properties": keep_properties and self._properties_are_ours})
        self._properties_are_ours = keep_properties

    def settings(self, hub_id: int, **changed: object) -> dict[str, Any]:
        """Change a portal's settings, such as `rate_limit=0` or `webhook_url=...`."""
        portal: dict[str, Any] = self.post(f"/_sandbox/portals/{hub_id}", changed)
        return portal

    def hold_nothing_back(self) -> None:
        """No limits, no lag of search, no webhooks: what a test asks for happens at once, and nothing else does."""
        self.faults(search_lag_s=0)
        for portal in self.portals():
            self.settings(portal["hub_id"], rate_limit=0, search_limit=0, webhook_url=None)

    def faults(self, **plan: object) -> None:
        """Set the fault plan (`http=`, `webhooks=`, `search_lag_s=`, `seed=`); without arguments, none."""
        self.post("/_sandbox/faults", plan)

    def move_clock(self, *, ahead_s: int) -> None:
        """Let it be later in the sandbox than it is by as much."""
        self.post("/_sandbox/clock", {"ahead_s": ahead_s})

    def stats(self) -> dict[str, Any]:
        """Calls by route and status, 429s, webhook outcomes."""
        found: dict[str, Any] = self.get("/_sandbox/stats")
        return found

    def reset_stats(self) -> None:
        """Count from zero."""
        self.post("/_sandbox/stats/reset")

    def calls(self, prefix: str = "") -> dict[str, int]:
        """Calls whose `METHOD route status` begins with `prefix`."""
        calls: dict[str, int] = self.stats()["calls"]
        return {key: count for key, count in calls.items() if key.startswith(prefix)}

    def seed(self, *, contacts: int = 0, companies: int = 0, seed: int = 1, **more: object) -> dict[str, Any]:
        """Fill a portal (`portal=` its hub id; the first by default)."""
        body = {"contacts": contacts, "companies": companies, "seed": seed, **more}
        made: dict[str, Any] = self.post("/_sandbox/seed", body)
        return made

    def submit(self, form_id: str, hub_id: int, **fields: str) -> None:
        """Submit a form as a visitor would."""
        body = {"fields": [{"objectTypeId": "0-1", "name": name, "value": value} for name, value in fields.items()]}
        self.post(f"/submissions/v3/integration/submit/{hub_id}/{form_id}", body)

    def create(self, hub_id: int, kind: str, properties: dict[str, str], **more: object) -> dict[str, Any]:
        """A CRM user creates a contact or company (`company=` the id of a contact's primary company)."""
        made: dict[str, Any] = self.post(f"/_sandbox/portals/{hub_id}/{kind}", {"properties": properties, **more})
        return made

    def edit(
        self, hub_id: int, kind: str, id_: str, properties: dict[str, str], *, by: str = "CRM_UI"
    ) -> dict[str, Any]:
        """A CRM user (or with `by="AUTOMATION_PLATFORM"` a workflow) changes a record."""
        body = {"properties": properties, "as": by}
        changed: dict[str, Any] = self.post(f"/_sandbox/portals/{hub_id}/{kind}/{id_}", body)
        return changed

    def record(self, hub_id: int, kind: str, id_: str) -> dict[str, Any]:
        """A record as it is now: `properties`, `associations`, `history`, `archived`."""
        found: dict[str, Any] = self.get(f"/_sandbox/portals/{hub_id}/{kind}/{id_}")
        return found

    def by_email(self, hub_id: int, email: str) -> dict[str, Any] | None:
        """A contact as it is now, or None."""
        found = self.get(f"/_sandbox/portals/{hub_id}/contacts?email={email}")["results"]
        return found[0] if found else None

    def by_domain(self, hub_id: int, domain: str) -> dict[str, Any] | None:
        """A company as it is now, or None."""
        found = self.get(f"/_sandbox/portals/{hub_id}/companies?domain={domain}")["results"]
        return found[0] if found else None

    def _drop_connection(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
