"""Is a text that somebody typed fit to be read, and how is it shown in a sentence?"""

from __future__ import annotations

import re

DETAIL_CHARACTERS = 500
"""The longest detail a record shows."""
QUOTED_CHARACTERS = 60
"""The most that a sentence ever repeats of what somebody typed."""

# What cannot be seen, or turns the reading direction of what follows: C0 and C1 controls, bidirectional
# marks, line and paragraph separators, zero-width space, word joiners, byte order mark, lone surrogates,
# annotations, tags. The joiners U+200C and U+200D and the soft hyphen stay: Persian, Hindi and long
# words need them.
_UNFIT = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)


def is_fit(text: str) -> bool:
    """No control characters, no bidirectional marks, nothing that cannot be seen."""
    return _UNFIT.search(text) is None


def quote(text: str) -> str:
    """`text` as a sentence may repeat it: only what can be seen, one line, at most 60 characters."""
    # Cut before the scan: ten megabytes are not looked at to show sixty characters.
    start = text[: 4 * QUOTED_CHARACTERS]
    seen = "".join(character if character.isprintable() else " " for character in start)
    return clip(" ".join(seen.split()), QUOTED_CHARACTERS)


def clip(text: str, characters: int) -> str:
    """`text`, cut with an ellipsis where it is longer than that many characters."""
    return text if len(text) <= characters else text[: characters - 1].rstrip() + "…"
