"""The whole of `syncworker up` as a user starts it, in an empty folder, on free ports."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import requests

from support.sandbox_server import SandboxServer, free_port

API_TOKEN = "a token for the operator API of these tests"


class Whole:
    """A running `syncworker up`, and the CRM user, visitor and operator who use it."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.folder = folder
        self.version = settings.get("hubspot_api_version", "2026-09")
        self.port = free_port()
        self.sandbox = SandboxServer(folder / "unused", port=free_port())
        own = {
            "SYNCWORKER_PORT": self.port,
            "SYNCWORKER_SANDBOX_PORT": self.sandbox.port,
            "SYNCWORKER_DATA_DIR": folder / "data",
            "SYNCWORKER_API_TOKEN": API_TOKEN,
            **{f"SYNCWORKER_{name.upper()}": value for name, value in settings.items()},
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("SYNCWORKER_")}
        self.environment = clean | {name: str(value) for name, value in own.items()}
        self.log = folder / "up.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, *options: str) -> Whole:
        with self.log.open("wb") as log:
            command = [sys.executable, "-m", "syncworker.cli", "up", *options]
            self._process = subprocess.Popen(
                command, cwd=self.folder, env=self.environment, stdout=log, stderr=subprocess.STDOUT
            )
        self.until(lambda: self._is_ready(), seconds=180)
        self.portals = self.sandbox.portals()
        self.hub, self.other_hub = (portal["hub_id"] for portal in self.portals)
        self.form = next(form["id"] for form in self.portals[0]["forms"] if form["auto_register"])
        return self

    def _is_ready(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, self.said()
        return b"syncworker runs" in self.log.read_bytes()

    def stop(self) -> float:
        """Ask it to stop; the seconds it took."""
        self.sandbox.stop()  # the connection to it: its process is not ours
        began = time.monotonic()
        if self._process is not None and self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)
        return time.monotonic() - began

    def said(self) -> str:
        return self.log.read_text(errors="replace")[-6000:]

    # --- what people do and see ---

    def submit(self, number: int, form: str | None = None) -> str:
        """A visitor of a company of its own submits the form; returns the email."""
        email = f"ada@firma-{number}-ab.se"
        self.sandbox.submit(
            form or self.form,
            self.hub,
            firstname="Ada",
            lastname=f"Berg {number}",
            email=email,
            company=f"Firma {number}",
            website=f"https://www.firma-{number}-ab.se",
            country="Sweden",
        )
        return email

    def contact(self, email: str, hub: int | None = None) -> dict[str, Any]:
        found = self.sandbox.by_email(hub or self.hub, email)
        return found["properties"] if found else {}

    def status(self, email: str) -> str | None:
        return self.contact(email).get("partner_registration_status")

    def api(self, method: str, path: str, **more: Any) -> Any:
        answer = requests.request(
            method,
            f"http://127.0.0.1:{self.port}/api/v1{path}",
            headers={"Authorization": f"Bearer {API_TOKEN}"},
            params={"portal": self.hub, **more.pop("params", {})},
            timeout=60,
            **more,
        )
        answer.raise_for_status()
        return answer.json()

    def until(self, holds: Callable[[], bool], *, seconds: float = 120.0) -> float:
        """Watch until it holds; the seconds it took."""
        began = time.monotonic()
        while not holds():
            if time.monotonic() - began > seconds:
                raise AssertionError(f"not within {seconds} s:\n{self.said()}")
            # Each look is a call to what is being watched: more of them would be a load of their own.
            time.sleep(0.1)
        return time.monotonic() - began


@contextmanager
def whole(*options: str, **settings: object) -> Iterator[Whole]:
    """Run it, and stop it."""
    # Not in pytest's folder: as root, PostgreSQL runs as a user that may not look in there.
    with tempfile.TemporaryDirectory(prefix="syncworker-whole-") as folder:
        running = Whole(Path(folder), **settings)
        try:
            yield running.start(*options)
        finally:
            took = running.stop()
            assert took < 30, f"stopping took {took} s"
