"""What did a person do that is about no one lead: to marks, resyncs, holds, accounts, settings?

It is kept in the history, with codes and numbers as its detail: whoever shows it chooses the words.
"""

from __future__ import annotations

from collections.abc import Mapping

from syncworker.registration.ledger import history
from syncworker.registration.ledger.history import Event, Happened
from syncworker.registration.rules.terms import Source
from syncworker.store import portals
from syncworker.store.database import Tx


def did(
    tx: Tx,
    happened: Happened,
    *,
    who: str,
    source: Source = Source.APP,
    hub_id: int | None = None,
    about: str | None = None,
    why: str = "",
    detail: Mapping[str, object] | None = None,
) -> None:
    """Keep it. `hub_id`: the portal it is of, None for the whole deployment; `about`: the person it was done to."""
    told = Event(
        partner_id=portals.get(tx, hub_id).partner.id if hub_id is not None else None,
        hub_id=hub_id,
        event=happened,
        source=source.value,
        who=who,
        why=why,
        about=about,
        detail=detail,
    )
    history.record(tx, [told])
