"""Run seeds: `python -m faults --seed N [--seed M ...] [--seconds 60 | --minutes 10] [--thorough]`.

A line for each thing that breaks, then what came of it. The exit code is 1 where something did not hold; the seed is
told with how to run it again.
"""

from __future__ import annotations

import argparse
import secrets
import signal
import sys

from faults.scenario import run


def main(arguments: list[str]) -> int:
    """Run them one after the other; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m faults", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seed", type=int, action="append", help="which schedule; three made-up ones if absent")
    parser.add_argument("--seconds", type=float, default=60.0, help="how long load and faults go on")
    parser.add_argument("--minutes", type=float, help="the same in minutes")
    parser.add_argument("--thorough", action="store_true", help="what breaks stays broken for up to minutes")
    chosen = parser.parse_args(arguments)
    # Asked to end, it still stops what it has started.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
    failed: list[int] = []
    seconds = chosen.minutes * 60 if chosen.minutes else chosen.seconds
    for seed in chosen.seed or [secrets.randbelow(10**6) for _ in range(3)]:
        print(f"seed {seed}", flush=True)
        outcome = run(seed, seconds=seconds, thorough=chosen.thorough, say=lambda line: print(line, flush=True))
        print(outcome, flush=True)
        if outcome.wrong:
            failed.append(seed)
            short = "" if chosen.thorough else " SHORT=1"
            print(f"again: make soak SEED={seed} MINUTES={seconds / 60:g}{short}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
