"""How does a process that lives long spend no time on looking for garbage where there is none?"""

from __future__ import annotations

import gc

# Python's own thresholds are 700, 10, 10: a page of a hundred records alone makes some thousand objects.
_THRESHOLDS = (20_000, 20, 50)


def settle_in() -> None:
    """What the process holds by now it holds for good: the collector never looks at it again, and rarely at the rest.

    For a worker or a web process once it has booted. A fifth of the time of a resync went into looking at the lists of
    domains and the libraries, again and again.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*_THRESHOLDS)
