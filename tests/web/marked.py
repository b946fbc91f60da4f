"""A language in which every text that is translated stands between marks, so that what is not translated stands out."""

from __future__ import annotations

import gettext
import re
from collections.abc import Sequence
from datetime import date, datetime
from html import escape
from html.parser import HTMLParser

from babel import Locale

from syncworker.languages import Language

CODE = "qps"
_HOLE = re.compile(r"%\(\w+\)[sd]")
_MARKED = re.compile(r"⟦[^⟦⟧]*⟧")
# What is no text of ours: domains and emails of those who are seeded, names of products and of this one.
_DATA = re.compile(
    r"[\w.%+-]+@[\w-]+(?:\.[\w-]+)+|\b(?:[\w-]+\.)+(?:se|com)\b|https?://\S+|\bportal \d+|"
    r"\b(?:syncworker|HubSpot|CSV|Acme|gold|elite|EO|QPS|EN|SV)\b"
)
_WORD = re.compile(r"[A-Za-zÅÄÖåäö]{2,}")
_SHOWN = ("title", "aria-label", "placeholder", "alt", "data-count", "data-label", "label")
# Quotations, commands and names of properties are what they are; a language is called as its speakers call it.
_QUOTED = {"q", "code", "script", "style", "svg", "article"}
_ALONE = {"input", "br", "img", "link", "meta", "hr"}


def _mark(text: str) -> str:
    """The text between marks, and what is filled in outside of them: it has marks of its own, or is data."""
    return f"⟦{_HOLE.sub(lambda hole: f'⟧{hole[0]}⟦', text)}⟧"


class _Catalogue(gettext.NullTranslations):
    def gettext(self, message: str) -> str:
        return _mark(message)

    def pgettext(self, context: str, message: str) -> str:
        return _mark(message)

    def ngettext(self, msgid1: str, msgid2: str, n: int) -> str:
        return _mark(msgid1 if n == 1 else msgid2)


class Marked(Language):
    """The language. Its days and times stand between marks, too."""

    def __init__(self) -> None:
        super().__init__(CODE, Locale("en"), _Catalogue())

    def date(self, day: date | None) -> str:
        return "" if day is None else f"⟦{day}⟧"

    def time(self, at: datetime | None, zone: str = "UTC") -> str:
        return "" if at is None else f"⟦{at}⟧"

    def exact(self, at: datetime | None, zone: str = "UTC") -> str:
        return self.time(at, zone)

    def duration(self, seconds: float) -> str:
        return f"⟦{seconds}⟧"


class _Texts(HTMLParser):
    """All texts of a page that somebody reads or hears."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._passed: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        in_english = tag == "ul" and given.get("lang") == "en"
        if self._passed or tag in _QUOTED or in_english or "hreflang" in given or given.get("class") == "brand":
            if tag not in _ALONE:
                self._passed.append(tag)
            return
        # A title beside a text that is cut short repeats data.
        self.found += [value for name in _SHOWN if (value := given.get(name))]

    def handle_endtag(self, tag: str) -> None:
        if self._passed:
            self._passed.pop()

    def handle_data(self, data: str) -> None:
        if not self._passed:
            self.found.append(data)


def untranslated(html: str, *, data: Sequence[str] = ()) -> set[str]:
    """The texts of a page in this language that are no text of a catalogue, and no data."""
    for one in data:
        html = html.replace(escape(one), "") if one else html
    parser = _Texts()
    parser.feed(html)
    return {" ".join(text.split()) for text in parser.found if _left(text)}


def _left(text: str) -> bool:
    while _MARKED.search(text):
        text = _MARKED.sub(" ", text)
    return bool(_WORD.search(_DATA.sub(" ", text)))
