"""In which language is somebody told something, and how are dates, numbers and plurals written there?

English is the text in the source. Every other language is one file, `web/locales/<code>/LC_MESSAGES/messages.po`, read
when a process first needs it: nothing is compiled, and a file that is put there is a language that can be chosen.
"""

from __future__ import annotations

import gettext
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_time, format_timedelta, get_datetime_format
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

SOURCE = "en"
FOLDER = Path(__file__).parent / "web" / "locales"
DOMAIN = "messages"


def to_translate(text: str) -> str:
    """Mark a text that is translated where it is shown: the text itself, found by the extractor by this name."""
    return text


def to_translate_as(context: str, text: str) -> str:  # noqa: ARG001 - the extractor's
    """The same for a text that is more than one in other languages: `context` says which, and again where it is shown.

    As many things are called, and one of them: shown by `pgettext(context, text)`.
    """
    return text


@dataclass(frozen=True, slots=True)
class Words:
    """A text in English that is translated where it is shown, and what is filled in: `%(domain)s`.

    What is filled in may be Words itself, several of them, a day, a time or a number: each is said as the language says
    it.
    """

    text: str
    values: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        """In English."""
        return language(SOURCE).say(self)


@dataclass(frozen=True, slots=True, eq=False)
class Language:
    """A language, its words and its ways."""

    code: str
    locale: Locale
    catalogue: gettext.NullTranslations

    @property
    def name(self) -> str:
        """As its speakers call it."""
        name = self.locale.get_display_name(self.locale) or self.code
        return name[:1].upper() + name[1:]

    def gettext(self, text: str, **values: object) -> str:
        """The text in this language, with `%(name)s` filled in."""
        return _filled(self.catalogue.gettext(text), values)

    def ngettext(self, one: str, many: str, count: int, **values: object) -> str:
        """The text for so many; `%(count)s` is the number as it is written here."""
        return _filled(self.catalogue.ngettext(one, many, count), {"count": self.number(count), **values})

    def say(self, words: Words, zone: str = "UTC") -> str:
        """Words in this language; times in that time zone."""
        return self.gettext(words.text, **{name: self.said(value, zone) for name, value in words.values.items()})

    def said(self, value: object, zone: str = "UTC") -> str:
        """Whatever can be filled in, as it is written here."""
        match value:
            case Words():
                return self.say(value, zone)
            case tuple():
                return ", ".join(self.said(one, zone) for one in value)
            case datetime():
                return self.time(value, zone)
            case date():
                return self.date(value)
            case int() | float():
                return self.number(value)
            case _:
                return str(value)

    def number(self, number: float) -> str:
        """A number with its separators."""
        return _number(number, self.locale)

    def percent(self, share: float) -> str:
        """A share of one, in whole percent."""
        return format_percent(share, locale=self.locale)

    def date(self, day: date | None) -> str:
        """A day, written short; nothing for None."""
        return "" if day is None else _day(day, self.locale)

    def day_of(self, at: datetime | None, zone: str = "UTC") -> str:
        """The day of a time, which begins when it does in that time zone; nothing for None."""
        return "" if at is None else self.date(at.astimezone(ZoneInfo(zone)).date())

    def time(self, at: datetime | None, zone: str = "UTC") -> str:
        """A time to the minute, in that time zone; nothing for None."""
        if at is None:
            return ""
        local = at.astimezone(ZoneInfo(zone))
        parts = (format_time(local, "short", tzinfo=local.tzinfo, locale=self.locale), _day(local.date(), self.locale))
        return str(get_datetime_format("medium", locale=self.locale)).format(*parts)

    def exact(self, at: datetime | None, zone: str = "UTC") -> str:
        """A time to the second, with its zone: what is shown on hover."""
        return "" if at is None else format_datetime(at, "long", tzinfo=ZoneInfo(zone), locale=self.locale)

    def duration(self, seconds: float) -> str:
        """How long something lasts, in its largest unit."""
        return format_timedelta(timedelta(seconds=seconds), granularity="second", threshold=1.5, locale=self.locale)


@lru_cache(maxsize=1)
def languages() -> Mapping[str, Language]:
    """All that can be chosen, by code; the source's first."""
    found = {SOURCE: Language(SOURCE, Locale(SOURCE), gettext.NullTranslations())}
    for path in sorted(FOLDER.glob(f"*/LC_MESSAGES/{DOMAIN}.po")):
        code = path.parent.parent.name
        try:
            locale = Locale.parse(code)
        except (ValueError, UnknownLocaleError):
            # Somebody's folder beside the catalogues: no language is called so.
            continue
        found[code] = Language(code, locale, _read(path))
    return found


def language(code: str | None) -> Language:
    """The language of that code, or the source's."""
    return languages().get(code or "", languages()[SOURCE])


def preferred(accept: str | None) -> Language:
    """The language that an `Accept-Language` header likes best among those there are, or the source's."""
    for code in _liked(accept or ""):
        found = languages().get(code) or languages().get(code.partition("-")[0])
        if found is not None:
            return found
    return languages()[SOURCE]


# A page of a table says the same few days and numbers many times, and Babel takes its time for each.
@lru_cache(maxsize=4096)
def _day(day: date, locale: Locale) -> str:
    return format_date(day, "medium", locale=locale)


@lru_cache(maxsize=4096)
def _number(number: float, locale: Locale) -> str:
    return format_decimal(number, locale=locale)


def _liked(accept: str) -> Iterable[str]:
    """The codes of the header (RFC 9110, 12.5.4), the best first; what cannot be read counts for nothing."""
    wanted: list[tuple[float, str]] = []
    for part in accept[:500].split(","):
        code, _, weight = part.strip().partition(";")
        try:
            quality = float(weight.strip().removeprefix("q=")) if weight else 1.0
        except ValueError:
            continue
        if code and quality > 0:
            wanted.append((quality, code.strip().lower()))
    return [code for _, code in sorted(wanted, key=lambda one: -one[0])]


def _read(path: Path) -> gettext.GNUTranslations:
    with path.open("rb") as file:
        catalogue = read_po(file)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


def _filled(text: str, values: Mapping[str, object]) -> str:
    return text % values if values else text
