"""Who rings when nobody rang, and says that a worker is alive? Every worker process, every few seconds.

periodiq cannot schedule more often than once a minute; its minutely sweep is for the case that no worker sweeps. Any
number of sweeps is harmless.
"""

from __future__ import annotations

import threading

import dramatiq
import structlog
from dramatiq.middleware import Middleware
from sqlalchemy.exc import SQLAlchemyError

from actors.process import context, counts
from syncworker.sync.shared_counts import Beating
from syncworker.sync.sweep import sweep

EVERY_SECONDS = 2.0
log = structlog.get_logger(__name__)


class Pulse(Middleware):
    """A thread that sweeps for as long as the worker runs."""

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._beating: Beating | None = None

    def after_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002 - Dramatiq's
        """Begin; and read the domain lists now, not while somebody waits."""
        context().domain_rules  # noqa: B018 - it is kept by whoever asks for it first
        self._thread = threading.Thread(target=self._run, name="pulse", daemon=True)
        self._thread.start()
        self._beating = Beating(counts(), "worker")
        self._beating.start()

    def before_worker_shutdown(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:  # noqa: ARG002
        """End."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout=5)
        if self._beating is not None:
            self._beating.stop()

    def _run(self) -> None:
        while not self._stop.wait(EVERY_SECONDS):
            try:
                sweep(context())
            except SQLAlchemyError as error:
                # The database is away: nothing can be due that could be read. The next beat looks again.
                log.warning("sweep_failed", error=str(error).splitlines()[0])
