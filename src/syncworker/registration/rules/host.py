"""Which host does that mean, which somebody typed into a website field?"""

from __future__ import annotations

import re

from syncworker.registration.rules.refused import Refusal, Refused
from syncworker.registration.rules.text import is_fit, quote

WEBSITE_CHARACTERS = 2048
"""The longest website looked at: longer ones are refused unread, so that ten megabytes cost nothing."""

# What most people type.
_PLAIN = re.compile(r"(?:https?://)?([a-z0-9.-]+)/?", re.IGNORECASE | re.ASCII)
_HTTP = re.compile(r"https?:[/\\]*|//", re.IGNORECASE)
_SCHEME = re.compile(r"([a-z][a-z0-9+.-]*):(?!\d+(?:[/\\?#]|$)|$)", re.IGNORECASE)
_END_OF_AUTHORITY = re.compile(r"[/\\?#]")
_HEXADECIMAL = re.compile(r"[0-9a-f:.]+(?:%.*)?", re.IGNORECASE)
_PORT = re.compile(r":\d*$")
# The full stops that UTS 46 reads as a dot: ideographic, full-width, half-width.
_DOTS = str.maketrans("\u3002\uff0e\uff61", "...")


def host_of(website: str) -> str | Refused:
    """The host of a website, without scheme, credentials, port, path, query and closing dots.

    Not yet a valid name. Reads what people type (`acme.com`, `http:/acme.com`) as a browser's address bar
    does. Never raises.
    """
    if len(website) > WEBSITE_CHARACTERS:
        sentence = f"the website is longer than {WEBSITE_CHARACTERS} characters: enter the company's home page"
        return Refused(Refusal.TOO_LONG, sentence)
    plain = _PLAIN.fullmatch(website)
    if plain and (host := plain[1].rstrip(".")):
        return host.lower()
    text = website.strip(" \t\r\n\u00a0\u3000")
    if not text:
        return Refused(Refusal.EMPTY, "there is no website")
    if not is_fit(text):
        sentence = "the website has control characters or invisible ones: type it again"
        return Refused(Refusal.UNFIT_CHARACTERS, sentence)
    http = _HTTP.match(text)
    rest = text[http.end() :] if http else text
    authority = _END_OF_AUTHORITY.split(rest, maxsplit=1)[0]
    if http:
        authority = authority.rpartition("@")[2]
    if authority.startswith("[") or (authority.count(":") > 1 and _HEXADECIMAL.fullmatch(authority)):
        return ip_address(authority)
    scheme = None if http else _SCHEME.match(text)
    if scheme:
        sentence = f"{quote(scheme[1])}: is no web address: enter a website such as company.com"
        return Refused(Refusal.NOT_A_WEB_ADDRESS, sentence)
    if "@" in authority:
        sentence = f"{quote(authority)} looks like an e-mail address: enter the company's website"
        return Refused(Refusal.EMAIL_ADDRESS, sentence)
    host = _PORT.sub("", authority).translate(_DOTS).rstrip(".")
    # Case outside of ASCII is the business of UTS 46, which maps more than str.lower does.
    if not host:
        return Refused(Refusal.BAD_NAME, "the website has no domain name: enter one such as company.com")
    return host.lower() if host.isascii() else host


def ip_address(host: str) -> Refused:
    """The refusal of a host that is an IP address, however it is spelt."""
    return Refused(Refusal.IP_ADDRESS, f"{quote(host)} is an IP address: enter the company's domain name")


def not_a_name(host: str) -> Refused:
    """The refusal of a host that cannot be a domain name."""
    return Refused(Refusal.BAD_NAME, f"{quote(host)} is not a valid domain name: check the spelling")
