"""How is a form let to register leads by itself, and stopped, with who did it?"""

from __future__ import annotations

from dataclasses import dataclass

from syncworker.registration.ledger.history import Happened
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.database import Tx
from syncworker.sync.context import Context
from syncworker.sync.did import did
from syncworker.sync.lists.form_list import enabled, form_meant
from syncworker.sync.portals.connect import disable_form, enable_form


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
