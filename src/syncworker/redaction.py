"""What must not be in a log line, or in an error that is kept with a mark?

Errors of others quote: HubSpot the email it was asked for, PostgreSQL the row that it refused. Ids stay, so that
whoever reads the line can look the record up; persons do not.
"""

from __future__ import annotations

import re

# Longer than any email, and bounded: without that, an answer that quotes somebody's endless word would be read from
# each of its letters to its end, and a worker stand still over its log.
_EMAIL = re.compile(
    r"[^\s@<>()\[\]{}\"/'`,;:=|\\]{1,128}(?:@|%40)[^\s@<>()\[\]{}\"'`,;:=|\\/]{1,256}\.\w+", re.IGNORECASE
)
# What PostgreSQL adds to an error: the values of the row, or of the key. It ends where the next part begins.
_ROW = re.compile(r"DETAIL:.*?(?=\n\n|\n\[SQL|\nCONTEXT:|\Z)", re.DOTALL)


def without_emails(text: str) -> str:
    """The text with every email address in it as `<email>`."""
    return _EMAIL.sub("<email>", text) if "@" in text or "%40" in text else text


def without_persons(text: str) -> str:
    """The text without email addresses, and without the rows that the database quotes."""
    return without_emails(_ROW.sub("DETAIL: left out", text) if "DETAIL:" in text else text)
