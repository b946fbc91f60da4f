"""How late work is done is counted by what caused it."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from support.rig import Rig
from syncworker.sync.marks import Priority
from syncworker.sync.watch.observed import trigger


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


@pytest.mark.parametrize(
    ("cause", "priority", "expected"),
    [
        ("webhook", Priority.WEBHOOK, "webhook"),
        ("poll, an hour later", Priority.POLL, "poll"),
        ("form submission", Priority.PERSON, "form"),
        ("asked by app", Priority.PERSON, "person"),
        ("resync", Priority.PERSON, "resync"),
        ("expiry", Priority.WEBHOOK, "expiry"),
        ("domain acme.se", Priority.POLL, "ledger"),
        ("something new", Priority.RESYNC, "resync"),
    ],
)
def test_a_mark_has_one_of_a_few_triggers(cause: str, priority: Priority, expected: str) -> None:
    assert trigger(cause, priority) == expected


def test_a_form_that_is_worked_off_counts_once_with_what_was_written(rig: Rig) -> None:
    hub = str(rig.hub)
    lag = counted("syncworker_lag_seconds_count", portal=hub, trigger="form")
    written = counted("syncworker_records_written_total", portal=hub, kind="contact", outcome="written")
    rig.submit("ada@fjordline-tools.se")
    rig.settle()
    assert rig.status("ada@fjordline-tools.se")[0] == "registered"
    assert counted("syncworker_lag_seconds_count", portal=hub, trigger="form") == lag + 1
    assert counted("syncworker_records_written_total", portal=hub, kind="contact", outcome="written") == written + 1
    assert counted("syncworker_write_back_seconds_count", portal=hub, kind="contact") > 0
