"""Every text is there in every language, and is shown in the reader's."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path

import httpx
import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po

from syncworker import languages

ROOT = Path(__file__).parents[2]
CODES = [code for code in languages.languages() if code != languages.SOURCE]
Text = str | tuple[str, ...]
Said = tuple[str | None, Text]
"""In which context, and what."""


def in_the_source() -> set[Said]:
    """All texts that are marked to be translated, found as `make messages` finds them."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(
        ROOT / "src" / "syncworker",
        method_map=methods,
        options_map=options,
        keywords={**DEFAULT_KEYWORDS, "to_translate": None, "to_translate_as": ((1, "c"), 2)},
    )
    return {
        (context, message if isinstance(message, str) else tuple(message))
        for _, _, message, _, context in found
        if message
    }


def catalogue(code: str) -> Catalog:
    with (languages.FOLDER / code / "LC_MESSAGES" / "messages.po").open("rb") as file:
        return read_po(file, locale=code)


def test_swedish_is_there() -> None:
    assert "sv" in CODES


@pytest.mark.parametrize("code", CODES)
def test_every_text_of_the_source_is_translated_and_none_that_is_gone_is_left(code: str) -> None:
    ids: set[Said] = {
        (message.context, message.id if isinstance(message.id, str) else tuple(message.id))
        for message in catalogue(code)
        if message.id
    }
    wanted = in_the_source()
    assert len(wanted) > 50
    assert wanted - ids == set(), "not in the catalogue: run `make messages`, and translate"
    assert ids - wanted == set(), "in the catalogue, and nowhere else: run `make messages`"


def test_many_are_called_otherwise_than_one_where_the_language_does_so() -> None:
    swedish = languages.language("sv")
    assert swedish.gettext("Registered") == "Registrerad"
    assert swedish.catalogue.pgettext("list", "Registered") == "Registrerade"
    assert languages.language("en").catalogue.pgettext("list", "Registered") == "Registered"


@pytest.mark.parametrize("code", CODES)
def test_no_translation_is_empty_or_guessed_and_each_fills_in_the_same(code: str) -> None:
    of = catalogue(code)
    for message in of:
        if not message.id:
            continue
        texts = [message.string] if isinstance(message.string, str) else list(message.string)
        plurals = 1 if isinstance(message.id, str) else of.num_plurals
        assert len(texts) == plurals, message.id
        assert all(text.strip() for text in texts), f"not translated: {message.id}"
        assert not message.fuzzy, f"guessed by a tool, to be looked at: {message.id}"
        named = {name for one in ([message.id] if plurals == 1 else message.id) for name in _names(one)}
        # One of a thing may do without saying the number.
        assert set(_names(texts[-1])) == named, message.id
        assert all(set(_names(text)) <= named for text in texts), message.id


def _names(text: str) -> list[str]:
    return re.findall(r"%\((\w+)\)[sd]", text)


@pytest.mark.parametrize(
    ("accept", "code"),
    [
        (None, "en"),
        ("sv-SE,sv;q=0.9,en;q=0.8", "sv"),
        ("en-GB,sv;q=0.5", "en"),
        ("de, sv;q=0.3", "sv"),
        ("sv;q=0, en", "en"),
        ("*", "en"),
        (";;;q=x,,", "en"),
        ("sv;q=0.1," * 1000, "sv"),
    ],
)
def test_the_browser_says_which_language(accept: str | None, code: str) -> None:
    assert languages.preferred(accept).code == code


def test_numbers_days_and_times_are_written_as_the_reader_writes_them() -> None:
    english, swedish = languages.language("en"), languages.language("sv")
    assert (english.number(12345), swedish.number(12345)) == ("12,345", "12\xa0345")
    assert (english.date(date(2027, 4, 2)), swedish.date(date(2027, 4, 2))) == ("Apr 2, 2027", "2 apr. 2027")
    at = datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    assert swedish.time(at, "Europe/Stockholm").startswith("2 juli 2026")
    assert (swedish.day_of(at), swedish.day_of(at, "Europe/Stockholm")) == ("1 juli 2026", "2 juli 2026")
    assert (swedish.date(None), swedish.time(None), swedish.day_of(None)) == ("", "", "")
    words = ("Only %(count)s lead more can be registered.", "Only %(count)s leads more can be registered.")
    said = [swedish.ngettext(*words, count) for count in (1, 1200)]
    assert said == ["Bara 1 lead till kan registreras.", "Bara 1\xa0200 leads till kan registreras."]


def test_a_language_that_is_chosen_is_remembered(client: httpx.Client) -> None:
    client.headers["accept"] = "text/html"
    assert "<h1>Sign in</h1>" in client.get("/login").text
    assert "<h1>Logga in</h1>" in client.get("/login", headers={"accept-language": "sv-SE"}).text
    chosen = client.get("/login?lang=sv")
    assert '<html lang="sv">' in chosen.text
    kept = next(one for one in chosen.headers.get_list("set-cookie") if one.startswith("syncworker_lang=sv"))
    assert "Max-Age=31536000" in kept
    client.headers["cookie"] = "syncworker_lang=sv"
    assert "Logga in" in client.get("/login", headers={"accept-language": "en"}).text
    assert "Sign in" in client.get("/login?lang=en").text
    for nonsense in ("xx", "../sv", "sv\x00", "s" * 5000):
        assert client.get("/login", params={"lang": nonsense}).status_code == 200
