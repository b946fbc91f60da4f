"""Which domain does a website stand for, and which websites stand for none?"""

from __future__ import annotations

import time

import idna
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from syncworker.registration.rules.domain_rules import domain_rules
from syncworker.registration.rules.domains import RESERVED_TLDS, registrable
from syncworker.registration.rules.refused import Refusal, Refused

RULES = domain_rules()


@pytest.mark.parametrize(
    "website",
    [
        "acme.com",
        "www.acme.com",
        "shop.eu.acme.com",
        "ACME.Com",
        " acme.com\t\n",
        "\u00a0acme.com\u3000",
        "acme.com.",
        "acme.com...",
        "http://acme.com",
        "https://acme.com/",
        "HTTPS://WWW.ACME.COM/a/b?c=d#e",
        "http:acme.com",
        "http:/acme.com",
        "http:\\\\acme.com\\a",
        "//acme.com/a",
        "acme.com:8080",
        "acme.com:",
        "acme.com:443/a:b",
        "https://acme.com:443?x",
        "acme.com/mailto:a@b.se",
        "acme.com?next=https://linkedin.com",
        "https://linkedin.com@acme.com/",
        "https://user:secret@acme.com:99/",
        "acme。com",
        "acme．com",
        "acme｡com",
        "ａｃｍｅ.com",
        "ac\u00adme.com",
    ],
)
def test_however_it_is_typed_the_domain_is_the_same(website: str) -> None:
    assert registrable(website, RULES) == "acme.com"


@pytest.mark.parametrize(
    ("website", "domain"),
    [
        ("www.acme.co.uk", "acme.co.uk"),
        ("a.b.city.kobe.jp", "city.kobe.jp"),
        ("a.b.c.kobe.jp", "b.c.kobe.jp"),
        ("räksmörgås.se", "xn--rksmrgs-5wao1o.se"),
        ("RÄKSMÖRGÅS.se", "xn--rksmrgs-5wao1o.se"),
        ("www.XN--RKSMRGS-5WAO1O.SE", "xn--rksmrgs-5wao1o.se"),
        ("faß.de", "xn--fa-hia.de"),
        ("例子.中国", "xn--fsqu00a.xn--fiqs8s"),
    ],
)
def test_the_domain_is_the_name_below_the_public_suffix_as_a_labels(website: str, domain: str) -> None:
    assert registrable(website, RULES) == domain


def test_a_name_below_a_private_suffix_is_a_domain_of_its_own_unless_a_platform_is() -> None:
    assert registrable("shop.acme.uk.com", RULES) == "acme.uk.com"
    assert _reason("acme.github.io") is Refusal.SHARED_PLATFORM
    assert _reason("acme.wixsite.com/home") is Refusal.SHARED_PLATFORM
    assert _reason("acme.myshopify.com") is Refusal.SHARED_PLATFORM


def test_a_platform_below_a_companys_domain_leaves_that_domain_alone() -> None:
    assert _reason("https://sites.google.com/view/acme") is Refusal.SHARED_PLATFORM
    assert registrable("google.com", RULES) == "google.com"
    assert registrable("shopify.com", RULES) == "shopify.com"


