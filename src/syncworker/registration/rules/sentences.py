"""What does a record say to its reader about its state, and about what to do now?

Short, plain, at most 500 characters; what somebody typed is only quoted, and no partner is ever named. Each
depends on what the ledger keeps and on nothing else, so that the same state always reads the same.
"""

from __future__ import annotations

from collections.abc import Sequence

from syncworker.registration.rules.facts import Claim
from syncworker.registration.rules.lead_fields import COMPANY_DOMAIN, Field, Flaw
from syncworker.registration.rules.terms import HoldKind, Reason
from syncworker.registration.rules.text import DETAIL_CHARACTERS, clip, quote

_IF_WRONG = "If that is wrong, have the hold corrected and request it again."
_REFUSED = {
    Reason.OWN_OR_AFFILIATED: f"is an own or affiliated domain and cannot be registered. {_IF_WRONG}",
    Reason.EXISTING_CUSTOMER: f"belongs to an existing customer and cannot be registered. {_IF_WRONG}",
    Reason.PURSUED_BY_VENDOR: f"is already pursued by the vendor and cannot be registered. {_IF_WRONG}",
    Reason.REGISTERED_BY_ANOTHER: (
        "is registered by another partner. Once that registration has ended, it can be requested again."
    ),
}
_UNEXPLAINED = "cannot be registered."
_HELD = {
    HoldKind.OWN_OR_AFFILIATED: "is now listed as an own or affiliated domain",
    HoldKind.EXISTING_CUSTOMER: "is now listed as an existing customer's",
    HoldKind.PURSUED_BY_VENDOR: "is now listed as pursued by the vendor",
}
_FLAW_CHARACTERS = 200


def flawed(flaws: Sequence[Flaw]) -> str:
    """Names every missing or bad field."""
    missing = ", ".join(flaw.field for flaw in flaws if not flaw.wrong)
    wrong = "; ".join(f"{flaw.field} ({clip(flaw.wrong, _FLAW_CHARACTERS)})" for flaw in flaws if flaw.wrong)
    parts = [
        f"Missing: {missing}." if missing else "",
        f"Wrong: {wrong}." if wrong else "",
        "Once mended, it is decided again by itself.",
        "A person who asks for it needs no form conversion." if Flaw(Field.CONVERSION) in flaws else "",
    ]
    return joined(*parts)


def fields_of(detail: str) -> tuple[tuple[Field, ...], tuple[Field, ...]]:
    """The fields that `flawed` named as missing, and as wrong: a detail is all that the ledger keeps of them."""
    missing, _, wrong = detail.partition("Wrong: ")
    # What somebody typed stands in brackets behind the field; it is not looked into for more than a field's own name.
    named = wrong.removesuffix(" Once mended, it is decided again by itself.")
    return (
        tuple(one for one in Field if missing.startswith("Missing: ") and one in _listed(missing)),
        tuple(one for one in Field if named.startswith(f"{one} (") or f"; {one} (" in named),
    )


def website_wrong_of(detail: str) -> str:
    """What `flawed` said is wrong with the website, or with the company's domain; empty where it said nothing."""
    # Nothing that somebody typed stands before it: only what is wrong with a website quotes.
    wrong = detail.partition("Wrong: ")[2].rpartition("). Once mended, ")[0]
    before, name, said = wrong.partition(f"{Field.WEBSITE} (")
    return said.removeprefix(COMPANY_DOMAIN) if name and (not before or before.endswith("; ")) else ""


def _listed(missing: str) -> list[str]:
    return missing.removeprefix("Missing: ").partition(".")[0].split(", ")


def refused(reason: Reason | None, domain: str | None) -> str:
    """Why a domain is unavailable."""
    why = _REFUSED.get(reason, _UNEXPLAINED) if reason else _UNEXPLAINED
    return f"{_named(domain)} {why}"


def waiting(domain: str) -> str:
    """What only capacity keeps from being registered."""
    return (
        f"The capacity for registrations is used up. {quote(domain)} waits in line and is registered "
        "by itself when a slot is free. To free one, deregister a lead that is no longer pursued."
    )


def held(claim: Claim, hold: HoldKind) -> str:
    """A hold that came after the registration."""
    return (
        f"{quote(claim.domain)} {_HELD[hold]}, after it was registered. "
        "The registration stands: a manager should decide whether to keep it."
    )


def drifted(claim: Claim, present: str | None) -> str:
    """A contact whose website no longer says what was registered for it."""
    now = f"now says {quote(present)}" if present else "no longer yields a domain"
    return (
        f"{quote(claim.domain)} is registered; the website {now}. The registration stays with "
        f"{quote(claim.domain)}; another domain needs a request of its own."
    )


def confirming(claim: Claim) -> str:
    """A deregistration that waits for a manager."""
    return (
        f"{quote(claim.domain)} is asked to be deregistered, and stays registered until a manager confirms "
        "it, because the right to commission ends with it."
    )


def deregistered(domain: str | None) -> str:
    """A registration that was given up."""
    return f"The registration of {_named(domain)} was ended. It can be requested again."


def expired(claim: Claim) -> str:
    """A registration that ran out."""
    return (
        f"The registration of {quote(claim.domain)} expired after {claim.expires_on.isoformat()}. "
        "It can be requested again."
    )


def about_another(*, domain: str, present: str) -> str:
    """What follows a sentence on a domain that the website has left since."""
    return f"That was about {quote(domain)}; the website now says {quote(present)}, which can be requested."


def still_registered(claim: Claim) -> str:
    """What follows a sentence on another domain, for a contact that a registration was made for."""
    return f"{quote(claim.domain)} stays registered."


def other_domains(detail: str, others: Sequence[str]) -> str:
    """A company's detail, followed by its other domains with their states, as many as fit whole."""
    for shown in range(len(others), -1, -1):
        rest = len(others) - shown
        listed = "; ".join([*others[:shown], *([f"{rest} more"] if rest else [])])
        text = f"{detail} Other domains: {listed}.".lstrip()
        if len(text) <= DETAIL_CHARACTERS:
            return text
    return detail


def _named(domain: str | None) -> str:
    return quote(domain) if domain else "this lead"


def joined(*sentences: str) -> str:
    """The sentences that are not empty, as one detail within its length."""
    return clip(" ".join(sentence for sentence in sentences if sentence), DETAIL_CHARACTERS)
