"""Who looks at a page: in which language, and how wide is what they hold?

A journey is written down once, in English, and walked by each of them: what they read is looked up in the catalogue of
their language, so that a text that a page forgot to translate is not found there.
"""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from browser.chrome import DESK, PHONE
from syncworker.languages import Language, language


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody with a language and a screen."""

    lang: str
    is_on_a_phone: bool = False

    def __str__(self) -> str:
        """Short, and fit for a domain."""
        return f"{self.lang}-{'phone' if self.is_on_a_phone else 'desk'}"

    def __call__(self, text: str, **values: object) -> str:
        """What the English text is to them."""
        return self.language.gettext(text, **values)

    @property
    def language(self) -> Language:
        """With its plurals, dates and numbers."""
        return language(self.lang)

    @property
    def size(self) -> dict[str, int]:
        """Of their window."""
        return PHONE if self.is_on_a_phone else DESK

    @property
    def browser(self) -> dict[str, object]:
        """How a tab of theirs is opened."""
        return {"lang": self.lang, "size": self.size}


AT_A_DESK, SWEDE_ON_A_PHONE = Reader("en"), Reader("sv", is_on_a_phone=True)

by_two = pytest.mark.parametrize("says", [AT_A_DESK, SWEDE_ON_A_PHONE], ids=str)
"""Both languages and both widths. That every page fits either width in either language is `test_every_page`'s."""
