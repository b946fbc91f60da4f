"""What are the columns called of a list that leaves a page as CSV, and which column is meant by a name that comes in?

The API and the command line have the English names, for programs. A person has those of their language; a file with
either comes in again.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from syncworker.languages import Language, languages, to_translate

# Each of them is its own English text. A test holds that no list has one that is missing here.
_OF_LEADS = (
    to_translate("domain"), to_translate("domain_readable"), to_translate("company"), to_translate("company_id"),
    to_translate("contact"), to_translate("contact_id"), to_translate("contact_id_found"), to_translate("country"),
    to_translate("website"), to_translate("registered_on"), to_translate("expires_on"),
    to_translate("renew_at_expiry"), to_translate("source"), to_translate("status"), to_translate("confirmation"),
    to_translate("hold"), to_translate("requested_at"), to_translate("state"), to_translate("reason"),
    to_translate("position"), to_translate("why"), to_translate("what_now"), to_translate("missing"),
    to_translate("wrong"), to_translate("lead"), to_translate("outcome"), to_translate("row"),
)  # fmt: skip
_OF_OPERATIONS = (
    to_translate("kind"), to_translate("id"), to_translate("cause"), to_translate("attempts"),
    to_translate("marked_at"), to_translate("not_before"), to_translate("parked_at"), to_translate("last_error"),
    to_translate("address"), to_translate("scope"), to_translate("total"), to_translate("listed"),
    to_translate("marked"), to_translate("written"), to_translate("failed"), to_translate("calls"),
    to_translate("asked_by"), to_translate("created_at"), to_translate("finished_at"), to_translate("note"),
    to_translate("name"), to_translate("registers_since"), to_translate("polled_at"), to_translate("in_hubspot"),
    to_translate("added_by"), to_translate("added_at"), to_translate("at"), to_translate("what"), to_translate("who"),
    to_translate("about"),
)  # fmt: skip
KNOWN = frozenset(_OF_LEADS + _OF_OPERATIONS)


def named(columns: Iterable[str], say: Language) -> list[str]:
    """The columns as a reader calls them."""
    return [say.gettext(column) for column in columns]


def meant(name: str, columns: Sequence[str]) -> str:
    """Which of the columns is called so, in whichever language; the name in small letters where none is."""
    written = name.strip().lower()
    called = {say.gettext(column).lower(): column for say in languages().values() for column in columns}
    return called.get(written, written)
