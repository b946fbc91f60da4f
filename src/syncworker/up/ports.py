"""Which of the ports we need are taken?"""

from __future__ import annotations

import socket
import time
from collections.abc import Mapping

_CHECK_SECONDS = 0.1


class PortInUseError(Exception):
    """Something listens where we want to; `taken` has the ports by the setting that moves us elsewhere."""

    def __init__(self, taken: Mapping[str, int]) -> None:
        self.taken = dict(taken)
        which = ", ".join(f"port {port} is in use: free it or set {setting}" for setting, port in taken.items())
        super().__init__(which)


def check(wanted: Mapping[str, int], *, patience: float = 0.0) -> None:
    """Raise PortInUseError naming every port of `wanted` that is taken for longer than `patience` seconds.

    `wanted` has the ports by setting. Patience is for the ports of an `up` that was killed a moment ago.
    """
    deadline = time.monotonic() + patience
    while taken := {setting: port for setting, port in wanted.items() if _taken(port)}:
        if time.monotonic() >= deadline:
            raise PortInUseError(taken)
        time.sleep(_CHECK_SECONDS)


def _taken(port: int) -> bool:
    # Bound as the servers will bind it: their option lets them follow closely on one that has just stopped.
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            return False  # the server will say so itself
        except OSError:
            return True
    return False
