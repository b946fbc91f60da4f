"""A domain is shown as people read it, unless it could be taken for another one."""

from __future__ import annotations

import idna
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworker.registration.rules.readable import readable


def ascii_of(domain: str) -> str:
    return ".".join(idna.encode(label).decode() if not label.isascii() else label for label in domain.split("."))


@pytest.mark.parametrize(
    "shown",
    ["räksmörgås.se", "blåbär.se",
     "smørrebrød.dk", "straße.de", "münchen-bau.de", "例え.jp", "пример.рф", "παράδειγμα.gr",
     "łódź.pl", "acme.se"],
)  # fmt: skip
def test_it_is_shown_as_it_is_written(shown: str) -> None:
    assert readable(ascii_of(shown)) == shown


@pytest.mark.parametrize(
    "deceives",
    # A Cyrillic a; all Cyrillic that looks Latin; a Latin alpha; Greek among Latin
    ["p\u0430ypal.com", "\u0440\u0430\u0441\u0435.com", "\u0251cme.com", "m\u03b1x.se"],
)
def test_what_could_be_taken_for_another_stays_what_it_is_kept_as(deceives: str) -> None:
    kept = ascii_of(deceives)
    assert readable(kept) == kept


@pytest.mark.parametrize("kept", ["xn--.se", "xn--a.se", "xn--zzzzzzzzzz99999.se", "xn--ls8h.la"])
def test_what_cannot_be_read_stays_what_it_is_kept_as(kept: str) -> None:
    assert readable(kept) == kept


@given(st.text(max_size=60))
def test_it_never_fails(text: str) -> None:
    assert isinstance(readable(f"xn--{text}"), str)
