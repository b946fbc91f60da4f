"""How is each thing broken, and how is it mended again?"""

from __future__ import annotations

import random
import signal
import time
from collections.abc import Callable
from http.client import HTTPException

import psycopg
import redis

from faults.deployment import Deployment, children, send
from faults.schedule import Step, Weather
from support.processes import eventually
from support.sandbox_server import SandboxError


class Breaker:
    """Breaks a deployment, one thing at a time."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.weather: Weather = {}
        self._sandbox = deployment.client()
        self._ways: dict[str, Callable[[random.Random, float], None]] = {
            "kill_worker": self._kill_worker,
            "kill_all_workers": lambda dice, seconds: self._kill("worker"),
            "kill_web": lambda dice, seconds: self._kill("web"),
            "kill_scheduler": lambda dice, seconds: self._kill("scheduler"),
            "kill_guard": self._kill_guard,
            "kill_postgres": lambda dice, seconds: self._kill("postgres"),
            "kill_a_connection": self._kill_a_connection,
            "restart_postgres": self._restart_postgres,
            "postgres_refuses": self._postgres_refuses,
            "postgres_hangs": lambda dice, seconds: self._hang("postgres", seconds),
            "kill_valkey": lambda dice, seconds: self._kill("valkey"),
            "flush_valkey": self._flush_valkey,
            "valkey_gone": self._valkey_gone,
            "valkey_hangs": lambda dice, seconds: self._hang("valkey", seconds),
            "kill_sandbox": lambda dice, seconds: self._kill("sandbox"),
            "kill_up": self._kill_up,
            "token_revoked": self._token_revoked,
            "clock_jumps": self._clock_jumps,
        }

    def do(self, step: Step) -> None:
        """Break it, leave it so for its time, mend it."""
        self._ways[step.what](step.choices(), step.seconds)

    def let_the_clock_jump(self) -> None:
        """Prepare the database: `now()`, which is the one clock of all processes, becomes one that can be moved."""
        with self.deployment.postgres() as connection:
            connection.execute("CREATE SCHEMA IF NOT EXISTS shifted")
            connection.execute("CREATE TABLE IF NOT EXISTS shifted.clock (seconds float8 NOT NULL)")
            connection.execute("INSERT INTO shifted.clock SELECT 0 WHERE NOT EXISTS (SELECT FROM shifted.clock)")
            connection.execute("""
                CREATE OR REPLACE FUNCTION shifted.now() RETURNS timestamptz LANGUAGE sql STABLE AS
                $$ SELECT pg_catalog.now() + pg_catalog.make_interval(secs => (SELECT seconds FROM shifted.clock)) $$
            """)
            # `public` stays the schema in which things are made; `now()` is found in `shifted`.
            connection.execute("ALTER DATABASE syncworker_sandbox SET search_path = public, shifted, pg_catalog")
        self._drop_connections()

    def set_weather(self, weather: Weather) -> None:
        """Let HubSpot have these troubles from now on."""
        self.weather = weather
        self.keep_weather()

    def keep_weather(self) -> None:
        """Say it again to a sandbox that was started anew meanwhile, and may be away just now."""
        try:
            if self._sandbox.get("/_sandbox/faults")["seed"] != self.weather.get("seed", 0):
                self._sandbox.post("/_sandbox/faults", self.weather)
        except (OSError, HTTPException, SandboxError):
            return

    def close(self) -> None:
        """Close the connections."""
        self._sandbox.stop()

    # --- processes ---

    def _kill(self, name: str) -> None:
        for process in self.deployment.processes(name)[:1]:
            send(process, signal.SIGKILL)

    def _kill_worker(self, dice: random.Random, _seconds: float) -> None:
        """One of the four; the others go on or not, as Dramatiq likes."""
        found = self.deployment.processes("worker")
        if working := [child for process in found[:1] for child in children(process)]:
            send(dice.choice(working), signal.SIGKILL)

    def _kill_guard(self, dice: random.Random, _seconds: float) -> None:
        if guards := self.deployment.guards():
            send(dice.choice(guards), signal.SIGKILL)

    def _kill_up(self, _dice: random.Random, _seconds: float) -> None:
        with self.deployment.changing:
            self.deployment.kill()
            self.deployment.begin()

    def _hang(self, name: str, seconds: float) -> None:
        stopped = self.deployment.processes(name)[:1]
        stopped += [child for process in stopped for child in children(process)]
        stopped = [process for process in stopped if send(process, signal.SIGSTOP)]
        time.sleep(seconds)
        for process in stopped:
            send(process, signal.SIGCONT)

    # --- PostgreSQL ---

    def _kill_a_connection(self, dice: random.Random, _seconds: float) -> None:
        """Then PostgreSQL ends all connections and recovers from its log."""
        found = self.deployment.processes("postgres")[:1]
        # Only what serves a client: its title says `postgres: user database`.
        if serving := [child for process in found for child in children(process, called="syncworker_sandbox")]:
            send(dice.choice(serving), signal.SIGKILL)

    def _restart_postgres(self, _dice: random.Random, _seconds: float) -> None:
        for process in self.deployment.processes("postgres")[:1]:
            send(process, signal.SIGINT)

    def _postgres_refuses(self, _dice: random.Random, seconds: float) -> None:
        self._allow_connections(False)
        time.sleep(seconds)
        self._allow_connections(True)

    def _allow_connections(self, allowed: bool) -> None:
        def said() -> bool:
            try:
                with self.deployment.postgres("postgres") as connection:
                    connection.execute(f"ALTER DATABASE syncworker_sandbox ALLOW_CONNECTIONS {allowed}")
            except psycopg.Error:
                return False
            return True

        eventually(said, seconds=90, what="PostgreSQL to take an order")
        if not allowed:
            self._drop_connections()

    def _drop_connections(self) -> None:
        with self.deployment.postgres("postgres") as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = 'syncworker_sandbox'"
            )

    def _clock_jumps(self, dice: random.Random, seconds: float) -> None:
        """To one side and back again."""
        by = dice.uniform(20, 60) * dice.choice((-1, 1))
        self._shift(by)
        time.sleep(seconds)
        self._shift(0)

    def _shift(self, seconds: float) -> None:
        def said() -> bool:
            try:
                with self.deployment.postgres() as connection:
                    connection.execute("UPDATE shifted.clock SET seconds = %s", (seconds,))
            except psycopg.Error:
                return False
            return True

        eventually(said, seconds=60, what="PostgreSQL to take another time")

    # --- Valkey ---

    def _flush_valkey(self, _dice: random.Random, _seconds: float) -> None:
        try:
            with self.deployment.valkey() as client:
                client.flushall()
        except redis.RedisError:
            return  # it is away: there is nothing to flush

    def _valkey_gone(self, _dice: random.Random, seconds: float) -> None:
        """It is started again and again, and does not come up."""
        config = self.deployment.folder / "data" / "valkey" / "valkey.conf"
        nonsense = "no-such-setting yes\n"
        with self.deployment.changing:
            config.write_text(nonsense + config.read_text())
            self._kill("valkey")
        time.sleep(seconds)
        with self.deployment.changing:
            # Not what it was: an `up` that was started again meanwhile has written another one.
            config.write_text(config.read_text().removeprefix(nonsense))

    # --- HubSpot ---

    def _token_revoked(self, _dice: random.Random, seconds: float) -> None:
        hub = self.deployment.hub
        self._set_revoked(hub, True)
        time.sleep(seconds)
        self._set_revoked(hub, False)

    def _set_revoked(self, hub: int, revoked: bool) -> None:
        sandbox = self.deployment.client()

        def said() -> bool:
            try:
                sandbox.settings(hub, token_revoked=revoked)
            except (OSError, HTTPException, SandboxError):
                return False
            return True

        try:
            eventually(said, seconds=60, what="the sandbox to take an order")
        finally:
            sandbox.stop()
