"""Which properties does this worker keep in the CRM, and what do their values say to whoever reads them?

English first, Swedish after the slash: both stand in every description, because a portal's people read one or
the other, and HubSpot shows a property's description to all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from syncworker.hubspot.definitions import Option, PropertyDefinition, PropertyGroup
from syncworker.hubspot.option_words import (
    ACTIONS,
    CONFIRMATIONS,
    REASONS,
    SOURCES,
    STATUSES,
    Word,
    Words,
)
from syncworker.hubspot.paths import Kind

GROUP = PropertyGroup(name="partner_registration", label="Partner registration")


@dataclass(frozen=True, slots=True, kw_only=True)
class PropertyNames:
    """The names of the properties in the CRM, for portals where a default is taken."""

    status: str = "partner_registration_status"
    reason: str = "partner_registration_reason"
    detail: str = "partner_registration_detail"
    domain: str = "partner_registered_domain"
    registered_on: str = "partner_registered_on"
    expires_on: str = "partner_registration_expires_on"
    source: str = "partner_registration_source"
    confirmed: str = "partner_registration_confirmed"
    request: str = "partner_registration_request"
    tier: str = "partner_tier"
    capacity_limit: str = "partner_capacity_limit"
    capacity_used: str = "partner_capacity_used"


def definitions(
    names: PropertyNames, *, tiers: Sequence[str], hubspot_is_authority: bool
) -> dict[Kind, tuple[PropertyDefinition, ...]]:
    """The properties that a portal needs, by kind.

    `tiers` are the names of the program's tiers, lowest first. `hubspot_is_authority`: registrations are
    confirmed by HubSpot, and the confirmation is shown.
    """
    status = _choice(
        names.status,
        "Registration status",
        STATUSES,
        "Whether this lead is registered for us.",
        "Om denna lead är registrerad för oss.",
    )
    reason = _choice(
        names.reason,
        "Registration reason",
        REASONS,
        "Why the registration status is what it is.",
        "Varför registreringsstatusen är som den är.",
    )
    detail = _field(
        names.detail,
        "Registration detail",
        "string",
        "textarea",
        "What is missing, or what to do now.",
        "Vad som saknas, eller vad som ska göras nu.",
    )
    domain = _field(
        names.domain,
        "Registered domain",
        "string",
        "text",
        "The domain that is registered; it stays when the website changes.",
        "Den registrerade domänen; den ändras inte när webbplatsen ändras.",
    )
    registered_on = _field(
        names.registered_on,
        "Registered on",
        "date",
        "date",
        "The first day of the registration.",
        "Registreringens första dag.",
    )
    expires_on = _field(
        names.expires_on,
        "Registration expires on",
        "date",
        "date",
        "The last valid day of the registration.",
        "Registreringens sista giltiga dag.",
    )
    confirmed = _choice(
        names.confirmed,
        "Registration confirmed",
        CONFIRMATIONS,
        "Whether HubSpot is known to show the registration.",
        "Om HubSpot bevisligen visar registreringen.",
    )
    source = _choice(
        names.source, "Registration source", SOURCES, "Where the request came from.", "Varifrån begäran kom."
    )
    request = _choice(
        names.request,
        "Registration request",
        ACTIONS,
        "Set it to register or deregister this lead; it is emptied when done.",
        "Sätt den för att registrera eller avregistrera; den töms när det är gjort.",
    )
    tier = _choice(
        names.tier,
        "Our partner tier",
        tuple(Word(one, _label(one), f"Tier {_label(one)}.", f"Nivån {_label(one)}.") for one in tiers),
        "Our tier in the partner program.",
        "Vår nivå i partnerprogrammet.",
    )
    limit = _field(
        names.capacity_limit,
        "Registration capacity",
        "number",
        "number",
        "How many registrations we may have at once.",
        "Hur många registreringar vi får ha samtidigt.",
    )
    used = _field(
        names.capacity_used,
        "Registration capacity used",
        "number",
        "number",
        "How many registrations we have now.",
        "Hur många registreringar vi har nu.",
    )
    both = [status, reason, detail, domain, registered_on, expires_on]
    both += [confirmed] if hubspot_is_authority else []
    return {"contact": (*both, source, request), "company": (*both, tier, limit, used)}


def _label(value: str) -> str:
    return value.replace("_", " ").capitalize()


def _field(name: str, label: str, type_: str, field_type: str, english: str, swedish: str) -> PropertyDefinition:
    return PropertyDefinition(
        name=name,
        label=label,
        type=type_,
        field_type=field_type,
        group=GROUP.name,
        description=f"{english} / {swedish}",
    )


def _choice(name: str, label: str, words: Words, english: str, swedish: str) -> PropertyDefinition:
    return PropertyDefinition(
        name=name,
        label=label,
        type="enumeration",
        field_type="select",
        group=GROUP.name,
        description=f"{english} / {swedish}",
        options=tuple(
            Option(value=value, label=title, description=f"{told} / {sagt}", display_order=order)
            for order, (value, title, told, sagt) in enumerate(words)
        ),
    )
