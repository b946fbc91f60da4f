"""How long after a `kill -9` is a lead registered that somebody asked for just before it?

Through all processes of `syncworker up`, one kind of process after the other. No floor: what is promised is a minute.
"""

from __future__ import annotations

import tempfile
import time
from http.client import HTTPException
from pathlib import Path

from bench.figure import Figure, at_most
from faults.breaking import Breaker
from faults.deployment import Deployment
from faults.schedule import Step
from support.sandbox_server import SandboxError

KINDS = (
    "kill_worker",
    "kill_all_workers",
    "kill_web",
    "kill_scheduler",
    "kill_guard",
    "kill_postgres",
    "kill_a_connection",
    "kill_valkey",
    "flush_valkey",
    "kill_sandbox",
    "kill_up",
)
FORMS, GAP_S = 10, 0.1
PROMISED_S, MOST_S = 60.0, 180.0
_AWAY = (OSError, HTTPException, SandboxError)


def recovery(*, rounds: int) -> list[Figure]:
    """Ten forms within a second, and in the middle of them the kill: until the CRM shows all ten."""
    worst = dict.fromkeys(KINDS, 0.0)
    # Not in a folder of the benchmark: as root, PostgreSQL runs as a user that may not look in there.
    with tempfile.TemporaryDirectory(prefix="syncworker-recovery-") as folder:
        deployment = Deployment(Path(folder), partner_capacity=10_000)
        deployment.begin()
        breaker = Breaker(deployment)
        try:
            for number, what in enumerate(KINDS * rounds):
                worst[what] = max(worst[what], _recovered(deployment, breaker, what, number))
        finally:
            breaker.close()
            deployment.stop()
    return [
        Figure(
            name=f"from {what.replace('_', ' ')} to ten forms registered, slowest of {rounds}",
            value=seconds,
            unit="s",
            **at_most(PROMISED_S, seconds, " s"),
        )
        for what, seconds in worst.items()
    ]


def _recovered(deployment: Deployment, breaker: Breaker, what: str, number: int) -> float:
    emails: list[str] = []
    killed = 0.0
    for n in range(FORMS):
        if n == FORMS // 2:
            breaker.do(Step(at=0.0, what=what, dice=number))
            killed = time.monotonic()
        emails.append(_submitted(deployment, number * FORMS + n))
        time.sleep(GAP_S)
    deployment.until(lambda: all(_status(deployment, email) == "registered" for email in emails), seconds=MOST_S)
    return time.monotonic() - killed


def _submitted(deployment: Deployment, number: int) -> str:
    """A visitor submits, again where HubSpot was away."""
    while True:
        try:
            return deployment.submit(number)
        except _AWAY:
            time.sleep(GAP_S)


def _status(deployment: Deployment, email: str) -> str | None:
    try:
        return deployment.status(email)
    except _AWAY:
        return None
