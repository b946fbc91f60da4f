"""Which records of a stage come next, where they are found by id and read like marked ones?

By id in ascending order, so that the place is the last id: nothing that changes meanwhile moves what follows, and
no search goes beyond HubSpot's 10,000 results.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from syncworker.hubspot.paths import Kind as CrmKind
from syncworker.hubspot.records import Filter, Sort
from syncworker.sync.claims import BATCH
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind
from syncworker.sync.resync.place import Taken
from syncworker.sync.resync.scope import KNOWN, SEARCHED, SUBMITTED, Scope, kind_of
from syncworker.sync.triggers.changed import MODIFIED


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Ids, where the next ones begin (None: there are no more), and the calls it took."""

    ids: tuple[str, ...]
    after: str | None
    calls: int = 0


_MISSING = text("""
    SELECT object_id FROM records
     WHERE hub_id = :hub_id AND kind = :kind AND presence = 'live' AND reconciled_at < :began AND object_id > :after
     ORDER BY object_id LIMIT :limit
""")
_KNOWN = text("""
    SELECT object_id FROM records
     WHERE hub_id = :hub_id AND kind = :kind AND written ->> :property = :status AND object_id > :after
     ORDER BY object_id LIMIT :limit
""")
_SUBMITTED = text("""
    SELECT DISTINCT contact_id FROM requests
     WHERE hub_id = :hub_id AND starts_with(key, :form) AND contact_id > :after
     ORDER BY contact_id LIMIT :limit
""")
_SUBMITTED_IN_ALL = text("""
    SELECT count(DISTINCT contact_id) FROM requests WHERE hub_id = :hub_id AND starts_with(key, :form)
""")


def find(context: Context, taken: Taken) -> Found:
    """The next ids of the stage that the resync is in."""
    stage, kind = taken.place.stage, kind_of(taken.place.stage)
    if stage in SEARCHED:
        return _search(context, taken, kind)
    scope = taken.scope
    parameters: dict[str, object] = {"hub_id": taken.hub_id, "after": taken.place.after or "", "limit": BATCH}
    if stage in SUBMITTED:
        query = _SUBMITTED
        parameters |= {"form": _form_keys(scope)}
    elif stage in KNOWN:
        query = _KNOWN
        status = scope.status.value if scope.status else None
        parameters |= {"kind": kind.value, "property": context.names.status, "status": status}
    else:
        query = _MISSING
        parameters |= {"kind": kind.value, "began": taken.created_at}
    ids = context.database.run(lambda tx: list(tx.connection.execute(query, parameters).scalars()))
    return Found(ids=tuple(ids), after=ids[-1] if len(ids) == BATCH else None)


def total(context: Context, taken: Taken) -> tuple[int, int]:
    """How many records there are in all, and the calls it took to know."""
    scope = taken.scope
    if scope.form is not None:
        parameters = {"hub_id": taken.hub_id, "form": _form_keys(scope)}
        return context.database.run(lambda tx: tx.connection.execute(_SUBMITTED_IN_ALL, parameters).scalar_one()), 0
    client = context.client(taken.hub_id)
    kinds: tuple[CrmKind, ...] = ("company", "contact")
    pages = [
        client.search(kind, filter_groups=_filters(context, scope, Kind(kind)), sort=None, properties=[], limit=1)
        for kind in kinds
    ]
    return sum(page.total for page in pages), len(pages)


def _search(context: Context, taken: Taken, kind: Kind) -> Found:
    client = context.client(taken.hub_id)
    beyond = Filter(property_name="hs_object_id", operator="GT", value=taken.place.after or "0")
    page = client.search(
        "contact" if kind is Kind.CONTACT else "company",
        filter_groups=[[*group, beyond] for group in _filters(context, taken.scope, kind)],
        sort=Sort("hs_object_id"),
        properties=[],
        limit=BATCH,
    )
    ids = sorted((record.id for record in page.records), key=int)
    return Found(ids=tuple(ids), after=ids[-1] if page.after is not None and ids else None, calls=1)


def _filters(context: Context, scope: Scope, kind: Kind) -> list[list[Filter]]:
    if scope.since is not None:
        moment = str(int(scope.since.timestamp() * 1000))
        return [[Filter(property_name=MODIFIED[kind], operator="GTE", value=moment)]]
    if scope.status is not None:
        return [[Filter(property_name=context.names.status, operator="EQ", value=scope.status.value)]]
    return []


def _form_keys(scope: Scope) -> str:
    """How the keys of the form's requests begin (sync/submissions.py)."""
    return f"form:{scope.form}:"
