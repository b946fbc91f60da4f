"""How does a thread that must never end go on, whatever goes wrong in it?

A thread that ends says so once, on standard error, and is missed by nobody: its process looks alive, and does less.
"""

from __future__ import annotations

import threading
from collections.abc import Callable

import structlog
from sqlalchemy.exc import SQLAlchemyError

from syncworker.sync.watch.observed import MISTAKES

log = structlog.get_logger(__name__)


class GoingOn:
    """Does things and bears their errors. Thread-safe."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()

    def do(self, what: str, work: Callable[[], object], **facts: object) -> bool:
        """Do it; return whether it went well. `what` names it in logs and metrics, `facts` in logs alone.

        That the database is away is no mistake, and comes right by itself. Anything else is one: it is logged with
        where it happened, once for each kind of it, and counted each time (`syncworker_mistakes_total`).
        """
        try:
            work()
        except SQLAlchemyError as error:
            log.warning(f"{what}_failed", error=str(error).splitlines()[0], **facts)
        except Exception as error:
            # The outermost loop of a thread: nobody else is there to hear of it.
            kind = type(error).__name__
            MISTAKES.labels(what, kind).inc()
            if self._first(what, kind):
                log.exception(f"{what}_failed", kind=kind, **facts)
        else:
            return True
        return False

    def _first(self, what: str, kind: str) -> bool:
        with self._lock:
            first = (what, kind) not in self._told
            self._told.add((what, kind))
            return first