@pytest.mark.parametrize(
    ("website", "reason"),
    [
        (None, Refusal.EMPTY),
        ("", Refusal.EMPTY),
        (" \t", Refusal.EMPTY),
        ("mailto:info@acme.com", Refusal.NOT_A_WEB_ADDRESS),
        ("javascript:alert(1)", Refusal.NOT_A_WEB_ADDRESS),
        ("JavaScript://acme.com/%0aalert(1)", Refusal.NOT_A_WEB_ADDRESS),
        ("data:text/html,acme.com", Refusal.NOT_A_WEB_ADDRESS),
        ("tel:+4612345", Refusal.NOT_A_WEB_ADDRESS),
        ("ftp://acme.com", Refusal.NOT_A_WEB_ADDRESS),
        ("C:\\acme.com", Refusal.NOT_A_WEB_ADDRESS),
        ("user:secret@acme.com", Refusal.NOT_A_WEB_ADDRESS),
        ("info@acme.com", Refusal.EMAIL_ADDRESS),
        ("192.0.2.1", Refusal.IP_ADDRESS),
        ("http://192.0.2.1:80/a", Refusal.IP_ADDRESS),
        ("3221225985", Refusal.IP_ADDRESS),
        ("0xC0000201", Refusal.IP_ADDRESS),
        ("0300.0.2.0x1", Refusal.IP_ADDRESS),
        ("http://127.1", Refusal.IP_ADDRESS),
        ("１９２.０.２.１", Refusal.IP_ADDRESS),
        ("[2001:db8::1]", Refusal.IP_ADDRESS),
        ("http://[2001:db8::1]:80/", Refusal.IP_ADDRESS),
        ("2001:db8::1", Refusal.IP_ADDRESS),
        ("fe80::1%eth0", Refusal.IP_ADDRESS),
        ("::ffff:192.0.2.1", Refusal.IP_ADDRESS),
        ("4294967295", Refusal.IP_ADDRESS),
        ("4294967296", Refusal.BAD_NAME),
        ("0x100000000", Refusal.BAD_NAME),
        ("99999999999999999999999", Refusal.BAD_NAME),
        ("intranet", Refusal.SINGLE_LABEL),
        ("http://localhost:8000", Refusal.SINGLE_LABEL),
        ("http//acme.com", Refusal.SINGLE_LABEL),
        ("acme.test", Refusal.RESERVED),
        ("acme.internal", Refusal.RESERVED),
        ("acme.onion", Refusal.RESERVED),
        ("1.2.0.192.in-addr.arpa", Refusal.RESERVED),
        ("example.com", Refusal.RESERVED),
        ("www.example.org", Refusal.RESERVED),
        ("example.net", Refusal.RESERVED),
        ("co.uk", Refusal.PUBLIC_SUFFIX),
        ("uk.com", Refusal.PUBLIC_SUFFIX),
        ("anything.ck", Refusal.PUBLIC_SUFFIX),
        ("acme.con", Refusal.UNKNOWN_TLD),
        ("readme.txt", Refusal.UNKNOWN_TLD),
        ("https://www.linkedin.com/company/acme", Refusal.SHARED_PLATFORM),
        ("facebook.com/acme", Refusal.SHARED_PLATFORM),
        ("linktr.ee/acme", Refusal.SHARED_PLATFORM),
        ("bit.ly/x", Refusal.SHARED_PLATFORM),
        ("gmail.com", Refusal.FREE_MAIL),
        ("mail.yahoo.co.uk", Refusal.FREE_MAIL),
        ("proton.me", Refusal.FREE_MAIL),
        ("hey.com", Refusal.FREE_MAIL),
        ("http://", Refusal.BAD_NAME),
        ("...", Refusal.BAD_NAME),
        ("http://user:secret@", Refusal.BAD_NAME),
        (".acme.com", Refusal.BAD_NAME),
        ("acme..com", Refusal.BAD_NAME),
        ("acme com", Refusal.BAD_NAME),
        ("acme.com, acme.se", Refusal.BAD_NAME),
        ("%61cme.com", Refusal.BAD_NAME),
        ("_dmarc.acme.com", Refusal.BAD_NAME),
        ("my_shop.com", Refusal.BAD_NAME),
        ("-acme.com", Refusal.BAD_NAME),
        ("acme-.com", Refusal.BAD_NAME),
        ("ab--cd.com", Refusal.BAD_NAME),
        ("xn--a.com", Refusal.BAD_NAME),
        ("xn--.com", Refusal.BAD_NAME),
        ("i❤.ws", Refusal.BAD_NAME),
        ("a" * 64 + ".com", Refusal.BAD_NAME),
        (".".join(["a" * 50] * 5) + ".com", Refusal.BAD_NAME),
        ("é" * 60 + ".se", Refusal.BAD_NAME),
        ("é." * 100 + "se", Refusal.BAD_NAME),
        ("acme.com\x00", Refusal.UNFIT_CHARACTERS),
        ("ac\nme.com", Refusal.UNFIT_CHARACTERS),
        ("ac\u200bme.com", Refusal.UNFIT_CHARACTERS),
        ("acme.com/\u202emoc.live", Refusal.UNFIT_CHARACTERS),
        ("\u200facme.com", Refusal.UNFIT_CHARACTERS),
        ("\ud800.com", Refusal.UNFIT_CHARACTERS),
        ("acme.com/" + "a" * 2048, Refusal.TOO_LONG),
        (" " * 3000, Refusal.TOO_LONG),
    ],
)
def test_a_website_that_is_no_companys_own_is_refused_with_its_reason(website: str | None, reason: Refusal) -> None:
    assert _reason(website) is reason


