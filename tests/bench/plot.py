"""How does the cost of a thing grow with how much there is of it?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

from bench.figure import Curve

mpl.use("svg")
from matplotlib import pyplot


def plot(curves: Sequence[Curve], path: Path, *, title: str) -> None:
    """Draw the curves into one picture, both axes in powers of ten."""
    # The same drawing for the same figures: no random ids, no date of its own.
    mpl.rcParams["svg.hashsalt"] = "syncworker"
    drawn, axes = pyplot.subplots(figsize=(8, 5))
    try:
        for curve in curves:
            sizes, costs = zip(*curve.points, strict=True)
            axes.plot(sizes, costs, marker="o", label=curve.name)
        axes.set(xscale="log", yscale="log", xlabel="rows in the table", ylabel=curves[0].unit, title=title)
        axes.grid(visible=True, which="both", alpha=0.3)
        axes.legend(fontsize="small")
        drawn.tight_layout()
        path.parent.mkdir(exist_ok=True)
        drawn.savefig(path, metadata={"Date": None})
    finally:
        pyplot.close(drawn)
