"""The commands that run until they are told to stop."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from support.processes import eventually
from support.sandbox_server import free_port


@contextmanager
def running(environment: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "syncworker.cli", *arguments]
    process = subprocess.Popen(
        command, env={"PATH": os.environ["PATH"], **environment}, stderr=subprocess.PIPE, text=True
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def answers(url: str) -> bool:
    try:
        with urlopen(url, timeout=2) as answer:  # noqa: S310 - an address of this machine
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def test_web_serves_on_its_port_and_stops_when_told(environment: dict[str, str]) -> None:
    port = free_port()
    with running({**environment, "SYNCWORKER_PORT": str(port)}, "web") as process:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/health/ready"))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert "Traceback" not in said


def test_the_sandbox_runs_alone(tmp_path: Path) -> None:
    port = free_port()
    with running({}, "sandbox", "--port", str(port), "--data", str(tmp_path / "hubspot")) as process:
        eventually(lambda: answers(f"http://127.0.0.1:{port}/_sandbox/portals"))
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=60)
    assert f"http://127.0.0.1:{port}/" in said
