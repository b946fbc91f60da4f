"""Who rings when nobody rang, and says that a worker is alive? Every worker process, every few seconds.

periodiq cannot schedule more often than once a minute; its minutely sweep is for the case that no worker sweeps. Any
number of sweeps is harmless.

While Redis is away nobody hears a ring, and Dramatiq brings nothing. Then each process serves what is due by itself,
one thread for each queue; the rate limit gives each its share.
"""

from __future__ import annotations

import os
import signal
import threading
from functools import partial

import dramatiq
import structlog
from dramatiq.middleware import Middleware

from actors.process import context, counts
from syncworker import long_lived, tracing
from syncworker.sync.sweep import sweep
from syncworker.sync.wake import Ring
from syncworker.sync.watch.going_on import GoingOn
from syncworker.sync.watch.shared_counts import Beating

EVERY_SECONDS = 2.0
log = structlog.get_logger(__name__)


class Pulse(Middleware):
    """A thread that sweeps for as long as the worker runs."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._beating: Beating | None = None
        self._alone: dict[str, threading.Thread] = {}
        self._going_on = GoingOn()
        self._master = 0

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002 - Dramatiq's
        """Begin; and read the domain lists now, not while somebody waits."""
        context().domain_rules  # noqa: B018 - it is kept by whoever asks for it first
        long_lived.settle_in()
        self._master = os.getppid()
        self._thread = threading.Thread(target=self._run, args=(broker,), name="pulse", daemon=True)
        self._thread.start()
        self._beating = Beating(counts(), "worker")
        self._beating.start()
        tracing.begin("worker")

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        """End; what is served without Redis ends after its actor, or runs again when its lease is over."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        if self._beating is not None:
            self._beating.stop()
        tracing.end()

    def _run(self, broker: dramatiq.Broker) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            self._end_with_master()
            self._going_on.do("sweep", lambda: self._beat(broker))

    def _end_with_master(self) -> None:
        """Dramatiq's master was killed: nobody would ever stop this process, or start it again with other code."""
        if os.getppid() != self._master:
            log.warning("master_is_gone")
            os.kill(os.getpid(), signal.SIGTERM)

    def _beat(self, broker: dramatiq.Broker) -> None:
        self._going_on.do("keep_turns", context().waker.keep_turns)
        self._going_on.do("keep_alive", context().limiter.keep_alive)
        # While the database is away nothing can be due that could be read. The next beat looks again.
        self._serve_alone(broker, sweep(context()))

    def _serve_alone(self, broker: dramatiq.Broker, unheard: list[Ring]) -> None:
        """Serve what nobody hears; a queue whose last rings are still being served is left to a later beat."""
        of_queue: dict[str, list[Ring]] = {}
        for ring in unheard:
            of_queue.setdefault(broker.get_actor(ring.bell.value).queue_name, []).append(ring)
        for queue, rings in of_queue.items():
            busy = self._alone.get(queue)
            if busy is None or not busy.is_alive():
                serving = threading.Thread(target=self._serve, args=(broker, rings), name=f"alone:{queue}", daemon=True)
                self._alone[queue] = serving
                serving.start()

    def _serve(self, broker: dramatiq.Broker, rings: list[Ring]) -> None:
        for ring in rings:
            if self._stop.is_set():
                return
            log.info("served_without_redis", bell=ring.bell, hub_id=ring.hub_id)
            actor = broker.get_actor(ring.bell.value).fn
            arguments = [ring.hub_id] if ring.hub_id else []
            self._going_on.do("turn", partial(actor, *arguments), bell=ring.bell, hub_id=ring.hub_id)
