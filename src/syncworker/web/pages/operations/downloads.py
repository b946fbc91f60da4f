"""How does an operator download a table of Operations?"""

from __future__ import annotations

from fastapi import Request, Response

from syncworker.sync.lists import csv_lists, operations_csv
from syncworker.sync.lists.column_names import named
from syncworker.sync.lists.operations_csv import Table
from syncworker.web.pages.operations import tabs
from syncworker.web.pages.route import pages
from syncworker.web.recognising import Held, Operator, Reader, ThePortal

router = pages()


@router.get(tabs.MARKS + ".csv")
def marks(request: Request, context: Held, reader: Operator, portal: ThePortal) -> Response:
    """The parked marks; with `?due=1` those that are looked at next."""
    with context.database.transaction() as tx:
        parked = request.query_params.get("due") != "1"
        return _file(reader, "marks", operations_csv.marks(tx, portal.hub_id, parked=parked))


@router.get(tabs.RESYNCS + ".csv")
def resyncs(context: Held, reader: Operator, portal: ThePortal) -> Response:
    """The portal's resyncs."""
    with context.database.transaction() as tx:
        return _file(reader, "resyncs", operations_csv.resyncs(tx, portal.hub_id))


@router.get(tabs.FORMS + ".csv")
def forms(context: Held, reader: Operator, portal: ThePortal) -> Response:
    """The portal's forms."""
    return _file(reader, "forms", operations_csv.forms(context, portal.hub_id))


@router.get(tabs.HOLDS + ".csv")
def holds(request: Request, context: Held, reader: Operator) -> Response:
    """The holds that match: a file that comes in again as it is."""
    q = request.query_params.get("q", "").strip()[:200]
    with context.database.transaction() as tx:
        return _file(reader, "holds", operations_csv.holds(tx, q=q or None))


@router.get(tabs.HISTORY + ".csv")
def history(context: Held, reader: Operator, portal: ThePortal) -> Response:
    """What people did."""
    everywhere = reader.signed_in.user.every_portal
    with context.database.transaction() as tx:
        return _file(reader, "history", operations_csv.history(tx, portal.hub_id, everywhere=everywhere))


def _file(reader: Reader, name: str, table: Table) -> Response:
    # Whole before it is sent: whoever reads slowly would keep a connection of the database.
    columns, rows = table
    content = "".join(csv_lists.lines(named(columns, reader.language), rows))
    kept = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    return Response(content, media_type="text/csv; charset=utf-8", headers=kept)
