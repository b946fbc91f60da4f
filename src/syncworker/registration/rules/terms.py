"""Which words do the rules use, and which values may each take?

The strings are the ones that stand in the database, in the CRM's options, in the API and on the command line.
"""

from __future__ import annotations

from enum import StrEnum


class Status(StrEnum):
    """What a record shows, in the order in which the best of several is chosen for a company."""

    REGISTERED = "registered"
    PENDING = "pending"
    UNAVAILABLE = "unavailable"
    INVALID_DATA = "invalid_data"
    EXPIRED = "expired"
    DEREGISTERED = "deregistered"

    @property
    def rank(self) -> int:
        """0 is the best state; a company with several domains shows the best."""
        return list(Status).index(self)


class Reason(StrEnum):
    """Why a record shows its status: the options of `partner_registration_reason`."""

    PROCESSING = "processing"
    CAPACITY_REACHED = "capacity_reached"
    AWAITING_CONFIRMATION = "awaiting_confirmation"
    OWN_OR_AFFILIATED = "own_or_affiliated"
    EXISTING_CUSTOMER = "existing_customer"
    PURSUED_BY_VENDOR = "pursued_by_vendor"
    REGISTERED_BY_ANOTHER = "registered_by_another"
    MISSING_DATA = "missing_data"
    BAD_WEBSITE = "bad_website"
    NO_CONVERSION = "no_conversion"
    HOLD_CAME_LATER = "hold_came_later"
    WEBSITE_CHANGED = "website_changed"


class HoldKind(StrEnum):
    """Why nobody may register a domain."""

    OWN_OR_AFFILIATED = "own_or_affiliated"
    EXISTING_CUSTOMER = "existing_customer"
    PURSUED_BY_VENDOR = "pursued_by_vendor"


class Action(StrEnum):
    """What a request asks for."""

    REGISTER = "register"
    DEREGISTER = "deregister"


class Source(StrEnum):
    """Where a request came from."""

    FORM = "form"
    WORKFLOW = "workflow"
    CRM = "crm"
    APP = "app"
    API = "api"
    IMPORT = "import"

    @property
    def is_person(self) -> bool:
        """A person asked by name, so that no form conversion is needed."""
        return self in {Source.CRM, Source.APP, Source.API, Source.IMPORT}


class Confirmation(StrEnum):
    """What HubSpot is known to say of a registration, where HubSpot is the authority."""

    UNCONFIRMED = "unconfirmed"
    CONFIRMED = "confirmed"
    CONTRADICTED = "contradicted"


class EndReason(StrEnum):
    """Why a registration ended."""

    EXPIRED = "expired"
    DEREGISTERED = "deregistered"


class Presence(StrEnum):
    """Whether a record is still in the CRM."""

    LIVE = "live"
    ARCHIVED = "archived"
    MERGED = "merged"
    ERASED = "erased"
