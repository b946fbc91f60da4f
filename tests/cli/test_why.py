"""One command says why a lead shows what it shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlalchemy import text

from syncworker.registration.rules.terms import Source
from syncworker.sync import operations, turns
from syncworker.sync.marks import Kind, Priority, mark

Run = Callable[..., Any]
Demo = Any


def test_a_lead_that_was_registered_and_is_parked_says_both(run: Run, demo: Demo) -> None:
    assert "nobody has asked" in run("why", "nordlys.se").out
    # Bytes of a terminal that are no text
    assert run("why", "\udcff").code == 3
    run("setup", "--yes")
    contact_id = demo.contact()
    operations.register(demo.context, demo.hub_id, contact_id, who="a test", source=Source.APP, key="1")
    turns.interactive_turn(demo.context, demo.hub_id)
    for meant in ("nordlys.se", contact_id, "asa@nordlys.se"):
        known = run("why", meant, "--json").json
        assert known["answer"].startswith("nordlys.se is registered until"), meant
        assert [request["state"] for request in known["known"]["requests"]] == ["registered"]
        assert "registered" in [entry["event"] for entry in known["known"]["history"]]
    with demo.context.database.transaction() as tx:
        mark(tx, demo.hub_id, Kind.CONTACT, [contact_id], priority=Priority.POLL, cause="poll")
        tx.connection.execute(
            text("UPDATE marks SET parked_at = now(), last_error = 'HubSpot answered 400 to POST /x'")
        )
    shown = run("why", "nordlys.se").out
    assert f"contact {contact_id} is parked: HubSpot refuses to have this record written" in shown
    assert f"syncworker marks retry contact {contact_id}" in shown
