"""What may somebody be told of, by which way, and whom does it concern?"""

from __future__ import annotations

from enum import StrEnum

from syncworker.access.roles import Role


class NoticeKind(StrEnum):
    """What a notice is of."""

    DIGEST = "digest"
    """How the portal stands, once a day."""
    CAPACITY = "capacity"
    """90 or 100 % of the capacity are used."""
    EXPIRING = "expiring"
    """Registrations expire in 30, 14 or 7 days."""
    REFUSED = "refused"
    """Leads came out unavailable, or lack data."""
    HAND_EDITS = "hand_edits"
    """Somebody edited our properties in the CRM, and was overwritten."""
    BLOCKED = "blocked"
    """The portal stands still until a person acts: credentials, scopes, properties, settings, the brake."""
    PARKED = "parked"
    """Marks failed too often, and wait for a person."""
    TEST = "test"
    """A person wants to see that it arrives. It cannot be switched."""


class Channel(StrEnum):
    """How somebody is told."""

    EMAIL = "email"
    WEBHOOK = "webhook"
    TASK = "task"
    """A task in HubSpot, for the owner of the contact that it is about."""


SWITCHABLE = tuple(kind for kind in NoticeKind if kind is not NoticeKind.TEST)
# Only these are about contacts, who have owners.
AS_TASKS = frozenset({NoticeKind.EXPIRING, NoticeKind.REFUSED, NoticeKind.HAND_EDITS})
# What only those can see who may do something about it.
FOR_OPERATORS = frozenset({NoticeKind.BLOCKED, NoticeKind.PARKED})


def needs(kind: NoticeKind) -> Role:
    """The role that somebody must have to be told of it."""
    return Role.OPERATOR if kind in FOR_OPERATORS else Role.VIEWER
