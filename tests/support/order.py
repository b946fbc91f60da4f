"""In which order do the tests begin, so that no long one ends the run while everybody else has nothing left to do?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import pytest

LONG = "long"
LOOKS = frozenset({"test_every_page", "test_signing_in", "test_without_scripts"})
"""What of the browser's tests need not be where the others are. About a third of their time."""


def longest_first(items: Sequence[pytest.Item], *, workers: int) -> list[pytest.Item]:
    """The tests in an order in which each of the workers begins with the long ones of its share.

    xdist hands out a collection in as many equal pieces as there are workers (`--dist worksteal`); whoever is done
    takes from the end of another one's piece.
    """
    if workers < 2:
        return list(items)
    faults = _marked("faults", items)
    whole = [item for item in _marked("acceptance", items) if item not in faults]
    # On two stages, each of which takes a quarter of a minute to set: what people do, and what pages look like.
    browser = [item for item in items if "browser" in item.path.parts]
    looks = [item for item in browser if item.path.stem in LOOKS]
    long = [item for item in _marked(LONG, items) if item not in (*faults, *whole)]
    first: list[list[pytest.Item]] = [[] for _ in range(workers)]
    # What runs the whole of `up` goes on one after the other: more of it at once would only measure the machine. The
    # run of faults may be beside it: it waits most of its time, for as long as it takes.
    first[0] += whole[::-1]
    first[1] += faults
    first[-1] += [item for item in browser if item not in looks]
    first[-2] += looks
    for number, item in enumerate(long):
        first[-1 - number % max(1, workers - 2)].append(item)
    ahead = {*whole, *faults, *browser, *long}
    rest = iter([item for item in items if item not in ahead])
    ordered: list[pytest.Item] = []
    for worker, begins_with in enumerate(first):
        end = len(ordered) + (len(items) - len(ordered)) // (workers - worker)
        ordered += begins_with
        ordered += islice(rest, max(0, end - len(ordered)))
    return ordered


def _marked(name: str, items: Sequence[pytest.Item]) -> list[pytest.Item]:
    return [item for item in items if item.get_closest_marker(name)]
