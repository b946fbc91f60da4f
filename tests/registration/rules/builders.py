"""What does a test start from? A complete lead of acme.com; each test says what differs."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from syncworker.registration.rules.facts import Claim, Lead, Request
from syncworker.registration.rules.terms import Action, Source

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)

LEAD = Lead(
    contact_id="901",
    first_name="Ada",
    last_name="Lovelace",
    email="ada@acme.com",
    company="Acme",
    country="Sweden",
    website="https://www.acme.com",
    converted=True,
)


def lead(**fields: object) -> Lead:
    """The complete lead, but for these fields."""
    return replace(LEAD, **fields)  # type: ignore[arg-type]


def request(action: Action = Action.REGISTER, source: Source = Source.FORM, *, confirmed: bool = False) -> Request:
    """An open request, by a form unless said otherwise."""
    return Request(id=7, action=action, source=source, requested_at=NOW, confirmed=confirmed)


def claim(domain: str = "acme.com", **fields: object) -> Claim:
    """A registration of a year."""
    made = Claim(
        id=1,
        domain=domain,
        registered_on=date(2026, 3, 10),
        expires_on=date(2027, 3, 10),
        source=Source.FORM,
    )
    return replace(made, **fields)  # type: ignore[arg-type]
