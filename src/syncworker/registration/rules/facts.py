"""What must be known of a lead before anything is decided?

Frozen values, read in one transaction and handed to `decide()`, which looks at nothing else.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from syncworker.registration.rules.terms import (
    Action,
    Confirmation,
    EndReason,
    HoldKind,
    Presence,
    Reason,
    Source,
    Status,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lead:
    """A contact seen as a prospect: its fields as the CRM gave them, untrusted."""

    contact_id: str
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    company: str | None = None
    country: str | None = None
    website: str | None = None
    converted: bool = False
    """The CRM knows of a form conversion of this contact."""
    company_id: str | None = None
    """The primary company, whose name and domain stand in where the contact has none."""
    company_name: str | None = None
    company_domain: str | None = None
    presence: Presence = Presence.LIVE


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """An open request for a lead."""

    id: int
    action: Action
    source: Source
    requested_at: datetime
    confirmed: bool = False
    """A manager confirmed a deregistration that was asked for in the CRM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A registration as the rules see it. `expires_on` is its last valid day."""

    id: int
    domain: str
    registered_on: date
    expires_on: date
    source: Source
    contact_id: str | None = None
    company_id: str | None = None
    confirmation: Confirmation | None = None
    hold: HoldKind | None = None
    """A hold that came after the registration: shown, for a person to look at; ends nothing."""
    end_reason: EndReason | None = None
    """Why it ended (or, within the undo time of a deregistration, is about to)."""
    ended_at: datetime | None = None
    """When it ended; within the undo time, when its end was asked for. Always set where `end_reason` is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Consumed:
    """What the last consumed request of a record came to."""

    status: Status
    reason: Reason | None
    domain: str | None
    decided_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the ledger knows about one lead and its domain."""

    lead_claim: Claim | None = None
    """Our partner's active registration made for this contact, if it is still at the same company."""
    domain_claim: Claim | None = None
    """Our partner's active registration on the lead's present domain."""
    taken_by_another: bool = False
    """Another partner holds an active registration on the lead's present domain."""
    hold: HoldKind | None = None
    """A hold on the lead's present domain."""
    last_ended: Claim | None = None
    """Our partner's registration, of this contact or on its present domain, that ended last."""
    last_consumed: Consumed | None = None
    capacity_free: bool = False
    """A slot is free for this request, after all who wait before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the settings leave open."""

    crm_deregister_allowed: bool = False
    """`CRM_DEREGISTER=allow`: a dropdown deregisters without a manager."""
