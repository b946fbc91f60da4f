"""Which client secrets may sign a webhook, and for which portals does each speak?"""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping

from syncworker.hubspot.signature import BadSignature

# Read from the database this often, so that the usual webhook costs one transaction: its own.
KEPT_S = 5.0
# A portal that was connected a moment ago works at once; forged signatures cost one query a second, no more.
RELOADED_AT_MOST_EVERY_S = 1.0

Holders = Mapping[str, frozenset[int]]
"""By client secret: the portals that have it. Portals that share an app share its secret."""


class NotKept(Exception):
    """What is kept does not tell: the database must be asked, which takes a thread."""


class WebhookSecrets:
    """Keeps the secrets for some seconds. Thread-safe."""

    def __init__(self, load: Callable[[], Mapping[int, str]], *, clock: Callable[[], float] = time.monotonic) -> None:
        """`load` gives the secret of each portal by hub id; `clock` the seconds since some moment."""
        self._load = load
        self._clock = clock
        self._lock = threading.Lock()
        self._holders: Holders = {}
        self._loaded_at = float("-inf")

    def signer(self, verify: Callable[[Mapping[str, str]], str], *, ask: bool = True) -> tuple[str, frozenset[int]]:
        """The secret that `verify` finds, and its portals; raises BadSignature, and what loading raises.

        `verify` is given the secrets, each by itself, and asked a second time where there are newer ones. Unless
        `ask`, nothing is loaded: raises NotKept instead.
        """
        known = self._at_most_old(KEPT_S, ask=ask)
        try:
            secret = verify({one: one for one in known})
        except BadSignature:
            newer = self._at_most_old(RELOADED_AT_MOST_EVERY_S, ask=ask)
            if newer is known:
                raise
            secret = verify({one: one for one in newer})
            return secret, newer[secret]
        return secret, known[secret]

    def newest_portals(self, secret: str, *, ask: bool = True) -> frozenset[int]:
        """The portals of a secret, at most a second old: for events of one that was connected meanwhile."""
        return self._at_most_old(RELOADED_AT_MOST_EVERY_S, ask=ask).get(secret, frozenset())

    def _at_most_old(self, seconds: float, *, ask: bool) -> Holders:
        if self._clock() - self._loaded_at < seconds:
            return self._holders
        if not ask:
            raise NotKept
        with self._lock:
            # Whoever waited for the lock finds it done.
            if self._clock() - self._loaded_at >= seconds:
                portals: dict[str, set[int]] = defaultdict(set)
                for hub_id, secret in self._load().items():
                    # An empty secret signs with an empty key, which anybody has.
                    if secret:
                        portals[secret].add(hub_id)
                self._holders = {secret: frozenset(hub_ids) for secret, hub_ids in portals.items()}
                self._loaded_at = self._clock()
            return self._holders