@pytest.mark.parametrize("tld", sorted(RESERVED_TLDS))
def test_reserved_top_level_domains_belong_to_nobody(tld: str) -> None:
    assert _reason(f"www.acme.{tld}") is Refusal.RESERVED


def test_a_refusal_tells_the_reader_what_to_enter_instead() -> None:
    refused = registrable("https://de.linkedin.com/company/acme", RULES)

    assert refused == Refused(
        Refusal.SHARED_PLATFORM, "linkedin.com is a shared platform: enter the company's own website"
    )


def test_a_companys_website_that_the_free_mail_list_has_by_mistake_is_its_own() -> None:
    assert registrable("alibaba.com", RULES) == "alibaba.com"
    assert registrable("acme.za.com", RULES) == "acme.za.com"


def test_a_refusal_never_repeats_credentials() -> None:
    for website in ("https://user:secret@gmail.com", "https://user:secret@", "user:secret@acme.com"):
        refused = registrable(website, RULES)
        assert isinstance(refused, Refused)
        assert "secret" not in refused.sentence


@pytest.mark.parametrize(
    "website",
    ["x" * 10_000_000, " " * 10_000_000, ":" * 2048, "a." * 1024, "é" * 2048, "@" * 2048, "\u0301" * 253],
)
def test_absurd_lengths_cost_next_to_nothing(website: str) -> None:
    before = time.process_time()
    refused = registrable(website, RULES)

    assert isinstance(refused, Refused)
    assert time.process_time() - before < 1.0  # of the processor; measured: under 0.007 s


ANY_TEXT = st.text() | st.text(alphabet="ab.:/@[]%#?\\-_xn0189é。\u202e ", max_size=80)


@given(ANY_TEXT)
@example("xn--" + "9" * 59 + ".com")
@example("İ.com")
@example("a.xn--p1ai\u200d.com")
def test_it_never_raises_and_a_domain_is_canonical(website: str) -> None:
    domain = registrable(website, RULES)

    if isinstance(domain, Refused):
        assert 0 < len(domain.sentence) <= 160
        assert domain.sentence.isprintable()
    else:
        assert domain.isascii()
        assert domain == domain.lower()
        assert len(domain.split(".")) >= 2
        assert registrable(domain, RULES) == domain


LABEL = st.text(alphabet="abcxyzåäöéüßñøλжд例子", min_size=1, max_size=12)


@given(LABEL, LABEL, st.sampled_from(["se", "com", "co.uk", "de", "中国"]))
def test_the_u_label_and_the_a_label_spelling_give_the_same(sub: str, label: str, suffix: str) -> None:
    name = f"{sub}.{label}.{suffix}"
    a_labels = idna.encode(name, uts46=True).decode()

    assert registrable(name, RULES) == registrable(a_labels, RULES)


@given(
    LABEL,
    st.sampled_from(["", "www.", "https://", "HTTP://a.b:c@"]),
    st.sampled_from(["", "/x", ":1?y", "."]),
)
def test_what_surrounds_the_host_changes_nothing(label: str, before: str, after: str) -> None:
    # za.com is a suffix, and www.za.com a name below it.
    host = f"firma-{label}.com"
    assert registrable(f"{before}{host}{after}", RULES) == registrable(host, RULES)


def _reason(website: str | None) -> Refusal | None:
    found = registrable(website, RULES)
    return found.reason if isinstance(found, Refused) else None
