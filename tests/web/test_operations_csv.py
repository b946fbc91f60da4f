"""The tables of Operations leave as CSV, for operators, one portal's at a time, with no cell that runs."""

from __future__ import annotations

import csv
from collections.abc import Callable
from io import StringIO

import httpx
from sqlalchemy import text

from syncworker.access.roles import Role
from syncworker.registration.rules.terms import HoldKind
from syncworker.sync import operations
from syncworker.sync.lists import column_names
from syncworker.sync.marks import Kind, Priority, mark
from syncworker.sync.portals import hold_import
from syncworker.sync.portals.hold_import import Came
from syncworker.sync.resync import resync
from web.deployment import HUB, OTHER_HUB, Deployment
from web.signed_in import Browser

As = Callable[..., Browser]
TABLES = ("marks", "resyncs", "forms", "holds", "history")


def rows(answer: httpx.Response) -> list[dict[str, str]]:
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(StringIO(answer.text.removeprefix("\ufeff"))))


def test_each_table_is_a_file_and_says_what_the_page_says(as_: As, deployment: Deployment) -> None:
    deployment.portal(OTHER_HUB, partner="Beta")
    for hub_id, ids in ((HUB, ["1", "2"]), (OTHER_HUB, ["9"])):
        with deployment.database.transaction() as tx:
            mark(tx, hub_id, Kind.CONTACT, ids, priority=Priority.POLL, cause="a test")
    with deployment.database.transaction() as tx:
        parked = text("UPDATE marks SET parked_at = now(), last_error = '=cmd' WHERE object_id = '1'")
        tx.connection.execute(parked)
        form = text("INSERT INTO forms (hub_id, form_id, name, enabled_at) VALUES (:hub, 'f', '+F', now())")
        tx.connection.execute(form, {"hub": HUB})
    operations.add_hold(deployment.context, "kund.se", HoldKind.EXISTING_CUSTOMER, note="@vip", who="olle")
    resync.start(deployment.context, HUB, who="olle")
    olle = as_(Role.OPERATOR, portals=[HUB])
    [waits] = rows(olle.get("/operations/marks.csv"))
    assert (waits["id"], waits["last_error"]) == ("1", "'=cmd")
    assert waits["what_now"]
    assert [row["id"] for row in rows(olle.get("/operations/marks.csv?due=1"))] == ["2"]
    [begun] = rows(olle.get("/operations/resyncs.csv"))
    assert (begun["state"], begun["asked_by"]) == ("running", "olle")
    [form] = rows(olle.get("/operations/forms.csv"))
    assert form["name"] == "'+F"
    # So that each has its name in every language
    assert {*waits, *begun, *form} <= column_names.KNOWN
    [hold] = rows(olle.get("/operations/holds.csv"))
    assert (hold["domain"], hold["kind"], hold["note"]) == ("kund.se", "existing_customer", "'@vip")
    # Brought in again as it left it is as it was
    again = hold_import.import_holds(
        deployment.context, olle.get("/operations/holds.csv").content, "holds.csv", who="olle", dry_run=True
    )
    assert [row.came for row in again] == [Came.KNOWN]
    assert rows(olle.get("/operations/holds.csv?q=nobody")) == []
    did = {row["what"] for row in rows(olle.get("/operations/history.csv"))}
    assert {"A domain was put on hold", "A resync was begun"} <= did
    for name in TABLES:
        if name != "resyncs":
            assert f'href="/operations/{name}.csv' in olle.get(f"/operations/{name}").text, name


def test_nobody_but_operators_downloads_them(as_: As, deployment: Deployment) -> None:
    manager = as_(Role.MANAGER)
    for name in TABLES:
        assert manager.get(f"/operations/{name}.csv").status_code == 403, name
        assert as_().get(f"/operations/{name}.csv").status_code == 303, name


def test_columns_are_called_as_the_reader_calls_them_and_the_holds_come_in_again(
    as_: As, deployment: Deployment
) -> None:
    operations.add_hold(deployment.context, "kund.se", HoldKind.EXISTING_CUSTOMER, note="vip", who="olle")
    olle = as_(Role.OPERATOR)
    for name in ("marks", "resyncs", "holds", "history"):
        english = headers(olle.get(f"/operations/{name}.csv?lang=en"))
        swedish = headers(olle.get(f"/operations/{name}.csv?lang=sv"))
        assert len(set(swedish)) == len(english)
        # Called the same in both
        assert set(swedish) & set(english) <= {"id"}, name
    file = olle.get("/operations/holds.csv?lang=sv")
    assert headers(file)[:3] == ["domän", "typ", "anteckning"]
    again = hold_import.import_holds(deployment.context, file.content, "holds.csv", who="olle", dry_run=True)
    assert [row.came for row in again] == [Came.KNOWN]


def headers(answer: httpx.Response) -> list[str]:
    return next(csv.reader(StringIO(answer.text.removeprefix("\ufeff"))))
