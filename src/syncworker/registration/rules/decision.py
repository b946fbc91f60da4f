"""What can be decided about a lead, and what does its record show for it?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from syncworker.registration.rules.facts import Claim
from syncworker.registration.rules.terms import Reason, Status


class Outcome(StrEnum):
    """What is to be done with the open request (or, without one, that there is nothing to do)."""

    NOTHING = "nothing"
    """No open request: the record only shows what is so."""
    END = "end"
    """The record is gone: its open requests end."""
    JOIN = "join"
    """The domain is registered by us already: the request is consumed and uses no capacity."""
    INVALID = "invalid"
    """Stays open, and is decided again when the record changes."""
    REFUSE = "refuse"
    """Unavailable: consumed."""
    WAIT = "wait"
    """Only capacity keeps it from being registered: it waits with its domain."""
    REGISTER = "register"
    """May be registered: a slot is free."""
    DEREGISTER = "deregister"
    """End the registration, with its undo time."""
    CONFIRM = "confirm"
    """A deregistration from the CRM that waits for a manager."""
    WITHDRAW = "withdraw"
    """A deregistration of something that is not registered: consumed, nothing happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with the request, and what the record shows."""

    outcome: Outcome
    status: Status | None = None
    """None: the record shows nothing."""
    reason: Reason | None = None
    detail: str = ""
    """For the reader of the record: what is missing, or what to do now."""
    domain: str | None = None
    """The frozen domain of a registration, else the one that would be registered."""
    claim: Claim | None = None
    """The registration whose dates and source are shown."""
