"""Which domain would a website register?

The registrable domain: the name below its public suffix, in lower case, as A-labels. Private suffixes count
(`acme.uk.com` is a domain of its own, or one company would hold `uk.com` against all others); where a private
suffix is a platform whose customers merely have a page, the list of shared platforms refuses it first.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NewType

import idna

from syncworker.registration.rules.domain_rules import DomainRules
from syncworker.registration.rules.host import host_of, ip_address, not_a_name
from syncworker.registration.rules.refused import Refusal, Refused
from syncworker.registration.rules.text import quote

Domain = NewType("Domain", str)
"""A registrable domain, lower case, as A-labels."""

NAME_CHARACTERS = 253
"""The longest domain name: RFC 1035, 2.3.4."""

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
# What the URL standard takes for an IPv4 address: the last label is a number, decimal, octal or hexadecimal.
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")
# A number alone is an address, too, if it is one of those there are: a telephone's, or a record's id, is none.
_ADDRESSES = 2**32

# RFC 2606, 6761, 6762, 7686, 8375, 9476; .internal: ICANN 2024; corp, home, mail: set aside by ICANN in 2018;
# the others are what routers and offices use inside.
RESERVED_TLDS = frozenset(
    {"alt", "arpa", "corp", "example", "home", "internal", "intranet", "invalid", "lan"}
    | {"local", "localdomain", "localhost", "mail", "onion", "private", "test"}
)
# RFC 2606, section 3.
RESERVED_DOMAINS = frozenset({"example.com", "example.net", "example.org"})


def registrable(website: str | None, rules: DomainRules) -> Domain | Refused:
    """The domain that a website (or a company's domain) stands for, or why there is none.

    Pure: the same website and rules give the same answer. Never raises, whatever the text.
    """
    host = host_of(website or "")
    if isinstance(host, Refused):
        return host
    # Longer ones are not judged, so that the cache cannot fill with megabytes of nonsense.
    return _judged(host, rules) if len(host) <= NAME_CHARACTERS else not_a_name(host)


# The host alone is the key: most contacts of a company differ in scheme, path or query only.
@lru_cache(maxsize=16_384)
def _judged(host: str, rules: DomainRules) -> Domain | Refused:
    name = _name(host)
    if isinstance(name, Refused):
        return name
    labels = name.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        return ip_address(name) if len(labels) > 1 or _number(name) < _ADDRESSES else not_a_name(name)
    if len(labels) == 1:
        return Refused(Refusal.SINGLE_LABEL, f"{quote(name)} is not a full domain name such as company.com")
    parents = [".".join(labels[first:]) for first in range(len(labels) - 1)]
    if labels[-1] in RESERVED_TLDS or not RESERVED_DOMAINS.isdisjoint(parents):
        sentence = f"{quote(name)} is reserved for examples and inner networks: enter the company's website"
        return Refused(Refusal.RESERVED, sentence)
    for parent in parents:
        if parent in rules.shared:
            sentence = f"{quote(parent)} is a shared platform: enter the company's own website"
            return Refused(Refusal.SHARED_PLATFORM, sentence)
        if parent in rules.free_mail:
            sentence = f"{quote(parent)} is a free-mail provider: enter the company's own website"
            return Refused(Refusal.FREE_MAIL, sentence)
    return _below_its_suffix(name, rules)


def _number(label: str) -> int:
    return int(label[2:] or "0", 16) if label.startswith("0x") else int(label)


def _below_its_suffix(name: str, rules: DomainRules) -> Domain | Refused:
    suffix = rules.suffixes.publicsuffix(name)
    if suffix is None:
        # A name that the public internet cannot resolve belongs to nobody. New TLDs come with the list.
        sentence = f".{quote(name.rpartition('.')[2])} is not a top-level domain: check the spelling of the website"
        return Refused(Refusal.UNKNOWN_TLD, sentence)
    domain = rules.suffixes.privatesuffix(name)
    if domain is None:
        sentence = f"{quote(name)} is an ending that many companies share: enter the company's own website"
        return Refused(Refusal.PUBLIC_SUFFIX, sentence)
    return Domain(domain)


def _name(host: str) -> str | Refused:
    """The host as A-labels; the U-label and the A-label spelling of a name give the same."""
    name = host
    if not host.isascii() or "xn--" in host:
        try:
            name = idna.encode(host, uts46=True, std3_rules=True).decode("ascii").rstrip(".")
        except UnicodeError:  # idna's errors; which rule of IDNA a label breaks helps nobody who typed a website
            return not_a_name(host)
    labels = name.split(".")
    if len(name) > NAME_CHARACTERS or not all(_LABEL.fullmatch(label) for label in labels):
        return not_a_name(host)
    # Hyphens there mean an encoding (IDNA 2008, RFC 5891, 4.2.3.1); the only one there is was read above.
    if any(label[2:4] == "--" and not label.startswith("xn--") for label in labels):
        return not_a_name(host)
    return name
