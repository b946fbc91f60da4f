"""How is a form let to register leads by itself, and stopped, with who did it?"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import delete, text, update
from sqlalchemy.dialects.postgresql import insert as upsert

from syncworker.hubspot.errors import HubSpotError
from syncworker.hubspot.rate_limit import RateLimited
from syncworker.registration.ledger import requests
from syncworker.registration.ledger.history import Happened
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.store.tables import forms
from syncworker.sync.context import Context
from syncworker.sync.did import did
from syncworker.sync.lists.form_list import enabled, form_meant
from syncworker.sync.triggers import cursors
from syncworker.sync.triggers.cursors import FORM

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Switched:
    """The form that was meant, and whether anything changed."""

    id: str
    name: str
    changed: bool


def switch_form(
    context: Context, hub_id: int, named: str, *, on: bool, who: str, source: Source = Source.APP
) -> Switched:
    """Let a form, named by id or name, register leads from now on, or no more; what it asked for stays asked for.

    Raises UnknownPortal, NoSuchForm, FormsAlike, HubSpotError.
    """
    with context.database.transaction() as tx:
        portals.get(tx, hub_id)
        known = enabled(tx, hub_id)
    if named in known:
        # Without HubSpot: it may be away, and a form that was deleted there must be stopped too.
        form_id, name = named, known[named].name
    else:
        form = form_meant(context, hub_id, named)
        form_id, name = form.id, form.name

    def switch(tx: Tx) -> bool:
        changed = enable_form(tx, hub_id, form_id, name=name) if on else disable_form(tx, hub_id, form_id)
        if changed:
            happened = Happened.FORM_ENABLED if on else Happened.FORM_DISABLED
            did(tx, happened, who=who, source=source, hub_id=hub_id, why=form_id, detail={"name": name})
        return changed

    return Switched(id=form_id, name=name, changed=context.database.run(switch))


def enable_form(tx: Tx, hub_id: int, form_id: str, *, name: str = "", at: datetime | None = None) -> bool:
    """Let a form register leads from a time on, now by default; return whether it did not before."""
    at = at or tx.now
    row = upsert(forms).values(hub_id=hub_id, form_id=form_id, name=name, enabled_at=at)
    added = tx.connection.execute(row.on_conflict_do_nothing().returning(forms.c.form_id)).one_or_none() is not None
    cursors.ensure(tx, hub_id, f"{FORM}{form_id}", high_water=at)
    return added


def disable_form(tx: Tx, hub_id: int, form_id: str) -> bool:
    """Let a form register no more leads; return whether it did before."""
    # First, and waiting for whoever moves it: what that one holds is let go below, and nobody holds more afterwards.
    tx.connection.execute(
        text("DELETE FROM cursors WHERE hub_id = :hub_id AND trigger = :trigger"),
        {"hub_id": hub_id, "trigger": f"{FORM}{form_id}"},
    )
    # What it had read of a long list, without having come to the end.
    requests.release(tx, hub_id, who=f"{FORM}{form_id}")
    removed = delete(forms).where(forms.c.hub_id == hub_id, forms.c.form_id == form_id)
    return tx.connection.execute(removed).rowcount > 0


def keep_names(context: Context, hub_id: int) -> None:
    """Keep what the forms are called that were enabled by their ids alone, as settings do, for whoever reads histories.

    Asks HubSpot only where a name is missing.
    """
    with context.database.transaction() as tx:
        unnamed = {form_id for form_id, form in enabled(tx, hub_id).items() if not form.name}
    if not unnamed:
        return
    try:
        named = {form.id: form.name for form in context.client(hub_id).forms() if form.id in unnamed}
    except (HubSpotError, RateLimited) as error:
        # Nothing is done differently for want of a name; what keeps the forms from being read shows with their polls.
        log.warning("form_names_not_read", hub_id=hub_id, reason=str(error))
        return

    def keep(tx: Tx) -> None:
        for form_id, name in named.items():
            of = (forms.c.hub_id == hub_id, forms.c.form_id == form_id)
            tx.connection.execute(update(forms).where(*of).values(name=name))

    context.database.run(keep)
