"""Which forms has a portal, which of them register leads by themselves, and which one is meant?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, literal, select, text

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.records import Form
from syncworker.store.database import Tx
from syncworker.store.tables import cursors, forms
from syncworker.sync.context import Context
from syncworker.sync.triggers.cursors import FORM


class NoSuchForm(Exception):
    """The portal has no form of that id or name."""

    def __init__(self, hub_id: int, named: str) -> None:
        self.hub_id = hub_id
        super().__init__(f"portal {hub_id} has no form {named[:100]!r}: see `syncworker forms list`")


class FormsAlike(Exception):
    """Several forms have the name."""

    def __init__(self, count: int, named: str) -> None:
        super().__init__(f"{count} forms are called {named[:100]!r}: name it by its id")


@dataclass(frozen=True, slots=True, kw_only=True)
class FormLine:
    """A form of the portal. What is kept of its poll is None where it does not register leads."""

    id: str
    name: str
    """As HubSpot calls it now; else as it was called when it was enabled."""
    in_hubspot: bool
    """False: it registers leads, and is no longer in HubSpot. A person should know."""
    enabled_at: datetime | None
    """Since when its submissions register leads; None: they do not."""
    polled_at: datetime | None
    last_error: str | None
    """Why its last poll failed, or what it left out."""


def form_lines(context: Context, hub_id: int) -> list[FormLine]:
    """The portal's forms, and those that register leads and are gone. Asks HubSpot: raises HubSpotError."""
    with context.database.transaction() as tx:
        kept = enabled(tx, hub_id)
    return _lines({form.id: form.name for form in context.client(hub_id).forms()}, kept)


def known_lines(tx: Tx, hub_id: int) -> list[FormLine]:
    """The forms that register leads, as far as they are known without HubSpot, which may be away."""
    kept = enabled(tx, hub_id)
    return _lines({form_id: form.name for form_id, form in kept.items()}, kept)


def names(tx: Tx, hub_id: int) -> dict[str, str]:
    """How the forms that register leads are called, by id; others are not known without HubSpot."""
    return {form_id: form.name for form_id, form in enabled(tx, hub_id).items()}


def _lines(named: Mapping[str, str], kept: Mapping[str, Enabled]) -> list[FormLine]:
    return [
        FormLine(
            id=form_id,
            name=named.get(form_id) or (kept[form_id].name if form_id in kept else ""),
            in_hubspot=form_id in named,
            enabled_at=kept[form_id].enabled_at if form_id in kept else None,
            polled_at=kept[form_id].polled_at if form_id in kept else None,
            last_error=kept[form_id].last_error if form_id in kept else None,
        )
        for form_id in dict.fromkeys([*named, *kept])
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Enabled:
    """A form that registers leads, as it is kept here."""

    name: str
    enabled_at: datetime
    polled_at: datetime | None
    last_error: str | None


def enabled(tx: Tx, hub_id: int) -> Mapping[str, Enabled]:
    """The forms that register leads, by id."""
    polled = and_(cursors.c.hub_id == forms.c.hub_id, cursors.c.trigger == literal(FORM) + forms.c.form_id)
    columns = (forms.c.form_id, forms.c.name, forms.c.enabled_at, cursors.c.polled_at, cursors.c.last_error)
    query = select(*columns).outerjoin_from(forms, cursors, polled)
    rows = tx.connection.execute(query.where(forms.c.hub_id == hub_id).order_by(forms.c.form_id))
    return {
        row.form_id: Enabled(
            name=row.name, enabled_at=row.enabled_at, polled_at=row.polled_at, last_error=row.last_error
        )
        for row in rows
    }


def form_meant(context: Context, hub_id: int, named: str) -> Form:
    """The form of that id, or of that name where only one is called so. Asks HubSpot.

    Raises NoSuchForm, FormsAlike, HubSpotError.
    """
    found = [form for form in context.client(hub_id).forms() if form.id.lower() == named.lower() or form.name == named]
    if not found:
        raise NoSuchForm(hub_id, named)
    if len(found) > 1:
        raise FormsAlike(len(found), named)
    return found[0]


# As the keys of their requests have it.
_ASKED_BY_FORM = text("""
    SELECT split_part(key, ':', 2) FROM requests WHERE hub_id = :hub_id AND starts_with(lower(key), :form) LIMIT 1
""")


def form_known(context: Context, hub_id: int, named: str) -> str:
    """The id of a form that registers leads, or of which requests are kept, though HubSpot be away or have it no more.

    Of any other as of `form_meant`, whose errors it raises.
    """
    with context.database.transaction() as tx:
        kept = enabled(tx, hub_id)
        of_requests = {"hub_id": hub_id, "form": f"form:{named.lower()}:"}
        known: list[str] = [*kept, *tx.connection.execute(_ASKED_BY_FORM, of_requests).scalars()]
    of_id = [form_id for form_id in known if form_id.lower() == named.lower()]
    if of_id:
        return of_id[0]
    try:
        return form_meant(context, hub_id, named).id
    except (HubSpotError, NoSuchForm):
        called = [form_id for form_id, form in kept.items() if form.name == named]
        if len(called) != 1:
            raise
        return called[0]
