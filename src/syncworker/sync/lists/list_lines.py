"""What does a line of each list say?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from syncworker.registration.ledger.requests import Stored
from syncworker.registration.rules.terms import Confirmation, HoldKind, Source, Status
from syncworker.sync.marks import Kind, Priority
from syncworker.sync.watch import runbook
from syncworker.sync.watch.runbook import Why


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationLine:
    """The newest registration of a domain. Names of another portal's records are None."""

    domain: str
    status: Status
    hub_id: int | None
    """The portal of its records; a partner's other portals show the line too."""
    contact_id: str | None
    company_id: str | None
    contact_name: str | None
    company: str | None
    country: str | None
    registered_on: date
    expires_on: date
    renew_at_expiry: bool
    source: Source
    confirmation: Confirmation | None
    hold: HoldKind | None
    undo_until: datetime | None
    """Until when its deregistration can be undone; None where it cannot."""
    needs_person: str | None
    """What a person has to decide about it, in words."""
    orphaned: bool
    """It is active, and every record that stood for it is gone from the CRM."""
    drift: bool
    """The lead's website is another domain by now; the registration stays with this one."""
    website: str | None = None
    """The domain that the lead's website is by now, where it is another one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistrationPage:
    """Lines by domain, and the cursor of the next page."""

    items: tuple[RegistrationLine, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NeedingPeople:
    """How many active registrations a person should look at; see `RegistrationLine`."""

    needs_person: int
    orphaned: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestLine:
    """A request. `position`: its place in the waiting list (1: next); several for one domain share it."""

    request: Stored
    position: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPage:
    """Lines, and the cursor of the next page."""

    items: tuple[RequestLine, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkLine:
    """A mark; `claimed`: somebody is looking at it now."""

    hub_id: int
    kind: Kind
    object_id: str
    domain: str | None
    """The domain that the record had when it was last read, where we know it."""
    priority: Priority
    cause: str
    attempts: int
    marked_at: datetime
    not_before: datetime
    claimed: bool
    last_error: str | None
    """What went wrong the last time, in HubSpot's words or ours."""
    parked_at: datetime | None
    """Since when it waits for a person."""
    address: str | None
    """The record in HubSpot; None for a domain."""

    @property
    def why(self) -> Why | None:
        """Why it is parked, in words; None where it is not."""
        return runbook.of_parked(self.last_error) if self.parked_at is not None else None

    @property
    def then(self) -> str | None:
        """The command that the advice means; None where it is not parked."""
        return self.why.of_mark(self.kind, self.object_id, self.hub_id) if self.why is not None else None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkPage:
    """Lines, and the cursor of the next page."""

    items: tuple[MarkLine, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkCount:
    """How many marks of a portal, kind and priority there are; the age of the oldest due one in seconds."""

    hub_id: int
    kind: Kind
    priority: Priority
    due: int
    parked: int
    oldest_due_s: float
