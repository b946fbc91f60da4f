"""How does one run go: load and faults by the schedule, then quiet, then the reckoning?"""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from faults import invariants
from faults.breaking import Breaker
from faults.deployment import Deployment
from faults.load import Load
from faults.schedule import Step, of_seed
from faults.truth import Crm, Ledger, read_crm, read_ledger

CAPACITY = 60
RECOVERY_SECONDS = 300.0
"""How long is waited before it is called lost. What is seen is a fraction of it, and is told."""

Say = Callable[[str], None]


@dataclass(slots=True)
class Outcome:
    """What a run came to. `wrong` is empty where everything held."""

    seed: int
    seconds: float
    wrong: list[str] = field(default_factory=list)
    recovery_seconds: float | None = None
    done: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)
    broken: Counter[str] = field(default_factory=Counter)
    registrations: int = 0
    requests: int = 0
    parked: int = 0

    def __str__(self) -> str:
        recovered = f"{self.recovery_seconds:.1f} s" if self.recovery_seconds is not None else "not at all"
        held = "held" if not self.wrong else "DID NOT HOLD"
        lines = [
            f"seed {self.seed}, {self.seconds:g} s: {held}; recovered {recovered} after the last fault",
            f"  done: {_counted(self.done)}; not possible then: {_counted(self.left_out)}",
            f"  broken: {_counted(self.broken)}",
            f"  {self.requests} requests, {self.registrations} registrations, {self.parked} parked for a person",
            *(f"  WRONG: {line}" for line in self.wrong[:40]),
        ]
        if len(self.wrong) > 40:
            lines.append(f"  and {len(self.wrong) - 40} more")
        return "\n".join(lines)


def run(seed: int, *, seconds: float, thorough: bool = False, say: Say = print) -> Outcome:
    """Run a seed. Leaves its folder where something was wrong, and says where."""
    outcome = Outcome(seed=seed, seconds=seconds)
    # Not in pytest's folder: as root, PostgreSQL runs as a user that may not look in there.
    folder = Path(tempfile.mkdtemp(prefix="syncworker-faults-"))
    deployment = Deployment(folder, partner_capacity=CAPACITY, undo_seconds=3, poll_seconds=5, crm_deregister="allow")
    try:
        deployment.begin()
        _Run(deployment, outcome, say).go(thorough=thorough)
    finally:
        deployment.stop()
    if outcome.wrong:
        say(f"its data and logs are left in {folder}")
    else:
        shutil.rmtree(folder)
    return outcome


class _Run:
    def __init__(self, deployment: Deployment, outcome: Outcome, say: Say) -> None:
        self.deployment = deployment
        self.outcome = outcome
        self.say = say
        self.began = time.monotonic()
        self.failed: list[str] = []
        self.breaker = Breaker(deployment)
        self.load = Load(deployment)
        self.capacities: dict[int, int] = {}

    def go(self, *, thorough: bool) -> None:
        schedule = of_seed(self.outcome.seed, seconds=self.outcome.seconds, thorough=thorough)
        self.breaker.let_the_clock_jump()
        self.capacities = self._capacities()
        self._release_the_brake()
        for hub_id in (self.deployment.hub, self.deployment.other_hub):
            # HubSpot's ten tries take a day; here they have to be over when the reckoning comes.
            self.deployment.sandbox.settings(hub_id, webhook_retry_base_s=0.05)
        self.began = time.monotonic()
        timelines = [
            threading.Thread(target=self._follow, args=(schedule.load, self.load.do, False), daemon=True),
            threading.Thread(target=self._follow, args=(schedule.breaks, self.breaker.do, True), daemon=True),
            threading.Thread(target=self._follow, args=(schedule.absences, self.breaker.do, True), daemon=True),
            threading.Thread(target=self._keep_weather, args=(schedule.weather,), daemon=True),
        ]
        for timeline in timelines:
            timeline.start()
        for timeline in timelines:
            timeline.join()
        self.outcome.wrong += self.failed
        self.breaker.set_weather({"seed": 0})
        self._recover()
        self.outcome.done, self.outcome.left_out = self.load.done, self.load.left_out
        self.load.close()
        self.breaker.close()

    def _follow(self, steps: tuple[Step, ...], do: Callable[[Step], None], told: bool) -> None:
        for step in steps:
            left = step.at - (time.monotonic() - self.began)
            if left > 0:
                time.sleep(left)
            elif left < -30:
                continue  # the machine is slower than the schedule: better less than all at once
            if told:
                self.outcome.broken[step.what] += 1
                self.say(f"{time.monotonic() - self.began:6.1f} s  {step.what} {step.seconds or '':.4}")
            try:
                do(step)
            except Exception:  # noqa: BLE001 - the outermost loop of a thread: whatever it is, it is told
                self.failed.append(f"the runner failed at {step}: {traceback.format_exc()}")

    def _keep_weather(self, steps: tuple[Step, ...]) -> None:
        for step in steps:
            self.say(f"{step.at:6.1f} s  weather {step.weather}")
            self.breaker.set_weather(step.weather)
            while time.monotonic() - self.began < step.at + step.seconds:
                time.sleep(0.5)
                self.breaker.keep_weather()

    def _recover(self) -> None:
        began = told = time.monotonic()
        while True:
            try:
                crm, ledger = self._look()
                left = invariants.outstanding(crm, ledger) or self._wrong(crm, ledger)
            except psycopg.OperationalError as error:
                left = [f"the database is away: {error}"]
            took = time.monotonic() - began
            if not left:
                self.outcome.recovery_seconds = took
                break
            if took > RECOVERY_SECONDS:
                self.outcome.wrong += [f"after {took:.0f} s: {line}" for line in left]
                break
            if time.monotonic() - told > 10:
                told = time.monotonic()
                self.say(f"{took:6.1f} s after the last fault: {len(left)} left, such as {left[0][:300]}")
            time.sleep(1.0)
        crm, ledger = self._look()
        self.outcome.registrations = len(ledger.registrations)
        self.outcome.requests = len(ledger.requests)
        self.outcome.parked = sum(mark["parked_at"] is not None for mark in ledger.marks)

    def _look(self) -> tuple[Crm, Ledger]:
        crm = read_crm(self.deployment.crm)
        crm.erased = self.load.erased
        with self.deployment.postgres() as connection:
            return crm, read_ledger(connection)

    def _capacities(self) -> dict[int, int]:
        """The capacity of each partner, by its id."""
        with self.deployment.postgres() as connection:
            portals = read_ledger(connection).portals
        limits = {}
        for hub_id, portal in portals.items():
            answer = self.deployment.api("GET", "/capacity", params={"portal": hub_id})
            limits[portal["partner_id"]] = answer["limit"]
        return limits

    def _release_the_brake(self) -> None:
        """This hour is known to be a wild one: people deregister, delete and overwrite more than in everyday life."""
        with self.deployment.postgres() as connection:
            connection.execute(
                "INSERT INTO brakes (hub_id, released_until) SELECT hub_id, now() + interval '50 minutes' FROM portals "
                "ON CONFLICT (hub_id) DO UPDATE SET released_until = excluded.released_until"
            )

    def _wrong(self, crm: Crm, ledger: Ledger) -> list[str]:
        return invariants.violations(crm, ledger, capacities=self.capacities)


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{count} {what}" for what, count in sorted(counts.items())) or "nothing"
