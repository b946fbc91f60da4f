"""How long does it take to find what is due, or the one that is parked, however many marks rest?"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, closing
from functools import partial
from pathlib import Path

from bench import seeding
from bench.figure import Curve, Figure, at_most
from support import services
from syncworker.store import migrate
from syncworker.store.database import Database, Tx
from syncworker.sync import claims, sweep
from syncworker.sync.claims import Claim, Lane
from syncworker.sync.lists import mark_lists
from syncworker.sync.marks import Kind

ROUNDS = 61
WARMING = 4
# Slower than among a thousand marks, at most.
MOST_SLOWER = 2.0

Look = Callable[..., Claim | None]


def _claim(tx: Tx, hub: int, *, lane: Lane, oldest_first: bool) -> Claim:
    taken = claims.claim(tx, hub, Kind.CONTACT, lane=lane, oldest_first=oldest_first)
    # Whoever serves people and webhooks finds nothing, and must not look through all that others wait for.
    assert len(taken.marks) == (claims.BATCH if lane is Lane.BULK else 0), len(taken.marks)
    return taken


def _sweep(tx: Tx, hub: int) -> None:
    assert sweep.due(tx)


def _parked(tx: Tx, hub: int) -> None:
    [found] = mark_lists.marks(tx, hub, parked=True).items
    assert found.last_error == seeding.WHY_PARKED


LOOKS: dict[str, Look] = {
    f"claim of {claims.BATCH} due marks": partial(_claim, lane=Lane.BULK, oldest_first=False),
    f"claim of the {claims.BATCH} oldest": partial(_claim, lane=Lane.BULK, oldest_first=True),
    "claim of the oldest where none is due for the lane": partial(_claim, lane=Lane.INTERACTIVE, oldest_first=True),
    "sweep for all that is due": _sweep,
    "the one parked mark found": _parked,
}


def claims_(folder: Path, sizes: Sequence[int]) -> tuple[list[Figure], list[Curve]]:
    """Each look among so many marks of one portal, nine tenths of them backed off."""
    seen: dict[str, list[tuple[int, float]]] = {}
    with services.start_postgres(folder / "postgres-claims", durable=True) as server, ExitStack() as opened:
        among: dict[int, tuple[Database, int]] = {}
        for size in sizes:
            database_url = services.create_database(server, f"claims_{size}")
            migrate.upgrade(database_url)
            hub = seeding.grow_marks(database_url, size)
            among[size] = opened.enter_context(closing(Database(database_url))), hub
        for name, look in LOOKS.items():
            seen[name] = list(_milliseconds(among, look).items())
    figures = [_figure(name, points) for name, points in seen.items()]
    return figures, [Curve(name=name, unit="ms", points=tuple(points)) for name, points in seen.items()]


def _figure(name: str, points: Sequence[tuple[int, float]]) -> Figure:
    (few, quick), (many, slow) = points[0], points[-1]
    return Figure(
        name=f"{name}, among {many:,} marks, nine tenths backed off; floor: among {few:,}",
        value=slow,
        unit="ms",
        floor=quick,
        **at_most(MOST_SLOWER, slow / quick, " times the floor"),
    )


def _milliseconds(among: Mapping[int, tuple[Database, int]], look: Look) -> dict[int, float]:
    """The median of a look at each size; the sizes take turns, so that whatever else the machine does hits all."""
    took: dict[int, list[float]] = {size: [] for size in among}
    for _ in range(WARMING + ROUNDS):
        for size, (database, hub) in among.items():
            began = time.perf_counter()
            taken = database.run(partial(look, hub=hub))
            took[size].append(time.perf_counter() - began)
            if taken is not None and taken.marks:
                database.run(partial(claims.give_back, taken=taken))
    return {size: statistics.median(some[WARMING:]) * 1000 for size, some in took.items()}
