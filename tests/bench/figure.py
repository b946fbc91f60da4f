"""What is one figure of the benchmark?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypedDict


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A value, the floor it was measured against in the same run, and whether it is good enough."""

    name: str
    value: float
    unit: str
    target: str = ""
    """In words; empty: none."""
    met: bool = True
    floor: float | None = None

    @property
    def ratio(self) -> float | None:
        """Of the value to its floor."""
        return self.value / self.floor if self.floor else None

    def row(self) -> tuple[str, ...]:
        """For the table."""
        return (
            self.name,
            f"{self.value:.4g} {self.unit}",
            f"{self.floor:.4g} {self.unit}" if self.floor else "",
            f"{self.ratio:.2f}" if self.ratio else "",
            self.target,
            "yes" if self.met else "NO",
        )

    def as_json(self) -> dict[str, object]:
        """For build/bench.json."""
        return {
            "name": self.name,
            "value": self.value,
            "unit": self.unit,
            "floor": self.floor,
            "ratio": self.ratio,
            "target": self.target,
            "met": self.met,
        }


class Goal(TypedDict):
    """What a figure is to reach, and whether it does."""

    target: str
    met: bool


def at_least(bound: float, reached: float, of: str = "") -> Goal:
    """For `Figure(**...)`: a value, or its ratio to the floor, is to be so much or more."""
    return Goal(target=f"at least {bound:g}{of}", met=reached >= bound)


def at_most(bound: float, reached: float, of: str = "") -> Goal:
    """The same, so much or less. `of` is said after the bound: its unit, or what it is a share of."""
    return Goal(target=f"at most {bound:g}{of}", met=reached <= bound)


def under(bound: float, reached: float, of: str = "") -> Goal:
    """The same, less than that."""
    return Goal(target=f"under {bound:g}{of}", met=reached < bound)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What something costs at growing sizes, for the plot."""

    name: str
    unit: str
    points: tuple[tuple[int, float], ...]
    """Rows and cost, the smallest size first."""
