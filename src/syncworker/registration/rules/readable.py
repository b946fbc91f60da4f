"""How is a domain shown to people: as Unicode, or as the A-labels that it is kept as?

As Unicode, unless it could be taken for another one: letters of several scripts in one label, letters that are hardly
told from those of another script, or anything that cannot be read.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

import idna

_PREFIX = "xn--"
# Letters without a decomposition that no reader of Latin takes for another letter.
_LATIN = frozenset("abcdefghijklmnopqrstuvwxyzßæøœðþđł")
# Japanese is written in these at once.
_TOGETHER = frozenset({"CJK", "HIRAGANA", "KATAKANA"})
# Of scripts whose letters may all look like Latin ones: a word of these alone is taken for a Latin one.
_LOOK_LATIN = frozenset("асеорухіјѕԁһԛԝѵӏгпвοανικρτυχγ")


@lru_cache(maxsize=16_384)
def readable(domain: str) -> str:
    """The domain as a person reads it; the same where it is ASCII, or could deceive."""
    if _PREFIX not in domain:
        return domain
    try:
        labels = [idna.decode(label) if label.startswith(_PREFIX) else label for label in domain.split(".")]
    except idna.IDNAError:
        # Kept from before a rule of IDNA was stricter: what it is, is what is shown.
        return domain
    foreign_end = not labels[-1].isascii()
    return ".".join(labels) if all(_is_plain(label, foreign_end=foreign_end) for label in labels) else domain


def _is_plain(label: str, *, foreign_end: bool) -> bool:
    """Whether the label cannot be taken for another one."""
    if label.isascii():
        return True
    letters = [character for character in label if not (character.isascii() and not character.isalpha())]
    scripts = {_script(letter) for letter in letters}
    if scripts == {"LATIN"}:
        return all(unicodedata.normalize("NFD", letter)[0] in _LATIN for letter in letters)
    if len(scripts) > 1 and not scripts <= _TOGETHER:
        return False
    # A domain that ends in its own script says itself what it is.
    return foreign_end or not all(letter in _LOOK_LATIN for letter in letters)


def _script(letter: str) -> str:
    """The script of a letter, by the first word of its name: there is no other source in the standard library."""
    return unicodedata.name(letter, "").partition(" ")[0]
