"""Which records of a stage come next, where they are found by id and read like marked ones?

By id in ascending order, so that the place is the last id: nothing that changes meanwhile moves what follows, and
no search goes beyond HubSpot's 10,000 results.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import text

from syncworker.hubspot.paths import Kind as CrmKind
from syncworker.hubspot.records import Filter, Record, Sort
from syncworker.store.arrays import SEPARATOR
from syncworker.store.database import Tx
from syncworker.sync.claims import BATCH
from syncworker.sync.context import Context
from syncworker.sync.marks import Kind
from syncworker.sync.resync.place import Taken
from syncworker.sync.resync.scope import MISSING, SEARCHED, SUBMITTED, Scope, kind_of
from syncworker.sync.triggers.changed import MODIFIED, id_numbers, modified, shown_up_to


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """Ids, where the next ones begin (None: there are no more), and the calls it took."""

    ids: tuple[str, ...]
    after: str | None
    calls: int = 0


# All of them, once: to compare with each id that was listed takes as long for a hundred as for all. The planner takes
# the lists for short, and would compare each id with each.
_NO_NESTED_LOOPS = text("SET LOCAL enable_nestloop = off")
_NO_MISSING = text("DELETE FROM resync_pages WHERE resync_id = :resync_id AND stage = :stage")
_NOTE_MISSING = text("""
    INSERT INTO resync_pages (resync_id, stage, ids)
    SELECT :resync_id, :stage, string_agg(object_id, chr(31) ORDER BY object_id)
      FROM (SELECT r.object_id, (row_number() OVER (ORDER BY r.object_id) - 1) / :limit AS page
              FROM records AS r
             WHERE r.hub_id = :hub_id AND r.kind = :kind AND r.presence = 'live' AND r.reconciled_at < :began
               AND NOT EXISTS (SELECT FROM
                    (SELECT unnest(string_to_array(p.ids, chr(31))) AS id FROM resync_pages AS p
                      WHERE p.resync_id = :resync_id AND p.stage = :kind) AS listed
                    WHERE listed.id = r.object_id)) AS missing
     GROUP BY page ORDER BY page
""")
_MISSING = text("""
    SELECT id, ids FROM resync_pages WHERE resync_id = :resync_id AND stage = :stage AND id > :after ORDER BY id LIMIT 2
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
    """The next ids of the stage that the resync is in. Raises what HubSpot raises, and SearchContradictsItself."""
    stage, kind = taken.place.stage, kind_of(taken.place.stage)
    if stage in SEARCHED:
        return _search(context, taken, kind)
    if stage in MISSING:
        return context.database.run(lambda tx: _missing(tx, taken, kind))
    scope = taken.scope
    parameters: dict[str, object] = {"hub_id": taken.hub_id, "after": taken.place.after or "", "limit": BATCH}
    if stage in SUBMITTED:
        query = _SUBMITTED
        parameters |= {"form": _form_keys(scope)}
    else:
        query = _KNOWN
        status = scope.status.value if scope.status else None
        parameters |= {"kind": kind.value, "property": context.names.status, "status": status}
    ids = context.database.run(lambda tx: list(tx.connection.execute(query, parameters).scalars()))
    return Found(ids=tuple(ids), after=ids[-1] if len(ids) == BATCH else None)


def _missing(tx: Tx, taken: Taken, kind: Kind) -> Found:
    """Those that no list has shown, and that nobody has read since it began: by the page, as they are noted at first.

    More than are missing does no harm: they are read.
    """
    stage = {"resync_id": taken.id, "stage": taken.place.stage}
    if taken.place.after is None:
        tx.connection.execute(_NO_NESTED_LOOPS)
        tx.connection.execute(_NO_MISSING, stage)
        known = {"hub_id": taken.hub_id, "kind": kind.value, "began": taken.created_at, "limit": BATCH}
        tx.connection.execute(_NOTE_MISSING, stage | known)
    pages = tx.connection.execute(_MISSING, stage | {"after": int(taken.place.after or 0)}).all()
    if not pages:
        return Found(ids=(), after=None)
    return Found(ids=tuple(pages[0].ids.split(SEPARATOR)), after=str(pages[0].id) if len(pages) > 1 else None)


def total(context: Context, taken: Taken) -> tuple[int, int]:
    """How many records there are in all, and the calls it took to know."""
    scope = taken.scope
    if scope.form is not None:
        parameters = {"hub_id": taken.hub_id, "form": _form_keys(scope)}
        return context.database.run(lambda tx: tx.connection.execute(_SUBMITTED_IN_ALL, parameters).scalar_one()), 0
    client = context.client(taken.hub_id)
    kinds: tuple[CrmKind, ...] = ("company", "contact")
    pages = []
    for kind in kinds:
        filters = _filters(context, scope, Kind(kind))
        pages.append(client.search(kind, filter_groups=[filters] if filters else [], sort=None, properties=[], limit=1))
    return sum(page.total for page in pages), len(pages)


def _search(context: Context, taken: Taken, kind: Kind) -> Found:
    after_id = int(taken.place.after or 0)
    filters = _filters(context, taken.scope, kind)
    page = context.client(taken.hub_id).search(
        "contact" if kind is Kind.CONTACT else "company",
        filter_groups=[[*filters, Filter(property_name="hs_object_id", operator="GT", value=str(after_id))]],
        sort=Sort("hs_object_id"),
        properties=[one.property_name for one in filters],
        limit=BATCH,
    )
    asked_for = all(_passes(kind, record, one) for record in page.records for one in filters)
    up_to = shown_up_to(after_id, page, limit=BATCH, asked_for=asked_for)
    # What lies beyond comes again with the next page.
    ids = {number for number in id_numbers(page.records) if up_to is None or number <= up_to}
    return Found(ids=tuple(map(str, sorted(ids))), after=None if up_to is None else str(up_to), calls=1)


def _passes(kind: Kind, record: Record, one: Filter) -> bool:
    if one.property_name == MODIFIED[kind]:
        at = modified(kind, record)
        return at is not None and at.timestamp() * 1000 >= int(one.value or 0)
    return record.properties.get(one.property_name) == one.value


def _filters(context: Context, scope: Scope, kind: Kind) -> list[Filter]:
    if scope.since is not None:
        moment = str(int(scope.since.timestamp() * 1000))
        return [Filter(property_name=MODIFIED[kind], operator="GTE", value=moment)]
    if scope.status is not None:
        return [Filter(property_name=context.names.status, operator="EQ", value=scope.status.value)]
    return []


def _form_keys(scope: Scope) -> str:
    """How the keys of the form's requests begin (sync/submissions.py)."""
    return f"form:{scope.form}:"
