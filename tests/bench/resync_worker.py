"""One worker process that does a resync and says what it took: for bench.resync, which measures its memory too."""

from __future__ import annotations

import cProfile
import json
import os
import sys
import time
from pathlib import Path

from support.rig import HeardRings, Unlimited
from syncworker import long_lived
from syncworker.settings import load
from syncworker.sync.context import Context
from syncworker.sync.resync.turn import continue_resync


def main() -> None:
    """Go on with the portal's resync until nothing is left of it."""
    hub_id = int(sys.argv[1])
    context = Context(load(), waker=HeardRings(), limiter=Unlimited(), pool_size=2)
    try:
        # As a worker does when it boots.
        context.domain_rules  # noqa: B018 - it is kept
        long_lived.settle_in()
        profile = cProfile.Profile() if os.environ.get("BENCH_PROFILE") else None
        began = time.perf_counter()
        if profile:
            profile.enable()
        while continue_resync(context, hub_id):
            pass
        if profile:
            profile.disable()
            profile.dump_stats(os.environ["BENCH_PROFILE"])
        seconds = time.perf_counter() - began
    finally:
        context.close()
    print(json.dumps({"seconds": seconds, "peak_mb": _peak_mb()}))


def _peak_mb() -> float:
    # Linux. Not getrusage: that keeps the peak of the process that this one was forked from.
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


main()
