"""What may somebody do, by role?"""

from __future__ import annotations

from enum import StrEnum


class Role(StrEnum):
    """Each may what the ones before it may, and more."""

    VIEWER = "viewer"
    """Sees."""
    MANAGER = "manager"
    """Registers, deregisters, re-registers, confirms, reorders and imports leads."""
    OPERATOR = "operator"
    """Also marks, resyncs, pausing, forms, holds and users."""

    def includes(self, other: Role) -> bool:
        """Whether this role may what the other one may."""
        order = list(Role)
        return order.index(self) >= order.index(other)


class NotAllowed(Exception):
    """It takes another role than the one that somebody has."""

    def __init__(self, *, needed: Role, has: Role) -> None:
        self.needed = needed
        self.has = has
        super().__init__(
            f"this takes the role {needed}, and you are {has}: ask an operator, who can change that with "
            "`syncworker users set`"
        )
