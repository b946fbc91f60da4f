"""Why does a website not lead to a domain that can be registered?"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Refusal(StrEnum):
    """The kinds of websites that yield no registrable domain."""

    EMPTY = "empty"
    TOO_LONG = "too_long"
    UNFIT_CHARACTERS = "unfit_characters"
    NOT_A_WEB_ADDRESS = "not_a_web_address"
    EMAIL_ADDRESS = "email_address"
    IP_ADDRESS = "ip_address"
    SINGLE_LABEL = "single_label"
    BAD_NAME = "bad_name"
    RESERVED = "reserved"
    UNKNOWN_TLD = "unknown_tld"
    PUBLIC_SUFFIX = "public_suffix"
    SHARED_PLATFORM = "shared_platform"
    FREE_MAIL = "free_mail"


@dataclass(frozen=True, slots=True)
class Refused:
    """A website that yields no domain. `sentence` says why and what to enter instead, without a full stop."""

    reason: Refusal
    sentence: str
